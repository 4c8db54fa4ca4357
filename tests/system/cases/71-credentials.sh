#!/usr/bin/env bash
# The first passwords, given by the administrator: systemd hands them over.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
secret='correct horse battery staple'
host_make
install -d -m 0700 "$host_root/etc/credstore"
(umask 0077 && echo "$secret" >"$host_root/etc/credstore/admin-password")
host_boot
check_within 10 "the server answers" live
PASSWORD=$secret check "admin has the password that was given" \
    curl_as admin "$server/config/default/boot/" --output /dev/null
PASSWORD=wrong check_code 22 "and no other" curl_as admin "$server/config/default/boot/" --output /dev/null
check "ecuser, who was given none, has one that was made up" \
    curl_as ecuser "$server/config/default/boot/" --output /dev/null
check_equal "" "$(password admin)" "what was given is not written down again"
check_equal "ecuser 600" "$(in_host stat --format '%U %a' /var/ecconfigd/initial-passwords)" \
    "what was made up is for ecuser and root to read"
check_code 1 "no password is in the journal" sh_in_host "journalctl --output export | grep -qe '$secret' -e '$(password ecuser)'"

rm "$host_root/etc/credstore/admin-password"
check "restart without the credential" in_host systemctl restart ecconfigd
PASSWORD=$secret check "the password stays" curl_as admin "$server/config/default/boot/" --output /dev/null
