#!/usr/bin/env bash
# The units: systemd understands all of them, the sandbox is tight, and the service works in it.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
host_make
host_boot
check_within 10 "the server answers" live

units=(ecconfigd.socket ecconfigd.service ecconfigd-stopped.service eccfg-pull.service eccfg-pull.timer
    eccfg-put-running.service eccfg-put-running.timer eccfg-watch.service)
for unit in "${units[@]}"; do
    # Warnings do not change its exit code.
    check_equal "" "$(in_host systemd-analyze verify --man=no --recursive-errors=yes \
        "/usr/lib/systemd/system/$unit" 2>&1 || true)" "systemd-analyze verify is silent for $unit"
done

score=$(in_host systemd-analyze security --no-pager ecconfigd.service | sed -n 's/.*exposure level.*: \([0-9.]*\) .*/\1/p')
figure "systemd-analyze security ecconfigd.service: $score (1.3 or lower)"
check "the security score is 1.3 or lower" in_host awk "BEGIN { exit !($score <= 1.3) }"

for address in localhost '[::1]' 127.0.0.1; do
    check "it answers on $address" live "https://$address:2027"
done
check_output '^listening on .*:2027; stands alone; 2 subclusters \(default at 1, global at [01]\); certificate valid until 20[0-9-]{8}$' \
    "systemctl status tells where, its role, what and until when" unit StatusText
check_equal '' "$(in_host journalctl --quiet --no-pager -u ecconfigd | grep -i 'ignoring\|unknown\|failed' || true)" \
    "systemd has taken every directive of the unit"

pid=$(unit MainPID)
status_of() {
    in_host sed -n "s/^$1:[[:space:]]*//p" "/proc/$pid/status"
}
check_equal 0000000000000000 "$(status_of CapBnd)" "it has no capability, nor can it get one"
check_equal "1 2" "$(status_of NoNewPrivs) $(status_of Seccomp)" "it has no new privileges, and a filter of system calls"
check_equal ecuser "$(in_host ps -o user= -p "$pid")" "it runs as ecuser"
# 0 if the machine does not allow that many to any container.
files_allowed() {
    local hard
    hard=$(in_host prlimit --pid 1 --nofile --noheadings --output HARD)
    [ "$hard" -ge 65536 ] || { echo 0 && return; }
    in_host prlimit --pid "$pid" --nofile --noheadings --output SOFT
}
in_its_files() {
    in_host nsenter --target "$pid" --mount "$@"
}
check_output 'Read-only' "what it sees of the file system cannot be written" \
    in_its_files touch /opt/msys/ecelerity/x
check "but /var/ecconfigd can" in_its_files touch /var/ecconfigd/tmp/x
check_output '^(0|65536)$' "it may open as many files as its unit says" files_allowed

clone=$WORK/clone
check "git clones" git_admin clone --quiet "$(repository)" "$clone"
check_output 'Committed revision 2' "git commits" commit "$clone" default/units.conf "# checked"
check "a file of the new revision is there" \
    curl_as admin "$server/config/default/boot/default/units.conf" --output /dev/null
check "git fsck finds nothing" git --git-dir "$(state_dir)/repo/default" \
    -c safe.directory='*' fsck --full --strict --no-dangling

set_password() {
    sh_in_host "echo '$2' | /opt/msys/ecelerity/sbin/ecconfigd passwd --role reader $1"
}
check "root sets a password" set_password jane 'a word that nobody knows'
PASSWORD='a word that nobody knows' check "the account works at once" \
    curl_as jane "$server/config/default/boot/default/units.conf" --output /dev/null
check "the service can read the accounts again" in_host systemctl reload ecconfigd
PASSWORD='a word that nobody knows' check "the account works after a reload" \
    curl_as jane "$server/config/default/boot/default/units.conf" --output /dev/null

fingerprint() {
    beside_host openssl s_client -connect localhost:2027 </dev/null 2>/dev/null |
        openssl x509 -noout -fingerprint -sha256
}
before=$(fingerprint)
check "create_ssl_cert makes a certificate" in_host /opt/msys/ecelerity/bin/create_ssl_cert ecconfigd localhost /var/ecconfigd/apache
changed() {
    [ -n "$(fingerprint)" ] && [ "$(fingerprint)" != "$before" ]
}
check_within 10 "the new certificate is served without a restart" changed
check "clients that trust it are served" live
check "the service never ended meanwhile" in_host test -d "/proc/$pid"
check_equal '' "$(journal -p warning)" "nothing was worth a warning"
