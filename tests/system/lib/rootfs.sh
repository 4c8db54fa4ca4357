# The root file system of the test hosts: a small Debian with systemd. Made once; never written to
# again, for each host has a layer of its own above it.

suite=bookworm
suite_packages=systemd,systemd-sysv,dbus,iproute2,procps,ca-certificates
test_hostname=manager

# Makes it if it is not there, and prints where it is.
make_rootfs() {
    local cache version rootfs
    cache=${XDG_CACHE_HOME:-/var/cache}/ecconfigd-test
    version=$({ declare -f bootstrap && echo "$suite_packages" "$test_hostname"; } | cksum | cut -d' ' -f1)
    rootfs=$cache/$suite-$version
    mkdir -p "$cache"
    (
        # Two runs at once make it once.
        flock 9
        [ -d "$rootfs" ] || bootstrap "$rootfs" >&2
    ) 9>"$cache/lock"
    echo "$rootfs"
}

bootstrap() { # ROOTFS
    local half=$1.half
    echo "making the root file system of the test hosts in $1, once"
    rm -rf "$half"
    # Its mounts end with it, and so do its processes.
    (umask 022 && unshare --mount --pid --fork --kill-child --mount-proc \
        debootstrap --variant=minbase --include="$suite_packages" "$suite" "$half") >"$half.log" 2>&1 ||
        { tail -n 20 "$half.log" && rm -rf "$half" && return 1; }
    echo "$test_hostname" >"$half/etc/hostname"
    # Debian's installer writes it.
    printf '%s\n' "127.0.0.1 localhost" "::1 localhost" "127.0.1.1 $test_hostname" >"$half/etc/hosts"
    rm -rf "$half.log" "$half"/var/cache/apt/archives/*.deb "$half"/var/lib/apt/lists/*
    mv "$half" "$1"
}
