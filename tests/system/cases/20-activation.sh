#!/usr/bin/env bash
# The socket is open from the boot on, and the first connection starts the service.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
host_make
host_boot

check "the socket listens after the boot" is_active ecconfigd.socket
check_code 3 "the service does not run yet" is_active ecconfigd.service
began=$(date +%s%N)
check "the first request is answered" answers
figure "first answer after the boot, service started for it: $((($(date +%s%N) - began) / 1000000)) ms"
check "the service runs now" is_active ecconfigd.service
check_equal https "$(unit FileDescriptorName ecconfigd.socket)" "the socket has its name"
listening() { # IP VERSION
    in_host ss --no-header "-$1" --listening --tcp --numeric '( sport = :2027 )'
}
check_output ' \*:2027 ' "one socket serves both families" listening 6
check_output 'LISTEN +[0-9]+ +4096 ' "the backlog is one for herds" listening 6

check "it can be enabled to start at boot" in_host systemctl --quiet enable ecconfigd.service
host_reboot
check "then it runs after the boot, without a connection" is_active ecconfigd.service
