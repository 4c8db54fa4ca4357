#!/usr/bin/env bash
# A host on which the original is, or a part of it: the package is not installed there, and nothing
# is changed, until the original's files are out of the way. Nor does a purge delete them.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
. lib/package.sh
. lib/original.sh

# As a program does it that nobody watches.
apt_install() {
    hand_over "$(package)"
    sh_in_host 'exec apt-get install --yes /root/*.deb </dev/null'
}
status() {
    # shellcheck disable=SC2016 # dpkg-query expands it
    in_host dpkg-query --show --showformat '${db:Status-Status}' ecconfigd 2>/dev/null || true
}
# The indented blocks of what the refusal prints: the paths that were found, and commands.
block() { # N
    tr -d '\r' <"$WORK/refusal" | awk -v wanted="$1" '
        / Found:$/       { begun = 1 }
        /^  / && !inside { inside = 1; block += begun }
        !/^  /           { inside = 0 }
        inside && block == wanted'
}

host_make "$(bare_layer)"
host_boot
check "on a bare host apt-get installs it" apt_install
check "and it is purged" sh_in_host 'apt-get purge --yes ecconfigd </dev/null'
in_host userdel ecuser
original_make
# What ecuser may call a repository.
made_up=$'/var/ecconfigd/repo/x\n$(touch evil)'
in_host mkdir -p "$made_up/db"
in_host touch "$made_up/format"
check_code 100 "a repository may have any name: apt-get does not install it" apt_install
cp "$WORK/output" "$WORK/refusal"
block 2 >"$WORK/commands"
check "there are commands for root to type" grep -q 'mv -T' "$WORK/commands"
check_code 1 "and nothing that ecuser has made up in them" grep -q touch "$WORK/commands"
in_host rm -r "$made_up"
listing >"$WORK/before"
check_code 100 "over the original apt-get does not install it" apt_install
cp "$WORK/output" "$WORK/refusal"
check_same "$WORK/before" "nothing has changed" listing
check_equal not-installed "$(status)" "nor does dpkg have it half installed"
check_equal "" "$(in_host dpkg --audit)" "or find anything to mend"
check_equal "/etc/cron.d/msys-ecelerity
/etc/init.d/ecconfigd
/etc/rc3.d/S85ecconfigd
/opt/msys/ecelerity/bin/create_ssl_cert
/opt/msys/ecelerity/bin/eccfg
/opt/msys/ecelerity/bin/ecconfigd_ctl
/opt/msys/ecelerity/etc/ecconfigd.conf
/opt/msys/ecelerity/sbin/ecconfigd
/var/ecconfigd/apache/access.log
/var/ecconfigd/repo/default
/var/ecconfigd/repo/global
/var/ecconfigd/repo/svn-auth.htdigest
/var/log/ecelerity/ecconfigd.log" "$(block 1 | sed "s/^  //" | sort)" "each path that it found is told"
block 2 >"$host_root/root/away"
block 3 >"$host_root/root/back"
# The time of a directory changes with what is put there.
at_rest() {
    listing | sed 's/^\([^ ]* d [^ ]* [^ ]*\).*/\1/'
}
at_rest >"$WORK/before"
check "the commands that it prints move the original away" in_host bash -e /root/away
check "then it is installed" apt_install
check_within 10 "and answers" answers
check "the other commands bring the original back" in_host bash -e /root/back
in_host rm -r /var/ecconfigd-original
check "what the package's server had is kept" in_host test -f /var/ecconfigd-new/accounts
in_host rm -r /var/ecconfigd-new
check_same "$WORK/before" "all of it is as it was" at_rest
host_remove

# Versions that did not look have failed at the init script, and have replaced the programs already.
careless() {
    local dir=$WORK/careless
    dpkg-deb --raw-extract "$(package)" "$dir"
    rm "$dir/DEBIAN/preinst"
    sed -i "s/^Version: .*/Version: 0.5/" "$dir/DEBIAN/control"
    dpkg-deb --root-owner-group -Zgzip -z1 --build "$dir" "$WORK/careless.deb" >/dev/null
    echo "$WORK/careless.deb"
}
host_make "$(bare_layer)"
host_boot
original_make
check_code 1 "a version that does not look is half installed over the original" dpkg_install "$(careless)"
listing >"$WORK/before"
check_code 100 "this one stops before that" apt_install
cp "$WORK/output" "$WORK/refusal"
check_same "$WORK/before" "it changes nothing" listing
check_equal "/etc/cron.d/msys-ecelerity
/etc/init.d/ecconfigd
/etc/rc3.d/S85ecconfigd
/opt/msys/ecelerity/etc/ecconfigd.conf
/var/ecconfigd/apache/access.log
/var/ecconfigd/repo/default
/var/ecconfigd/repo/global
/var/ecconfigd/repo/svn-auth.htdigest
/var/log/ecelerity/ecconfigd.log" "$(block 1 | sed "s/^  //" | sort)" "it tells what is there of the original still"
block 2 >"$host_root/root/away"
check "the commands that it prints move that away" in_host bash -e /root/away
check "then it is installed" apt_install
check_within 10 "and answers" answers
host_remove

# A part of it is enough.
host_make "$(bare_layer)"
host_start_plain
in_host useradd --system ecuser
part() { # WHAT COMMAND…
    "${@:2}"
    listing >"$WORK/before"
    check_code 1 "$1: it is not installed" dpkg_install "$(package)"
    check_same "$WORK/before" "$1: nothing has changed" listing
    in_host rm -rf /opt/msys /var/ecconfigd /etc/{init.d/ecconfigd,cron.d/msys-ecelerity,rc3.d/S85ecconfigd} \
        /usr/lib/systemd/system/ecconfigd.service
}
linked_state() {
    original_repositories
    mv "$host_root/var/ecconfigd" "$host_root/srv/ecconfigd"
    ln -s ../srv/ecconfigd "$host_root/var/ecconfigd"
}
hand_over "$(package)"
part "the original's repositories alone" original_repositories
part "its init script alone" original_init
part "its cron file alone" original_cron
part "its programs alone" original_programs
part "its repositories behind a link" linked_state
part "a link to nowhere in place of a program" \
    sh_in_host 'mkdir -p /opt/msys/ecelerity/bin && ln -s /mnt/eccfg /opt/msys/ecelerity/bin/'
part "somebody's unit" sh_in_host 'echo "[Unit]" >/usr/lib/systemd/system/ecconfigd.service'
check "when all of it is gone it is installed" dpkg_install "$(package)"
