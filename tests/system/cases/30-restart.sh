#!/usr/bin/env bash
# Restarts and reloads under load: nobody is refused, nothing fails, no answer is cut short.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
. lib/load.sh
restarts=50
reloads=20

host_make
host_boot
check_within 10 "the server answers" live
load_start
since=$(now)

restart_often() {
    local number
    for ((number = 1; number <= restarts; number++)); do
        in_host systemctl restart ecconfigd || return
        # Reloads fall between, at different moments of the new process's life.
        ((number * reloads % restarts >= reloads)) || in_host systemctl reload ecconfigd || return
    done
}
began=$(date +%s%N)
load_began=$SECONDS
check "systemd restarts $restarts times and reloads $reloads times" restart_often
each=$((($(date +%s%N) - began) / 1000000 / restarts))
load_stop

load_check "$restarts restarts ($each ms each) and $reloads reloads in $((SECONDS - load_began)) s"
enough() {
    [ "$(load_count request)" -gt 200 ] && [ "$(load_count clone)" -gt 10 ] && [ "$(load_count commit)" -gt 10 ]
}
check "the clients were very busy" enough
reloaded=$(in_host journalctl --quiet --no-pager --output cat --since "$since" -u ecconfigd _PID=1 |
    grep -c '^Reloaded ' || true)
check_equal "$reloads" "$reloaded" "each reload was one for systemd"
check_equal "" "$(journal -p warning)" "nothing was worth a warning"
