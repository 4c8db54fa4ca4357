#!/usr/bin/env bash
# Runs the cases, in mount and process namespaces of its own: as their process 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. lib/package.sh

# Hosts, network namespaces and what programs leave below /run disappear with this file system.
umask 022
mount -t tmpfs -o mode=0755 tmpfs /run
export WORK=/run/ecconfigd-test
mkdir -p "$WORK" /run/netns
: >"$WORK/results"
install_layer "$WORK/installed"

if (($#)); then
    cases=("${@/%/.sh}")
    cases=("${cases[@]/#/cases/}")
else
    cases=(cases/*.sh)
fi
for case in "${cases[@]}"; do
    began=$SECONDS
    echo "== $(basename "$case" .sh)"
    # A case that ends before its end is a failure whatever its checks said.
    bash "$case" || { echo "FAILED $case has ended with $?" && echo "fail $case" >>"$WORK/results"; }
    echo "   $((SECONDS - began)) s"
done

passed=$(grep -c '^pass' "$WORK/results" || true)
failed=$(grep -c '^fail' "$WORK/results" || true)
printf '\n== figures\n'
[ ! -e "$WORK/figures" ] || cat "$WORK/figures"
echo "the whole of tests/system/run: $(($(date +%s) - BEGAN)) s"
printf '\n'
sed -n 's/^fail /failed: /p' "$WORK/results"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
