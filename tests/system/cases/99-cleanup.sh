#!/usr/bin/env bash
# The tests themselves leave nothing behind: neither when they have failed, nor when they are stopped,
# nor when they are killed.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"

running() {
    ps -e -o comm= | grep -E 'systemd|ecconfigd|curl|git' || true
    cut -d' ' -f2 /proc/self/mounts
    ip netns list
}
control_groups() {
    find /sys/fs/cgroup -type d -path '*/ecconfigd-test-*/ecconfigd-test-*' -prune
}
nothing_left() {
    [ "$(running)" = "$before" ]
}
has_host() {
    pgrep --exact ecconfigd
}
before=$(running)

mkdir "$WORK/broken"
cp "$PACKAGES"/*.deb "$WORK/broken/"
truncate --size=100K "$WORK/broken"/*.deb
check_code 1 "a run whose package is broken fails" env ECCONFIGD_PACKAGES="$WORK/broken" ./run 20-activation
check_within 10 "and leaves nothing behind" nothing_left

# Nobody clears away the control groups of a run that was killed, but the next one.
for signal in KILL TERM; do
    ECCONFIGD_PACKAGES=$PACKAGES setsid ./run 40-crash >"$WORK/nested" 2>&1 &
    nested=$!
    check_within 60 "a run is under way" has_host
    kill "-$signal" "$nested"
    wait "$nested" 2>/dev/null || true
    check_within 10 "after $signal no process and no mount is left" nothing_left
done
check_equal "" "$(control_groups)" "and no control group"
