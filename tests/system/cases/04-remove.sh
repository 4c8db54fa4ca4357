#!/usr/bin/env bash
# Removing keeps the data, installing again finds them, purging takes them.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
. lib/package.sh

revision() {
    curl_as admin "$server/config/default/boot/default/kept.conf"
}
# What there is of the package, but dpkg's own notes and the user.
remains() {
    in_host find / -xdev \( -path /proc -o -path /root -o -path /var/log/journal \) -prune -o \
        \( -name '*ecconfigd*' -o -name '*eccfg*' -o -name '*msys*' -o -name '*create_ssl_cert*' \) -print
}

host_make "$(bare_layer)"
host_boot
check_equal "" "$(remains)" "there is nothing before"
check "install" dpkg_install "$(package)"
check_within 10 "the server answers" live
git_admin clone --quiet "$(repository)" "$WORK/clone-kept"
check "a commit" commit "$WORK/clone-kept" default/kept.conf "this is kept"
password=$(password admin)

check "remove" in_host dpkg --remove ecconfigd
check_code 3 "the service is stopped" is_active ecconfigd.service
check_code 7 "the port is closed" live
check "the data are there" git --git-dir "$(state_dir)/repo/default" -c safe.directory='*' \
    cat-file -e boot:default/kept.conf
check_code 1 "the programs are not" in_host test -e /opt/msys/ecelerity/sbin/ecconfigd
check_code 5 "/etc/init.d/ecconfigd start: 5" in_host /etc/init.d/ecconfigd start
host_reboot
check_equal "" "$(in_host systemctl list-units --no-legend --plain --failed)" "a boot after it has no failures"

check "install again" dpkg_install "$(package)"
check "the socket listens" is_active ecconfigd.socket
check_output '^this is kept$' "what was committed is there" revision
check_equal "$password" "$(password admin)" "the password is the same"

check "purge" in_host dpkg --purge ecconfigd
check_code 7 "the port is closed" live
check_equal "" "$(remains)" "nothing remains, the data neither"
check_equal "" "$(in_host systemctl list-units --all --no-legend --plain 'ecc*')" "systemd has forgotten the units"

check "install after the purge" dpkg_install "$(package)"
check_within 10 "the server answers" live
check "with new passwords" [ "$(password admin)" != "$password" ]
