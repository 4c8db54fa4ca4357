#!/usr/bin/env bash
# The cron file: for machines where systemd's timers do not do it.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
. lib/cron.sh
host_make
cat >"$host_root/opt/msys/ecelerity/bin/eccfg" <<'END'
#!/bin/sh
echo "eccfg $*"
END

schedule() {
    awk '/^[*]/ { print $1, $2, $3, $4, $5, $6 }' "$host_root/etc/cron.d/msys-ecelerity"
}
check_equal "$(printf '%s\n' '* * * * * root' '*/5 * * * * root')" "$(schedule)" \
    "pull runs each minute, put running every five minutes"
check_equal "0 644" "$(stat --format '%u %a' "$host_root/etc/cron.d/msys-ecelerity")" "cron accepts its mode"

host_start_plain
check_equal "" "$(job 1)" "without cluster.boot nothing is done"
echo cluster_name=default >"$host_root/opt/msys/ecelerity/etc/cluster.boot"
check_equal "eccfg pull --auto --quiet" "$(job 1)" "without systemd: pull"
check_equal "eccfg put running --quiet" "$(job 2)" "without systemd: put running"
host_halt

host_boot
check_equal "eccfg pull --auto --quiet" "$(job 1)" "with systemd, timers off: pull"
in_host systemctl --quiet enable --now eccfg-pull.timer eccfg-put-running.timer
check_equal "" "$(job 1)" "with systemd, timers on: no pull"
check_equal "" "$(job 2)" "with systemd, timers on: no put running"
in_host systemctl start eccfg-pull.service eccfg-put-running.service
check_output '^eccfg pull --auto$' "the timers' service pulls" \
    in_host journalctl --quiet --output cat -u eccfg-pull
check_output '^eccfg put running --quiet$' "the timers' service saves the running configuration" \
    in_host journalctl --quiet --output cat -u eccfg-put-running
in_host systemctl disable --quiet --now eccfg-pull.timer
printf '#!/bin/sh\nsleep 1000\n' >"$host_root/opt/msys/ecelerity/bin/eccfg"
in_host systemctl start eccfg-watch.service
check_equal "" "$(job 1)" "with eccfg-watch.service: no pull"
in_host systemctl stop eccfg-watch.service
rm "$host_root/opt/msys/ecelerity/bin/eccfg"
check_equal "" "$(job 1)" "nor is anything done or said after the package was removed"
