# A control group for everything that is run, so that those which systemd makes in the test hosts can
# be found and removed: no namespace does that.

cgroups=()

make_cgroup() {
    local controllers path mount
    while IFS=: read -r _ controllers path; do
        case $controllers in
            name=systemd) mount=/sys/fs/cgroup/systemd ;;
            '') mount=/sys/fs/cgroup/unified && [ -d "$mount" ] || mount=/sys/fs/cgroup ;;
            *) continue ;;
        esac
        remove_stale_cgroups "$mount${path%/}"
        cgroups+=("$mount${path%/}/ecconfigd-test-$$")
        mkdir "${cgroups[-1]}"
    done </proc/self/cgroup
}

# Those of runs that were killed before they could do it.
remove_stale_cgroups() { # PARENT
    local group
    for group in "$1"/ecconfigd-test-*; do
        [ ! -d "$group" ] || [ -d "/proc/${group##*-}" ] ||
            find "$group" -depth -type d -exec rmdir {} + || true
    done
}

in_cgroup() { # COMMAND…: becomes it
    local group
    for group in "${cgroups[@]}"; do
        echo "$BASHPID" >"$group/cgroup.procs"
    done
    exec "$@"
}

# Groups can be removed when the last of their processes is gone, which takes the kernel a moment.
remove_cgroup() {
    local group
    for group in "${cgroups[@]}"; do
        for _ in {1..50}; do
            find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
            [ -d "$group" ] || break
            sleep 0.1
        done
    done
}
