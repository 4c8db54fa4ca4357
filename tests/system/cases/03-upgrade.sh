#!/usr/bin/env bash
# An upgrade restarts the service while clients are at it, and changes nothing else.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
. lib/package.sh
. lib/load.sh

program() {
    in_host readlink "/proc/$(unit MainPID)/exe"
}
version() {
    # shellcheck disable=SC2016 # dpkg-query expands it
    in_host dpkg-query --show --showformat '${Version} ${db:Status-Status}' ecconfigd
}
serves_anew() { # PID
    [ "$(unit MainPID)" != "$1" ] && live
}

old=$(package_of_version 0.9)
older=$(package_of_version 0.8)
new_version=$(dpkg-deb --field "$(package)" Version)
host_make "$(bare_layer)"
host_boot
check "an older version is installed" dpkg_install "$older"
check_within 10 "the server answers" live
password=$(password admin)
identity=$(in_host sha256sum /var/ecconfigd/apache/server.key)
load_start
for deb in "$old" "$(package)"; do
    pid=$(unit MainPID)
    check "upgrade to $(dpkg-deb --field "$deb" Version)" dpkg_install "$deb"
    check "another process serves" serves_anew "$pid"
    check_equal /opt/msys/ecelerity/sbin/ecconfigd "$(program)" "it is the new program"
done
load_stop
load_check "2 upgrades"
check_equal "$new_version installed" "$(version)" "the new version is installed"
check_equal "$password" "$(password admin)" "the passwords are the same"
check_equal "$identity" "$(in_host sha256sum /var/ecconfigd/apache/server.key)" "the key is the same"

in_host systemctl stop ecconfigd.service 2>/dev/null
check "the same version once more" dpkg_install "$(package)"
check_code 3 "a service that did not run is not started" is_active ecconfigd.service
check "but its socket listens" is_active ecconfigd.socket

in_host systemctl --quiet disable --now ecconfigd.socket ecconfigd.service
check "the same version once more" dpkg_install "$(package)"
check_equal disabled "$(in_host systemctl is-enabled ecconfigd.socket || true)" \
    "a socket that the administrator has disabled stays so"
check_code 3 "and is not started" is_active ecconfigd.socket
