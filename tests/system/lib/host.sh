# A test host: Debian with systemd as process 1 (or without), ecconfigd installed, and a network of
# its own with nothing but a loopback interface. A case has one at a time; lib/hosts.sh has several.

host_root=
host_nspawn=
host_init=
host_machine=ecconfigd-test
host_network=ecconfigd-test

state_dir() {
    echo "$host_root/var/ecconfigd"
}

# Makes the host's disk from the installed layer, or from another one.
host_make() { # [LAYER]
    host_disk "$@"
    ip netns add "$host_network"
    ip -n "$host_network" link set lo up
    trap 'report_host $?; host_remove' EXIT
}

host_disk() { # [LAYER]
    local dir
    host_number=$((${host_number:-0} + 1))
    dir=$WORK/host-$$-$host_number
    mkdir -p "$dir"/{upper,work,root}
    host_root=$dir/root
    mount -t overlay overlay "$host_root" -o \
        "lowerdir=${1:-$WORK/installed}/upper:$ROOTFS,upperdir=$dir/upper,workdir=$dir/work"
}

# Boots it, and waits until systemd has started everything.
host_boot() {
    host_spawn --boot
    host_init=$(child_named systemd)
    within 60 host_has_booted || { tail -n 20 "$WORK/console-$host_machine" && return 1; }
}

# Starts it without an init system, as many containers are.
host_start_plain() {
    host_spawn --as-pid2 sleep infinity
    host_init=$(child_named '\(sd-stubinit\)')
}

host_spawn() { # ARGUMENTS OF systemd-nspawn…
    systemd-nspawn --quiet --directory="$host_root" --machine="$host_machine" \
        --register=no --keep-unit --network-namespace-path="/run/netns/$host_network" \
        --resolv-conf=off --timezone=off --console=pipe "$@" </dev/null >"$WORK/console-$host_machine" 2>&1 &
    host_nspawn=$!
}

# The process of the host that nspawn has started, when it has become what it shall be.
child_named() { # PATTERN
    local end=$((SECONDS + 30))
    while [ "$SECONDS" -lt "$end" ]; do
        pgrep --parent "$host_nspawn" --exact "$1" && return
        sleep 0.05
    done
    cat "$WORK/console-$host_machine" >&2
    return 1
}

host_has_booted() {
    case $(in_host systemctl is-system-running) in
        running | degraded) ;;
        *) return 1 ;;
    esac
}

host_halt() {
    [ -n "$host_nspawn" ] || return 0
    # The kernel ends what process 1 leaves behind.
    kill -KILL "$host_init" 2>/dev/null || kill -KILL "$host_nspawn"
    wait "$host_nspawn" 2>/dev/null || true
    host_nspawn=
}

# The disk stays as it is.
host_reboot() {
    host_halt
    host_boot
}

host_remove() {
    [ -n "$host_root" ] || return 0
    host_halt
    ip netns delete "$host_network"
    host_disk_remove
    host_root=
}

host_disk_remove() {
    umount --recursive "$host_root"
    rm -rf "${host_root%/root}"
}

# What somebody wants to know who has to find out why a case ended early.
report_host() { # CODE
    [ "$1" -ne 0 ] && [ -n "$host_nspawn" ] || return 0
    in_host journalctl --no-pager --lines 10 2>/dev/null | sed 's/^/       | /' || true
}

# Runs a command in the host, as root, with nothing of the tests' environment.
in_host() {
    # Nothing here takes longer, and a hung command should cost one check.
    timeout --foreground 120 nsenter --target "$host_init" --all -- \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 SYSTEMD_PAGER=cat \
        SYSTEMD_COLORS=0 "$@"
}

# Runs a line of shell in the host.
sh_in_host() {
    in_host sh -c "$1"
}

# Runs a command of the machine that is tested on, in the host's network.
beside_host() {
    nsenter --net="/run/netns/$host_network" -- "$@"
}

# A property of the service, or of another unit.
unit() { # PROPERTY [UNIT]
    in_host systemctl show --property="$1" --value "${2:-ecconfigd.service}"
}

is_active() { # UNIT
    in_host systemctl --quiet is-active "$1"
}

# A drop-in for a unit, from standard input.
drop_in() { # UNIT
    mkdir -p "$host_root/etc/systemd/system/$1.d"
    cat >"$host_root/etc/systemd/system/$1.d/test.conf"
    [ -z "$host_nspawn" ] || in_host systemctl daemon-reload
}

# The service's journal, without what systemd says of it.
journal() { # ARGUMENTS OF journalctl…
    in_host journalctl --quiet --no-pager _COMM=ecconfigd "$@"
}

# Now, for journalctl --since. (With a filter, --after-cursor leaves out the first line that it finds.)
now() {
    date +@%s.%6N
}
