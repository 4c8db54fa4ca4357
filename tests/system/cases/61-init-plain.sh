#!/usr/bin/env bash
# /etc/init.d/ecconfigd without systemd, as in a container: it looks after the daemon itself.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
init=/etc/init.d/ecconfigd
etc=/opt/msys/ecelerity/etc
pid_file=/run/ecconfigd.pid
log=/var/log/ecelerity/ecconfigd.log
host_make
host_start_plain

main_pid() {
    in_host cat $pid_file
}
main_user() {
    in_host ps -o user= -p "$(main_pid)"
}
extra_args() {
    in_host cat "/proc/$(main_pid)/environ" | tr '\0' '\n' | sed -n 's/^EXTRA_ARGS=//p'
}
alive() {
    # What has ended and not been waited for by its parent has no file any more.
    in_host readlink "/proc/$1/exe"
}

check_code 3 "status: 3 before the first start" in_host $init status
check_code 0 "stop: 0 before the first start" in_host $init stop
check_code 0 "start: 0" in_host $init start
check "the server answers" live
check_code 0 "status: 0 when it runs" in_host $init status
check_output 'is running: process [0-9]' "status tells the process" in_host $init status
check_equal ecuser "$(main_user)" "it runs as ecuser"
check_equal "" "$(in_host ps -o ppid=,args= | grep '[i]nit.d/ecconfigd' || true)" "no shell stays behind"
# Its own session: a terminal that is closed would send it SIGHUP.
check_equal "$(main_pid)" "$(in_host ps -o sid= -p "$(main_pid)" | tr -d ' ')" "it has a session of its own"
check_equal "ecuser 640" "$(in_host stat --format '%U %a' $log)" "the log is for ecuser and its group"
check_equal "ecuser 755" "$(in_host stat --format '%U %a' /var/ecconfigd)" "/var/ecconfigd is ecuser's"
check_equal "root 644" "$(in_host stat --format '%U %a' $pid_file)" "the pid file is root's"
clone=$WORK/clone-plain
check "git clones" git_admin clone --quiet "$(repository)" "$clone"
check "git commits" commit "$clone" default/plain.conf "# checked"

pid=$(main_pid)
check_code 0 "start: 0 when it runs already" in_host $init start
check_equal "$pid" "$(main_pid)" "start leaves a running server alone"
check_code 0 "reload: 0" in_host $init reload
check_code 0 "force-reload: 0" in_host $init force-reload
check_equal "$pid" "$(main_pid)" "reload and force-reload do not restart it"
check "the server answers" live
check_code 0 "restart: 0" in_host $init restart
check_code 1 "restart ends the old process" alive "$pid"
check "the server answers" live
pid=$(main_pid)
check_code 0 "try-restart: 0" in_host $init try-restart
check_code 1 "try-restart restarts a running server" alive "$pid"
check_code 0 "wait: 0 when it answers" in_host $init wait

pid=$(main_pid)
check_code 0 "stop: 0" in_host $init stop
check_code 1 "stop returns when the process has ended" alive "$pid"
check_code 1 "stop removes the pid file" in_host test -e $pid_file
check_code 0 "stop: 0 when it is stopped already" in_host $init stop
check_code 3 "status: 3 when it is stopped" in_host $init status
check_code 7 "reload: 7 when it is stopped" in_host $init reload
check_code 7 "force-reload: 7 when it is stopped" in_host $init force-reload
check_code 0 "try-restart: 0 when it is stopped" in_host $init try-restart
check_code 1 "try-restart leaves a stopped server alone" in_host test -e $pid_file
check_code 1 "wait: 1 when it does not run" in_host $init wait
check_code 0 "restart: 0 when it is stopped" in_host $init restart

# As an upgrade does.
sh_in_host 'cd /opt/msys/ecelerity/sbin && cp ecconfigd new && mv new ecconfigd'
check_code 0 "status: 0 after the program was replaced" in_host $init status
pid=$(main_pid)
check_code 0 "restart: 0 after the program was replaced" in_host $init restart
check_code 1 "restart ends the old program" alive "$pid"

in_host kill -KILL "$(main_pid)"
within 5 not live
check_code 1 "status: 1 when it has died" in_host $init status
check_code 0 "stop: 0 when it has died" in_host $init stop
sleeper=$(sh_in_host 'sleep 1000 >/dev/null 2>&1 & echo $!')
sh_in_host "echo $sleeper >$pid_file"
check_code 1 "a pid that another process has got is not taken for the server" in_host $init status
check_code 0 "stop" in_host $init stop
check "nor is that process stopped" alive "$sleeper"
in_host kill "$sleeper"

as_nobody() {
    in_host setpriv --reuid nobody --regid nogroup --clear-groups $init "$1"
}
check_code 2 "2 without an action" in_host $init
check_code 3 "3 for an action that there is not" in_host $init no-such-action
check_code 4 "4 for others than root" as_nobody start
check_code 3 "status: 3 for everybody when it is stopped" as_nobody status
in_host $init start >/dev/null
check_code 4 "status: 4 for those who cannot find out" as_nobody status

slow_upload() {
    # A push that has begun: the server waits for its body.
    { printf '0000' && sleep 4; } | curl_as admin --http1.1 --request POST --upload-file - \
        --header 'Content-Type: application/x-git-receive-pack-request' --header 'Expect:' \
        "$server/config/default/git-receive-pack"
}
slow_upload >/dev/null 2>&1 &
upload=$!
in_flight() {
    in_host ss --no-header --tcp --numeric state established '( sport = :2027 )' | grep -q .
}
within 5 in_flight
began=$(date +%s%N)
check_output 'finishing what is in flight' "stop waits for what is in flight" in_host $init stop
took=$((($(date +%s%N) - began) / 1000000))
check "and takes as long, $took ms" [ "$took" -ge 1500 ]
wait "$upload" || true

variants() {
    check_code 0 "$1: start: 0, and nothing holds on to the caller's output" \
        in_host env EXTRA_ARGS="--log-level '6'" timeout 20 sh -c "$init start | cat"
    check "$1: the server answers" live
    check_equal ecuser "$(main_user)" "$1: it runs as ecuser"
    check_equal "--log-level '6'" "$(extra_args)" "$1: it has got EXTRA_ARGS"
    check_code 0 "$1: stop: 0" in_host $init stop
    check_code 7 "$1: it does not answer any more" live
}
variants start-stop-daemon
in_host mv /sbin/start-stop-daemon /sbin/start-stop-daemon.away
variants setpriv
in_host mv /usr/bin/setpriv /usr/bin/setpriv.away
variants runuser
in_host mv /usr/bin/setpriv.away /usr/bin/setpriv
in_host mv /sbin/start-stop-daemon.away /sbin/start-stop-daemon

environment() {
    cat >"$host_root$etc/environment"
}
environment <<'END'
# how ecconfigd starts
ulimit -c 0
export EXTRA_ARGS="--log-level '5'" TMPDIR=/tmp
who=$(id -un)
END
in_host chmod 0640 $etc/environment
in_host chgrp ecuser $etc/environment
check_code 0 "start with an environment file" in_host env MY_SECRET=x $init start
check_equal "--log-level '5'" "$(extra_args)" "it has got the file's EXTRA_ARGS"
check_output '^who=ecuser$' "the file is evaluated by ecuser and not by root" \
    sh_in_host "tr '\\0' '\\n' </proc/$(main_pid)/environ"
check_code 1 "nothing else of root's environment reaches the server" \
    sh_in_host "tr '\\0' '\\n' </proc/$(main_pid)/environ | grep MY_SECRET"
check_code 0 "restart with EXTRA_ARGS" in_host env EXTRA_ARGS='--log-level 6' $init restart
check_equal "--log-level 6" "$(extra_args)" "the caller's EXTRA_ARGS goes before the file's"
environment <<<'EXTRA_ARGS=--no-such-option'
in_host chmod 0600 $etc/environment
check_output "is left out, for ecuser cannot read it: chmod a\+r $etc/environment" \
    "a file that only root can read is left out, and that is said" in_host $init restart
check "the server runs" in_host $init status
in_host chmod 0640 $etc/environment
environment <<<'TMPDIR=/tmp'
check_code 0 "restart with a file without EXTRA_ARGS" in_host $init restart
check_code 1 "the server does not look for them again" in_host grep 'EXTRA_ARGS in' $log
pid=$(main_pid)
environment <<<'EXTRA_ARGS="--log-level 5'
check_code 6 "6 for an environment file with a quote that does not end" in_host $init restart
check_output 'mend /opt/msys/ecelerity/etc/environment.*quote' "it says what to mend" in_host $init restart
check_equal "$pid" "$(main_pid)" "the server that runs is left alone then"
environment <<<'EXTRA_ARGS=--no-such-option'
in_host $init stop >/dev/null
check_code 6 "6 for an option that there is not" in_host $init start
check_output 'no-such-option' "and the reason on the terminal" in_host $init start
check_code 3 "no pid file is left of it" in_host $init status
rm "$host_root$etc/environment"

by_hand() {
    in_host runuser -u ecuser -- /opt/msys/ecelerity/sbin/ecconfigd >/dev/null 2>&1 &
    hand=$!
    within 10 live
}
by_hand
check_code 1 "start: 1 beside a server that was started by hand" in_host $init start
check_output 'another ecconfigd answers already' "it says so" in_host $init start
in_host pkill -TERM -x ecconfigd
wait "$hand" || true

sh_in_host "echo cluster_name=default >$etc/cluster.boot"
check_output 'answers on port 2027' "start waits for an answer with cluster.boot" in_host $init start
in_host kill -STOP "$(main_pid)"
check_code 1 "1 for a server that does not answer" in_host env TRY=1 $init start
check_output 'waiting for an answer on port 2027, 3 s at most' "it tells what it waits for" \
    in_host env TRY=2 $init start
check_output "gave up waiting.*$log" "it says that it gave up and where to look" in_host env TRY=1 $init start
in_host kill -CONT "$(main_pid)"
in_host $init stop >/dev/null

in_host userdel ecuser
check_code 6 "6 without the user ecuser" in_host $init start
rm "$host_root/opt/msys/ecelerity/sbin/ecconfigd"
check_code 5 "5 without the program" in_host $init start
