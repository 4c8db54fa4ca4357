#!/usr/bin/env bash
# A node of a cluster waits for the whole minute, and a connection alone is no answer.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
host_make
echo cluster_name=default >"$host_root/opt/msys/ecelerity/etc/cluster.boot"
host_boot

# Somebody else listens on the port, and says nothing.
drop_in ecconfigd.socket <<<$'[Socket]\nListenStream=\nListenStream=2028'
in_host systemctl stop ecconfigd.socket
in_host systemd-run --quiet --unit silent systemd-socket-activate --accept --listen 2027 /bin/sleep 100
start_without_answer() {
    began=$SECONDS
    in_host /etc/init.d/ecconfigd start
}
check_code 1 "start fails" start_without_answer
took=$((SECONDS - began))
cp "$WORK/output" "$WORK/words"
words() {
    cat "$WORK/words"
}
figure "start gave up waiting for an answer after $took s"
check "after about a minute" [ "$took" -ge 54 -a "$took" -le 90 ]
check_output 'waiting for an answer on port 2027, 55 s at most' "it tells what it waits for" words
check_output 'gave up waiting for an answer on port 2027 .*journalctl -u ecconfigd' "and that it gave up" words
check "not too often" [ "$(words | wc -l)" -le 12 ]
