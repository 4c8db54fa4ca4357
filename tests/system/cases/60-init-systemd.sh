#!/usr/bin/env bash
# /etc/init.d/ecconfigd where systemd runs: it drives the units.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
init=/etc/init.d/ecconfigd
boot=/opt/msys/ecelerity/etc/cluster.boot
host_make
host_boot
check_within 10 "the server answers" live

main_pid() {
    unit MainPID
}
other_pid_than() { # PID
    [ "$(main_pid)" != "$1" ] && live
}
# What the last start was given, from the process itself.
extra_args() {
    in_host cat "/proc/$(main_pid)/environ" | tr '\0' '\n' | sed -n 's/^EXTRA_ARGS=//p'
}

check_code 0 "status: 0 when it runs" in_host $init status
check_output 'is running: listening on' "status tells what systemctl status tells" in_host $init status
pid=$(main_pid)
check_code 0 "start: 0 when it runs already" in_host $init start
check_equal "$pid" "$(main_pid)" "start leaves a running server alone"
check_code 0 "reload: 0" in_host $init reload
check_code 0 "force-reload: 0" in_host $init force-reload
check_equal "$pid" "$(main_pid)" "reload and force-reload do not restart it"
check_code 0 "restart: 0" in_host $init restart
check "restart is one" other_pid_than "$pid"
pid=$(main_pid)
check_code 0 "try-restart: 0" in_host $init try-restart
check "try-restart restarts a running server" other_pid_than "$pid"
check_code 0 "wait: 0 when it answers" in_host $init wait

check_code 0 "stop: 0" in_host $init stop
check_code 3 "stop stops the service" is_active ecconfigd.service
check_code 3 "stop stops the socket, which would start it again" is_active ecconfigd.socket
check_code 0 "stop: 0 when it is stopped already" in_host $init stop
check_code 3 "status: 3 when it is stopped" in_host $init status
check_code 7 "reload: 7 when it is stopped" in_host $init reload
check_code 7 "force-reload: 7 when it is stopped" in_host $init force-reload
check_code 0 "try-restart: 0 when it is stopped" in_host $init try-restart
check_code 3 "try-restart leaves a stopped server alone" is_active ecconfigd.service
check_code 1 "wait: 1 when it does not run" in_host $init wait
check_code 0 "restart: 0 when it is stopped" in_host $init restart
check "restart starts a stopped server" live
check_code 0 "stop" in_host $init stop
check_code 0 "start: 0" in_host $init start
check "start starts service and socket" is_active ecconfigd.service
check "start starts service and socket" is_active ecconfigd.socket
in_host systemctl stop ecconfigd.service 2>/dev/null
check_output 'first connection' "status: says that the socket would start it" in_host $init status

check_code 2 "2 without an action" in_host $init
check_code 2 "2 with two actions" in_host $init start stop
check_code 3 "3 for an action that there is not" in_host $init no-such-action
check_output '^Usage: ' "and how it is used" in_host $init no-such-action
as_nobody() {
    in_host setpriv --reuid nobody --regid nogroup --clear-groups $init "$1"
}
check_code 4 "4 for others than root" as_nobody stop
check_code 3 "everybody may ask for the status" as_nobody status
in_host $init start >/dev/null
check_code 0 "everybody may ask for the status" as_nobody status

check "Debian's hooks are there, which turn init scripts into systemctl" \
    in_host grep -q systemctl /lib/lsb/init-functions.d/40-systemd
tricky="--log-level '6' --root \"/\" --root '/\$HOME\`\\/..' --root /"
check_code 0 "restart with EXTRA_ARGS" in_host env EXTRA_ARGS="$tricky" $init restart
check_equal "$tricky" "$(extra_args)" "EXTRA_ARGS arrives as it was given, quotes and all"
check_code 1 "nothing of it is left in /run" in_host test -e /run/ecconfigd.environment
# The server reads the file by itself.
log_of_a_request() {
    local since
    since=$(now)
    curl_as admin "$server/config/default/boot/" --output /dev/null
    journal --since "$since"
}
for export in '' 'export '; do
    echo "${export}EXTRA_ARGS='--log-level 6'" >"$host_root/opt/msys/ecelerity/etc/environment"
    check_code 0 "restart" in_host $init restart
    check_output 'GET /config/default/boot/' "the next start has those of the environment file ($export)" \
        log_of_a_request
done
echo "EXTRA_ARGS='--log-level 5'" >"$host_root/opt/msys/ecelerity/etc/environment"
check_code 0 "restart with EXTRA_ARGS" in_host env EXTRA_ARGS='--log-level 6' $init restart
check_equal "--log-level 6" "$(extra_args)" "the caller's EXTRA_ARGS goes before the file's"
check_code 0 "restart with empty EXTRA_ARGS" in_host env EXTRA_ARGS= $init restart
check_equal "" "$(extra_args)" "an empty one, too"
rm "$host_root/opt/msys/ecelerity/etc/environment"
mode_while_starting() {
    drop_in ecconfigd.service <<<$'[Service]\nExecStartPre=+/bin/stat --format %%a:%%U /run/ecconfigd.environment'
    in_host env EXTRA_ARGS='--log-level 6' $init restart
    in_host journalctl --quiet --no-pager --output cat --lines 20 -u ecconfigd _COMM=stat
}
check_output '^600:root$' "only root can read it meanwhile" mode_while_starting
drop_in ecconfigd.service </dev/null

check_code 6 "6 when it is not configured well" in_host env EXTRA_ARGS=--no-such-option $init restart
check_output 'unexpected argument.*no-such-option' "and the reason on the terminal" \
    in_host env EXTRA_ARGS=--no-such-option $init start
check_code 1 "nothing is left in /run after a failed start" in_host test -e /run/ecconfigd.environment
check_code 1 "status: 1 when it has failed" in_host $init status
crash_until_refused() {
    for _ in 1 2 3 4 5 6 7; do
        in_host env EXTRA_ARGS=--no-such-option systemctl start ecconfigd || true
    done
}
crash_until_refused 2>/dev/null
check_code 0 "start works at once after too many failed starts" in_host $init start

sh_in_host "echo cluster_name=default >$boot"
check_code 0 "start: 0 with cluster.boot, for the server answers" in_host $init start
check_output 'answers on port 2027' "it says that the server answers" in_host $init restart
# A server that listens elsewhere never answers.
drop_in ecconfigd.socket <<<$'[Socket]\nListenStream=\nListenStream=2028'
in_host systemctl stop ecconfigd.socket
began=$(date +%s%N)
check_code 1 "start: 1 with cluster.boot, for the server does not answer" in_host env TRY=2 $init start
took=$((($(date +%s%N) - began) / 1000000))
check "TRY=2 waits for 2 + 1 seconds, took $took ms" [ "$took" -ge 2900 -a "$took" -lt 8000 ]
check_output 'waiting for an answer on port 2027, 3 s at most.*refused' "it tells what it waits for" \
    in_host env TRY=2 $init start
check_output 'gave up waiting for an answer on port 2027.*refused.*journalctl -u ecconfigd' "it tells that it gave up and where to look" \
    in_host env TRY=1 $init start
check_output 'waiting for an answer on port 2027, 55 s at most' "it waits for up to a minute by itself" \
    in_host timeout 2 $init start
echo 'TRY=4' >"$host_root/opt/msys/ecelerity/etc/environment"
check_output '10 s at most' "TRY can stand in the environment file" in_host timeout 2 $init start
check_code 2 "2 for a TRY that is no number" in_host env TRY=often $init start
rm "$host_root$boot"
check_code 0 "start: 0 without cluster.boot, and no waiting" in_host $init start
rm -r "$host_root/etc/systemd/system/ecconfigd.socket.d" "$host_root/opt/msys/ecelerity/etc/environment"

in_host sh -c 'rm /usr/lib/systemd/system/ecconfigd.* && systemctl daemon-reload'
check_code 0 "stop: 0 for what still runs after the package was removed" in_host $init stop
check_code 5 "start: 5 after the package was removed" in_host $init start
