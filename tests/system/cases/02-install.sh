#!/usr/bin/env bash
# Installing the package on a machine that runs.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
. lib/package.sh

owner_and_mode() { # PATH
    in_host stat --format '%U:%G %a' "$1"
}
enabled() { # UNIT
    in_host systemctl is-enabled "$1" || true
}

host_make "$(bare_layer)"
host_boot
check "dpkg installs it" dpkg_install "$(package)"
check_equal "" "$(in_host dpkg --audit)" "dpkg finds nothing half done"
check_equal "" "$(in_host dpkg --verify ecconfigd)" "every file is as it was packed"
check_equal "enabled disabled disabled disabled disabled" \
    "$(for unit in ecconfigd.socket ecconfigd.service eccfg-pull.timer eccfg-watch.service \
        eccfg-put-running.timer; do
        enabled "$unit"
    done | paste -sd ' ')" "the socket is enabled, and nothing else"
check "the socket listens" is_active ecconfigd.socket
check_code 3 "the service waits for the first connection" is_active ecconfigd.service
check "the first connection is answered" answers
check_equal "ecuser:ecuser 755" "$(owner_and_mode /var/ecconfigd)" "/var/ecconfigd is ecuser's"
check_equal "ecuser:ecuser 600" "$(owner_and_mode /var/ecconfigd/initial-passwords)" \
    "the first passwords are for ecuser and root to read"
check_output ':/opt/msys/ecelerity:/usr/sbin/nologin$' "nobody can log in as ecuser" in_host getent passwd ecuser
check "sysvinit would start it, too" sh_in_host 'test -e /etc/rc2.d/S??ecconfigd && test -e /etc/rc0.d/K??ecconfigd'
check_output 'The configuration server serves' "the journal knows the explanations" \
    in_host journalctl --catalog --list-catalog f7895f90cd654b6588f8924ede435f04
check_equal "" "$(journal -p warning)" "nothing was worth a warning"
host_reboot
check "it listens after the next boot" is_active ecconfigd.socket
check "and answers" live
host_remove

# A machine whose administrator lets packages start nothing.
host_make "$(bare_layer)"
printf '#!/bin/sh\nexit 101\n' >"$host_root/usr/sbin/policy-rc.d"
chmod 0755 "$host_root/usr/sbin/policy-rc.d"
host_boot
check "with a policy-rc.d: dpkg installs it" dpkg_install "$(package)"
check_code 3 "with a policy-rc.d: nothing was started" is_active ecconfigd.socket
check_equal enabled "$(enabled ecconfigd.socket)" "with a policy-rc.d: the socket is enabled all the same"
host_remove

# sysvinit tells its runlevel, and then packages start things.
host_make "$(bare_layer)"
rm "$host_root/sbin/runlevel"
printf '#!/bin/sh\necho N 2\n' >"$host_root/sbin/runlevel"
chmod 0755 "$host_root/sbin/runlevel"
host_start_plain
check "without systemd: dpkg installs it" dpkg_install "$(package)"
check_code 0 "without systemd: it was started" in_host /etc/init.d/ecconfigd status
check "without systemd: it answers" live
pid=$(in_host cat /run/ecconfigd.pid)
check "without systemd: dpkg installs another version" dpkg_install "$(package_of_version 99.0)"
check_code 1 "without systemd: the old server has ended" in_host test -e "/proc/$pid/exe"
check "without systemd: a new one answers" live
check "without systemd: purge" in_host dpkg --purge ecconfigd
check_code 1 "without systemd: the server has ended" in_host pgrep -x ecconfigd
check_code 1 "without systemd: the data are gone" in_host test -e /var/ecconfigd
