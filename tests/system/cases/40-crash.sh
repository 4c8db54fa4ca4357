#!/usr/bin/env bash
# A server that hangs or dies is started again, one that dies at once time and again is not.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
host_make
drop_in ecconfigd.service <<'END'
[Service]
WatchdogSec=2
END
host_boot
check_within 10 "the server answers" live

since=$(now)
pid=
another_serves() {
    [ "$(unit MainPID)" != "$pid" ] && live
}
remember() {
    pid=$(unit MainPID)
    began=$(date +%s%N)
}
took() {
    echo "$((($(date +%s%N) - began) / 1000000)) ms"
}
log_of_systemd() {
    in_host journalctl --quiet --no-pager --output cat --since "$since" \
        -u ecconfigd.service -u ecconfigd.socket _PID=1
}

remember
still_same() {
    [ "$(unit MainPID)" = "$pid" ]
}
check_code 1 "a server that is well feeds the watchdog" within 5 not still_same

remember
in_host kill -STOP "$pid"
check_within 15 "a server that hangs is started again" another_serves
figure "hung server replaced after $(took), with WatchdogSec=2"
check_output 'Watchdog timeout' "the journal says that it hung" log_of_systemd

remember
in_host kill -KILL "$pid"
check_within 10 "a server that was killed is started again" another_serves
figure "killed server replaced after $(took)"

remember
in_host kill -ABRT "$pid"
check_within 10 "a server that crashed is started again" another_serves

in_host systemctl restart ecconfigd.service
for _ in 1 2 3 4 5; do
    remember
    in_host kill -KILL "$pid"
    within 5 another_serves || break
done
check_equal failed "$(unit ActiveState)" "after five quick crashes it stays down"
check_output 'Start request repeated too quickly' "the journal says plainly why" log_of_systemd
check_code 1 "/etc/init.d/ecconfigd status says that it died" in_host /etc/init.d/ecconfigd status
check_output 'has failed.*journalctl -u ecconfigd' "and where to look" in_host /etc/init.d/ecconfigd status
check_code 7 "connections are refused, and not kept waiting for nothing" live

check "/etc/init.d/ecconfigd start brings it back at once" in_host /etc/init.d/ecconfigd start
check "it serves again" live
restarts() {
    for _ in 1 2 3 4 5 6 7 8; do
        in_host systemctl restart ecconfigd || return
    done
}
check "eight restarts by hand are no crashes" restarts
check "it serves after them" live
