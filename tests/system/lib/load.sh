# Clients that ask all the time, and what became of each of their requests. Each writes one line for
# a request to a file of its own, and ends when the file "stop" is there.

# shellcheck source=client.sh
. lib/client.sh

load_dir=$WORK/load-$$
load_url=$server/config/default/boot/default/large.conf
load_clients=()

# Eight: pollers that keep their connection and such that make a new one each time, two that clone,
# one that commits.
load_start() {
    mkdir -p "$load_dir"
    git_admin clone --quiet "$(repository)" "$load_dir/working-copy"
    # Large enough for answers to be on their way when the server is told to stop.
    seq 50000 | tee "$load_dir/expected" >"$load_dir/working-copy/default/large.conf"
    commit "$load_dir/working-copy" default/counter.conf "change 0" 2>/dev/null
    load_client keep-alive-1 poll_kept_alive --http1.1
    load_client keep-alive-2 poll_kept_alive --http1.1
    load_client keep-alive-3 poll_kept_alive --http2
    load_client new-connection-1 poll_anew
    load_client new-connection-2 poll_anew
    load_client clone-1 clone_often "$load_dir/clone-1"
    load_client clone-2 clone_often "$load_dir/clone-2"
    load_client commit commit_often
}

load_client() { # NAME FUNCTION…
    local name=$1
    shift
    "$@" >"$load_dir/$name.requests" 2>"$load_dir/$name.errors" &
    load_clients+=("$!")
}

load_stop() {
    : >"$load_dir/stop"
    wait "${load_clients[@]}"
}

load_goes_on() {
    [ ! -e "$load_dir/stop" ]
}

# What curl says after each transfer.
load_format='request %{http_code} %{exitcode} %{size_download} %{num_connects} %{time_total}\n'

# Fifty requests over one connection, for as long as the server keeps it. A connection that it closes
# under a request makes curl ask again by itself, which only --verbose tells.
poll_kept_alive() { # VERSION OF HTTP
    local transfers=()
    for _ in {1..50}; do
        transfers+=(--output /dev/null "$load_url")
    done
    while load_goes_on; do
        curl_as admin "$1" --verbose --write-out "$load_format" "${transfers[@]}" \
            2> >(grep -E 'Connection died|^curl: ' >&2) || true
    done
}

poll_anew() {
    while load_goes_on; do
        curl_as admin --write-out "$load_format" --output /dev/null "$load_url" || true
    done
}

clone_often() { # DIRECTORY
    while load_goes_on; do
        rm -rf "$1"
        if git_admin clone --quiet "$(repository)" "$1" &&
            cmp "$1/default/large.conf" "$load_dir/expected"; then
            echo clone
        fi
    done
}

commit_often() {
    local number=0
    while load_goes_on; do
        number=$((number + 1))
        ! commit "$load_dir/working-copy" default/counter.conf "change $number" 2>"$load_dir/push" ||
            { grep -q 'Committed revision' "$load_dir/push" && echo commit; } ||
            cat "$load_dir/push" >&2
    done
}

# How many of a KIND went well: request, clone or commit.
load_count() { # KIND
    cat "$load_dir"/*.requests | awk -v kind="$1" -v size="$(stat --format %s "$load_dir/expected")" '
        $1 == kind && (kind != "request" || $2 == 200 && $3 == 0 && $4 == size) { count++ }
        END { print count + 0 }'
}

# Everything that failed: answers that are wrong or cut short, and what the clients said.
load_failures() {
    awk -v size="$(stat --format %s "$load_dir/expected")" '
        $1 == "request" && ($2 != 200 || $3 != 0 || $4 != size) { print FILENAME ": " $0 }
        ' "$load_dir"/*.requests
    grep -Hv "$load_died" "$load_dir"/*.errors || true
}

# Kept connections that were closed under a request. curl asks again, so that nobody notices.
load_died="Connection died, retrying"
load_asked_again() {
    grep -H "$load_died" "$load_dir"/*.errors || true
}

load_longest_s() {
    cat "$load_dir"/*.requests | awk '$1 == "request" && $6 > most { most = $6 } END { print most }'
}

# Tells what the clients have done, and that nothing failed.
load_check() { # WHAT they did it beside
    local requests clones commits failures failed asked_again again
    requests=$(load_count request)
    clones=$(load_count clone)
    commits=$(load_count commit)
    failures=$(load_failures)
    asked_again=$(load_asked_again)
    failed=$(load_failures | wc -l)
    again=$(load_asked_again | wc -l)
    figure "$1, 8 clients: $requests requests, $clones clones, $commits commits, $failed failures, \
$again asked again, longest request $(load_longest_s) s"
    check_equal "" "$failures" "no request, clone or commit failed"
    check_equal "" "$asked_again" "no kept connection was closed under a request"
    check "no request took longer than ten seconds" \
        awk -v longest="$(load_longest_s)" 'BEGIN { exit !(longest < 10) }'
    check "the clients were busy" [ "$requests" -gt 0 -a "$clones" -gt 0 -a "$commits" -gt 0 ]
    # The first revision is the template, the second the large file.
    check_equal "$((commits + 2))" \
        "$(git --git-dir "$(state_dir)/repo/default" -c safe.directory='*' rev-list --first-parent --count boot)" \
        "each acknowledged commit is there, once"
    check "git fsck finds nothing" git --git-dir "$(state_dir)/repo/default" \
        -c safe.directory='*' fsck --full --strict --no-dangling
}
