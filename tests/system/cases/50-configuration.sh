#!/usr/bin/env bash
# Wrong configuration: the service ends with a code of sysexits(3), says in one line what to mend, and
# is not started again and again.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
host_make
host_boot
check_within 10 "the server answers" live

# refuses CODE PATTERN WHAT: how a start fails.
refuses() {
    local since
    since=$(now)
    check_code 1 "$3: systemctl restart fails" in_host systemctl restart ecconfigd
    check_equal "$1" "$(unit ExecMainStatus)" "$3: exit code $1"
    check_equal 1 "$(journal --output cat --since "$since" | wc -l)" "$3: one line in the journal"
    check_output "$2" "$3: it says what to mend" journal --output cat --since "$since"
    check_equal failed "$(unit ActiveState)" "$3: not tried again"
}

extra_args() { # VALUE
    echo "EXTRA_ARGS=$1" >"$host_root/opt/msys/ecelerity/etc/environment"
}

in_host chown root: /var/ecconfigd/apache/server.key
in_host chmod 0600 /var/ecconfigd/apache/server.key
refuses 78 'server.key' "unreadable key"
extra_args '--log-level 0'
refuses 78 'server.key' "unreadable key, --log-level 0"
rm "$host_root/opt/msys/ecelerity/etc/environment"
in_host chown ecuser: /var/ecconfigd/apache/server.key
check "mended, it starts" in_host systemctl start ecconfigd

extra_args '--log-level loud'
refuses 64 "loud.*log-level|log-level.*loud" "bad EXTRA_ARGS"
extra_args "\"--log-level 'x\""
refuses 64 'EXTRA_ARGS' "a quote in EXTRA_ARGS that does not end"
extra_args '--no-such-thing'
refuses 64 'no-such-thing' "an option that there is not"
rm "$host_root/opt/msys/ecelerity/etc/environment"
check "mended, it starts" in_host systemctl start ecconfigd

in_host chown root: /var/ecconfigd
in_host mv /var/ecconfigd/apache /var/ecconfigd/apache.away
refuses 73 'cannot make the directory /var/ecconfigd/apache' "a directory that cannot be made"
in_host mv /var/ecconfigd/apache.away /var/ecconfigd/apache
in_host chown ecuser: /var/ecconfigd
check "mended, it starts" in_host systemctl start ecconfigd

in_host systemctl stop ecconfigd.socket ecconfigd.service
in_host systemd-run --quiet --unit taker systemd-socket-activate --listen 2027 /bin/false
is_taken() {
    in_host ss --no-header --listening --tcp --numeric '( sport = :2027 )' | grep -q .
}
within 10 is_taken
check_code 1 "port taken: systemctl start fails" in_host systemctl start ecconfigd
check_output 'ecconfigd.socket.*Address already in use' "port taken: the journal says so" \
    in_host journalctl --quiet --no-pager --lines 5 -u ecconfigd.socket
run_by_hand() {
    in_host runuser -u ecuser -- /opt/msys/ecelerity/sbin/ecconfigd
}
check_code 69 "port taken: exit code 69 without systemd's socket" run_by_hand
check_output 'another program uses the port.*ss -ltnp' "port taken: it says what to mend" run_by_hand
check_equal 1 "$( (run_by_hand 2>&1 || true) | wc -l)" "port taken: one line"
in_host systemctl stop taker
check "mended, it starts" in_host systemctl start ecconfigd
check "it serves" live
