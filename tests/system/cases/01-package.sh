#!/usr/bin/env bash
# What the packages hold, before they are installed.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
. lib/package.sh

# Mode, owner and path of every file.
listing_of_deb() {
    dpkg-deb --contents "$(package)" | awk '$1 !~ /^d/ { sub(/^\./, "", $6); print $1, $2, $6 }' | sort -k 3
}
listing_of_rpm() {
    rpm --query --dbpath "$WORK/rpm" --nosignature --package "$PACKAGES"/*.rpm --queryformat \
        '[%{FILEMODES:perms} %{FILEUSERNAME}/%{FILEGROUPNAME} %{FILENAMES}\n]' | grep -v ^d | sort -k 3
}
documented=$(sed 's/^-\([rwx-]*\)/-\1 0\/0/' <<'END_OF_LIST' | sort -k 3
-rw-r--r-- /etc/cron.d/msys-ecelerity
-rwxr-xr-x /etc/init.d/ecconfigd
-rwxr-xr-x /opt/msys/ecelerity/bin/create_ssl_cert
-rwxr-xr-x /opt/msys/ecelerity/bin/eccfg
-rwxr-xr-x /opt/msys/ecelerity/bin/ecconfigd_ctl
-rw-r--r-- /opt/msys/ecelerity/etc/sample-configs/default/common.conf
-rw-r--r-- /opt/msys/ecelerity/etc/sample-configs/default/eccluster.conf
-rw-r--r-- /opt/msys/ecelerity/etc/sample-configs/default/ecelerity-cluster.conf
-rw-r--r-- /opt/msys/ecelerity/etc/sample-configs/default/ecelerity.conf
-rw-r--r-- /opt/msys/ecelerity/etc/sample-configs/default/msgc_server.conf
-rwxr-xr-x /opt/msys/ecelerity/sbin/ecconfigd
-rw-r--r-- /usr/lib/systemd/catalog/ecconfigd.catalog
-rw-r--r-- /usr/lib/systemd/system/eccfg-pull.service
-rw-r--r-- /usr/lib/systemd/system/eccfg-pull.timer
-rw-r--r-- /usr/lib/systemd/system/eccfg-put-running.service
-rw-r--r-- /usr/lib/systemd/system/eccfg-put-running.timer
-rw-r--r-- /usr/lib/systemd/system/eccfg-watch.service
-rw-r--r-- /usr/lib/systemd/system/ecconfigd-stopped.service
-rw-r--r-- /usr/lib/systemd/system/ecconfigd.service
-rw-r--r-- /usr/lib/systemd/system/ecconfigd.socket
-rw-r--r-- /usr/lib/sysusers.d/ecconfigd.conf
-rw-r--r-- /usr/lib/tmpfiles.d/ecconfigd.conf
-rw-r--r-- /usr/share/bash-completion/completions/create_ssl_cert
-rw-r--r-- /usr/share/bash-completion/completions/eccfg
-rw-r--r-- /usr/share/bash-completion/completions/ecconfigd
-rw-r--r-- /usr/share/bash-completion/completions/ecconfigd_ctl
-rw-r--r-- /usr/share/ecconfigd/etc/cron.d/msys-ecelerity
-rw-r--r-- /usr/share/ecconfigd/etc/init.d/ecconfigd
-rw-r--r-- /usr/share/doc/ecconfigd/changelog.gz
-rw-r--r-- /usr/share/doc/ecconfigd/backup.md
-rw-r--r-- /usr/share/doc/ecconfigd/copyright
-rw-r--r-- /usr/share/doc/ecconfigd/differences.md
-rw-r--r-- /usr/share/doc/ecconfigd/limits.md
-rw-r--r-- /usr/share/doc/ecconfigd/logging.md
-rw-r--r-- /usr/share/doc/ecconfigd/performance.md
-rw-r--r-- /usr/share/doc/ecconfigd/replication.md
-rw-r--r-- /usr/share/doc/ecconfigd/security.md
-rw-r--r-- /usr/share/doc/ecconfigd/third-party.gz
-rw-r--r-- /usr/share/fish/vendor_completions.d/create_ssl_cert.fish
-rw-r--r-- /usr/share/fish/vendor_completions.d/eccfg.fish
-rw-r--r-- /usr/share/fish/vendor_completions.d/ecconfigd.fish
-rw-r--r-- /usr/share/fish/vendor_completions.d/ecconfigd_ctl.fish
-rw-r--r-- /usr/share/lintian/overrides/ecconfigd
-rw-r--r-- /usr/share/man/man8/create_ssl_cert.8.gz
-rw-r--r-- /usr/share/man/man8/eccfg.8.gz
-rw-r--r-- /usr/share/man/man8/ecconfigd.8.gz
-rw-r--r-- /usr/share/man/man8/ecconfigd_ctl.8.gz
-rw-r--r-- /usr/share/zsh/vendor-completions/_create_ssl_cert
-rw-r--r-- /usr/share/zsh/vendor-completions/_eccfg
-rw-r--r-- /usr/share/zsh/vendor-completions/_ecconfigd
-rw-r--r-- /usr/share/zsh/vendor-completions/_ecconfigd_ctl
END_OF_LIST
)
check_equal "$documented" "$(listing_of_deb)" "the .deb holds every file at its documented place"

looked_at() {
    sh -c '. ../../packaging/lib/original; printf "%s\n" $changeable $fixed' | sort
}
in_places_of_others() {
    listing_of_deb | awk '$3 !~ "^/usr/" || $3 ~ "^/usr/lib/systemd/system/" { print $3 }'
}
check_equal "$(in_places_of_others)" "$(looked_at)" "an installation looks for files of others in their places"

if [ -e "$(echo "$PACKAGES"/*.rpm)" ]; then
    # What each distribution has at a place of its own.
    there=$(sed -e 's# 0/0 # root/root #' -e 's#/zsh/vendor-completions/#/zsh/site-functions/#' \
        -e 's#doc/ecconfigd/copyright#licenses/ecconfigd/LICENSE#' \
        -e 's#lintian/overrides/ecconfigd#../lib/systemd/system-preset/50-ecconfigd.preset#' \
        -e 's#share/\.\./##' -e '\#/usr/share/ecconfigd/#d' <<<"$documented" | sort -k 3)
    check_equal "$there" "$(listing_of_rpm)" "so does the .rpm"
    scriptlets() {
        rpm --query --dbpath "$WORK/rpm" --nosignature --package "$PACKAGES"/*.rpm --scripts | grep -c 'scriptlet:$'
    }
    check_equal 4 "$(scriptlets)" "the .rpm has its scripts"
else
    echo "       not checked: there is no .rpm"
fi

unpacked=$WORK/unpacked
dpkg-deb --extract "$(package)" "$unpacked"
for page in "$unpacked"/usr/share/man/man8/*.gz; do
    name=$(basename "$page" .8.gz)
    check_output "^\.SH NAME|^\.TH $name 8 " "the manual page $name is one" zcat "$page"
    check "bash takes the completions of $name" bash -n "$unpacked/usr/share/bash-completion/completions/$name"
done
completions() {
    bash -c '. "$1"/usr/share/bash-completion/completions/ecconfigd
        COMP_WORDS=(ecconfigd --log) COMP_CWORD=1 && _ecconfigd ecconfigd --log ecconfigd
        echo "${COMPREPLY[@]}"' bash "$unpacked"
}
check_output '^--log-level$' "they complete an option" completions
conffiles() {
    dpkg-deb --info "$(package)" conffiles | sort
}
check_equal $'/etc/cron.d/msys-ecelerity\n/etc/init.d/ecconfigd' "$(conffiles)" \
    "what an administrator changes in /etc is kept"

if command -v lintian >/dev/null; then
    check "lintian finds no errors" lintian --allow-root --fail-on error "$(package)"
else
    echo "       not checked: there is no lintian"
fi
