#!/usr/bin/env bash
# Whoever has become ecuser gets no further: nothing that root runs of ours takes its environment, its
# files or its terminal from ecuser. tests/ecuser.rs tries the programs and the init script; this the
# units and the package.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
etc=/opt/msys/ecelerity/etc

as_ecuser() {
    in_host setpriv --reuid ecuser --regid ecuser --clear-groups "$@"
}
of_its_environment() { # PATTERN
    in_host cat "/proc/$(unit MainPID)/environ" | tr '\0' '\n' | { grep "$1" || true; }
}
host_make
host_boot
check_within 10 "the server answers" live
sh_in_host "umask 077; echo SECRET=of-root >/root/secret"

as_ecuser ln -s /root/secret $etc/environment
check "systemctl restart, with a link for environment" in_host systemctl restart ecconfigd
check_within 10 "the server answers" live
check_equal "" "$(of_its_environment of-root)" "the server has nothing of what the link leads to"
check_output 'environment.*cannot be read.*let the user of this service read it' \
    "the journal says what is wrong" journal
check_code 0 "the init script restarts it" in_host /etc/init.d/ecconfigd restart
check_code 1 "nothing of root's file is in the journal" \
    sh_in_host 'journalctl --no-pager | grep of-root'
as_ecuser rm $etc/environment

as_ecuser sh -c "printf '%s\n' SPY=of-ecuser EXTRA_ARGS='--log-level 5' >$etc/environment"
for unit in ecconfigd ecconfigd-stopped eccfg-pull eccfg-put-running eccfg-watch; do
    check_code 1 "$unit takes no environment from ecuser" \
        sh_in_host "systemctl show -p Environment -p EnvironmentFiles -p ExecStart -p ExecStopPost $unit | grep $etc/environment"
    check_equal 0 "$(unit LimitCORE $unit.service)" "$unit leaves no dumps"
done
check "systemctl restart" in_host systemctl restart ecconfigd
check_equal "" "$(of_its_environment of-ecuser)" "systemd gives nobody what is ecuser's"

sh_in_host "mkdir /root/dir && echo cluster_name=default >$etc/cluster.boot"
as_ecuser ln -s /root/dir $etc/.eccfg
for unit in eccfg-pull eccfg-put-running; do
    check_code 1 "$unit fails with a link for .eccfg" in_host systemctl start $unit
done
check_code 6 "eccfg store-password, too" \
    sh_in_host 'echo "a word that nobody knows" | /opt/msys/ecelerity/bin/eccfg store-password'
check_equal "" "$(in_host ls -A /root/dir)" "nothing was written where the link leads"

sh_in_host 'mkdir -p /srv/project/global && touch /srv/project/.git /srv/project/global/.git'
as_ecuser ln -s /srv/project $etc/conf
check "purge" sh_in_host 'dpkg --purge ecconfigd'
check "purge deletes nothing where a link leads" \
    sh_in_host 'test -e /srv/project/.git && test -e /srv/project/global/.git'
