#!/usr/bin/env bash
# With nothing but the socket enabled, the first connection after the boot starts the service.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
host_make
host_boot
check "the units can be enabled one by one" \
    sh_in_host 'systemctl disable ecconfigd.service && systemctl enable ecconfigd.socket'
host_reboot

check "the socket listens after the boot" is_active ecconfigd.socket
check_code 3 "the service does not run yet" is_active ecconfigd.service
began=$(date +%s%N)
check "the first request is answered" live
figure "first answer after the boot, service started for it: $((($(date +%s%N) - began) / 1000000)) ms"
check "the service runs now" is_active ecconfigd.service
check_equal https "$(unit FileDescriptorName ecconfigd.socket)" "the socket has its name"
listening() { # IP VERSION
    in_host ss --no-header "-$1" --listening --tcp --numeric '( sport = :2027 )'
}
check_output ' \*:2027 ' "one socket serves both families" listening 6
check_output 'LISTEN +[0-9]+ +4096 ' "the backlog is one for herds" listening 6
