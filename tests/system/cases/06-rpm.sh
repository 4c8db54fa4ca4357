#!/usr/bin/env bash
# The .rpm, installed on a disk with the tool of its distributions, and booted.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
. lib/package.sh

rpm_in_host() {
    rpm --root "$host_root" --nodeps --ignoreos --nosignature "$@" "$PACKAGES"/*.rpm
}

if [ ! -e "$(echo "$PACKAGES"/*.rpm)" ]; then
    echo "       not checked: there is no .rpm"
    exit
fi
host_make "$(bare_layer)"
check "rpm installs it" rpm_in_host --install
host_boot
enabled() {
    in_host systemctl is-enabled ecconfigd.socket ecconfigd.service eccfg-pull.timer \
        eccfg-watch.service eccfg-put-running.timer | paste -sd ' '
}
check_equal "enabled disabled disabled disabled disabled" "$(enabled)" "the socket is enabled, and nothing else"
check "the first connection is answered" answers
check_within 10 "it runs as ecuser" in_host pgrep -x -u ecuser ecconfigd
