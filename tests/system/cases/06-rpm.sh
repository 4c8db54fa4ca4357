#!/usr/bin/env bash
# The .rpm, installed on a disk with the tool of its distributions, and booted.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
. lib/package.sh
. lib/original.sh

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

# Files of others are beside.
others=/var/ecconfigd/repo/svn
in_host systemctl stop ecconfigd.socket ecconfigd.service
svnadmin create "$host_root$others"
echo "# changed here" >>"$host_root/etc/init.d/ecconfigd"
listing /var/ecconfigd >"$WORK/before"
check "rpm erases it" rpm --root "$host_root" --erase ecconfigd
check_same "$WORK/before" "all that is in /var/ecconfigd is as it was" listing /var/ecconfigd
check "so is a changed file of /etc" grep -x "# changed here" "$host_root/etc/init.d/ecconfigd.rpmsave"
check "it is installed again where its own files are" rpm_in_host --install
host_remove

host_make "$(bare_layer)"
host_start_plain
original_make
listing >"$WORK/before"
check_code 1 "over the original rpm does not install it" rpm_in_host --install
cp "$WORK/output" "$WORK/refusal"
check "and names what it found" grep -x "  /var/ecconfigd/repo/default" "$WORK/refusal"
check_same "$WORK/before" "nothing has changed" listing
