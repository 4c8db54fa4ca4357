#!/usr/bin/env bash
# ecconfigd_ctl: the init script, and waiting for an answer in any case.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
ctl=/opt/msys/ecelerity/bin/ecconfigd_ctl
environment=/opt/msys/ecelerity/etc/environment

actions() { # MANAGER
    check_output 'answers on port 2027' "$1: start waits for an answer" in_host $ctl start
    check_code 0 "$1: start: 0 when it runs already" in_host $ctl start
    check_code 0 "$1: status: 0" in_host $ctl status
    check_code 0 "$1: restart with EXTRA_ARGS" in_host env EXTRA_ARGS='--log-level 6' $ctl restart
    check_output '^EXTRA_ARGS=--log-level 6$' "$1: EXTRA_ARGS has arrived" \
        sh_in_host "tr '\\0' '\\n' </proc/\$(pgrep -x ecconfigd)/environ"
    check_code 0 "$1: stop: 0" in_host $ctl stop
    check_code 3 "$1: status: 3" in_host $ctl status
    check_code 2 "$1: 2 without an action" in_host $ctl
    check_code 2 "$1: 2 for an action that there is not" in_host $ctl reload
}

waits() { # MANAGER SECONDS, of a server that does not answer, which takes that long to find out
    began=$(date +%s%N)
    check_code 1 "$1: start: 1 when the time is over" in_host env TRY=2 $ctl start
    took=$((($(date +%s%N) - began) / 1000000))
    # To ask a server that hangs takes five seconds each time.
    check "$1: TRY=2 waits for 2 + 1 seconds, took $took ms" [ "$took" -ge 2900 -a "$took" -lt 15000 ]
    echo 'export TRY=3' >"$host_root$environment"
    check_output ' 6 s at most' "$1: TRY can stand in the environment file" in_host timeout "$2" $ctl start
    check_output ' 3 s at most' "$1: the caller's goes before it" in_host env TRY=2 timeout "$2" $ctl start
    rm "$host_root$environment"
    check_output ' 55 s at most' "$1: without TRY it is 10 + 9 + ... + 1" in_host timeout "$2" $ctl start
}

host_make
host_boot
in_host systemctl stop ecconfigd.socket
actions systemd
drop_in ecconfigd.socket <<<$'[Socket]\nListenStream=\nListenStream=2028'
waits systemd 2
host_remove

host_make
host_start_plain
actions plain
in_host /etc/init.d/ecconfigd start >/dev/null
sh_in_host 'kill -STOP $(cat /run/ecconfigd.pid)'
waits plain 7
