#!/usr/bin/env bash
# What a restart does to connections that are kept open.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
host_make
host_boot
check_within 10 "the server answers" live

restart_ms() {
    local began
    began=$(date +%s%N)
    in_host systemctl restart ecconfigd
    echo "$((($(date +%s%N) - began) / 1000000))"
}

beside_host python3 lib/kept_connections.py 2027 20 >"$WORK/kept" &
kept=$!
within 20 grep -q busy "$WORK/kept"
restart_ms >/dev/null
wait "$kept"
# A client that is not told sends its next request into a connection that is being closed.
check_equal "20 told" "$(tail -n +2 "$WORK/kept")" "busy HTTP/1.1 connections are told that they end"

# A client that is busy elsewhere and looks at its connection again when it needs it next, as git and
# curl do.
# The other place says nothing for as long as the file is there.
elsewhere() {
    beside_host python3 -c '
import os, socket, sys, time
server = socket.create_server(("127.0.0.1", 2028))
client = server.accept()[0]
open(sys.argv[1], "w").close()
while os.path.exists(sys.argv[1]):
    time.sleep(0.05)' "$WORK/elsewhere"
}
elsewhere_listens() {
    beside_host ss --no-header --listening --tcp --numeric '( sport = :2028 )' | grep -q .
}
restart_beside_idle() { # VERSION OF HTTP
    elsewhere &
    within 10 elsewhere_listens
    curl_as admin "$1" --noproxy '*' --output /dev/null "$server/livez" \
        --output /dev/null http://127.0.0.1:2028/ 2>/dev/null || true &
    within 10 test -e "$WORK/elsewhere"
    took=$(restart_ms)
    rm "$WORK/elsewhere"
    within 10 not elsewhere_listens
}
for version in --http1.1 --http2; do
    restart_beside_idle "$version"
    figure "restart beside an idle client with $version: $took ms"
    check "an idle client with $version does not hold up the others" [ "$took" -lt 5000 ]
done
check "the server answers" live
