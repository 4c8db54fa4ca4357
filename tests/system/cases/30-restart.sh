#!/usr/bin/env bash
# Restarts and reloads under load: nobody is refused, nothing fails, no answer is cut short.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
. lib/load.sh
restarts=50
reloads=20

host_make
host_boot
check_within 10 "the server answers" live
load_start
since=$(now)

restart_often() {
    local number
    for ((number = 1; number <= restarts; number++)); do
        in_host systemctl restart ecconfigd || return
        # Reloads fall between, at different moments of the new process's life.
        ((number * reloads % restarts >= reloads)) || in_host systemctl reload ecconfigd || return
    done
}
began=$(date +%s%N)
load_began=$SECONDS
check "systemd restarts $restarts times and reloads $reloads times" restart_often
each=$((($(date +%s%N) - began) / 1000000 / restarts))
load_stop

requests=$(load_count request)
clones=$(load_count clone)
commits=$(load_count commit)
failures=$(load_failures | wc -l)
asked_again=$(load_asked_again | wc -l)
figure "$restarts restarts ($each ms each) and $reloads reloads in $((SECONDS - load_began)) s, 8 clients: \
$requests requests, $clones clones, $commits commits, $failures failures, $asked_again asked again, longest request $(load_longest_s) s"
check_equal "" "$(load_failures)" "no request, clone or commit failed"
check_equal "" "$(load_asked_again)" "no kept connection was closed under a request"
check "no request took longer than ten seconds" \
    awk -v longest="$(load_longest_s)" 'BEGIN { exit !(longest < 10) }'
enough() {
    [ "$requests" -gt 200 ] && [ "$clones" -gt 10 ] && [ "$commits" -gt 10 ]
}
check "the clients were busy" enough
reloaded=$(in_host journalctl --quiet --no-pager --output cat --since "$since" -u ecconfigd _PID=1 |
    grep -c '^Reloaded ' || true)
check_equal "$reloads" "$reloaded" "each reload was one for systemd"
# The first revision is the template, the second the large file.
check_equal "$((commits + 2))" \
    "$(git --git-dir "$(state_dir)/repo/default" -c safe.directory='*' rev-list --first-parent --count boot)" \
    "each acknowledged commit is there, once"
check "git fsck finds nothing" git --git-dir "$(state_dir)/repo/default" \
    -c safe.directory='*' fsck --full --strict --no-dangling
check_equal "" "$(journal -p warning)" "nothing was worth a warning"
