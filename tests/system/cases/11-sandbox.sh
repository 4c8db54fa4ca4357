#!/usr/bin/env bash
# What each directive of the service's sandbox denies: tried by the same user outside it and inside.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
unit_file=../../systemd/ecconfigd.service

words() {
    sort -u | paste -sd ' '
}
allowed() { # OUTPUT OF THE PROBE
    sed -n 's/^allowed //p' <<<"$1" | words
}
denied() {
    sed -n 's/^denied \([A-Za-z=]*\):.*/\1/p' <<<"$1" | words
}

host_make
host_boot
in_host mkdir -p /usr/lib/modules
in_host touch /home/ecconfigd-test /tmp/ecconfigd-test /dev/ecconfigd-test /usr/lib/modules/ecconfigd-test
install -m 0755 lib/probe.sh "$host_root/usr/local/bin/probe"
outside=$(in_host runuser -u ecuser /usr/local/bin/probe 2>&1)
drop_in ecconfigd.service <<<$'[Service]\nExecStartPre=/usr/local/bin/probe'
check "the service starts" in_host systemctl start ecconfigd
in_host journalctl --sync
inside=$(in_host journalctl --quiet --no-pager --output cat -u ecconfigd SYSLOG_IDENTIFIER=probe)

# These are root's alone: the directives deny them twice.
check_equal "ProtectClock ProtectControlGroups ProtectHostname ProtectKernelLogs ProtectKernelTunables RestrictRealtime" \
    "$(denied "$outside")" "outside nearly everything is allowed"
check_equal "PrivateTmp=own ReadWritePaths RestrictAddressFamilies=inet" "$(allowed "$inside")" \
    "inside only what the server needs is"
check_equal "" "$(comm -3 <(tr ' ' '\n' <<<"$(allowed "$outside") $(denied "$outside")" | sort) \
    <(tr ' ' '\n' <<<"$(allowed "$inside") $(denied "$inside")" | sort))" "and the same was tried"

# Of these nothing shows in what the server may do.
unseen="AmbientCapabilities KeyringMode RemoveIPC SystemCallArchitectures SystemCallErrorNumber"
check_equal "$( (sed -n 's/^try \([A-Za-z]*\).*/\1/p' lib/probe.sh | grep -v UMask && tr ' ' '\n' <<<"$unseen") | words)" \
    "$(sed -n '/^# Only/,/^$/s/^\([A-Za-z]*\)=.*/\1/p' "$unit_file" | words)" "no directive of the unit was forgotten"
for setting in KeyringMode=private RemoveIPC=yes SystemCallArchitectures=native SystemCallErrorNumber=1 \
    AmbientCapabilities= LimitNOFILE=65536 TasksMax=1024 MemoryHigh=1073741824 MemoryMax=2147483648; do
    check_equal "${setting#*=}" "$(unit "${setting%%=*}")" "systemd has $setting"
done
