# The package, and disks that it is installed on. $PACKAGES is the directory that packaging/build
# has filled.

# shellcheck source=host.sh
. lib/host.sh

package() {
    ls "$PACKAGES"/*.deb
}

# The same with another version, to have one to upgrade from.
package_of_version() { # VERSION
    local dir=$WORK/unpacked-$1 deb=$WORK/ecconfigd_$1.deb
    [ -e "$deb" ] || {
        dpkg-deb --raw-extract "$(package)" "$dir"
        sed -i "s/^Version: .*/Version: $1/" "$dir/DEBIAN/control"
        dpkg-deb --root-owner-group -Zgzip -z1 --build "$dir" "$deb" >/dev/null
    }
    echo "$deb"
}

# An overlay with the package installed above the root file system. Hosts take it as a lower layer.
install_layer() { # DIRECTORY
    mkdir -p "$1"/{upper,work,root}
    mount -t overlay overlay -o "lowerdir=$ROOTFS,upperdir=$1/upper,workdir=$1/work" "$1/root"
    install_into "$1/root" || { umount "$1/root" && return 1; }
    umount "$1/root"
}

# With dpkg, in a container without an init system, as disks for other machines are made: whoever
# makes them has a policy-rc.d that lets nothing start.
install_into() { # ROOT
    printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
    chmod 0755 "$1/usr/sbin/policy-rc.d"
    cp "$(package)" "$1/root/ecconfigd.deb"
    systemd-nspawn --quiet --directory="$1" --machine=ecconfigd-test --register=no --keep-unit \
        --private-network --resolv-conf=off --timezone=off --console=pipe --as-pid2 \
        sh -c "umask $(umask) && exec dpkg --install /root/ecconfigd.deb" \
        </dev/null >"$WORK/dpkg.log" 2>&1 || { cat "$WORK/dpkg.log" && return 1; }
    rm "$1/root/ecconfigd.deb" "$1/usr/sbin/policy-rc.d"
}

# A disk without the package.
bare_layer() {
    mkdir -p "$WORK/bare/upper"
    echo "$WORK/bare"
}

# Puts a package into the host's /root, in place of one that lies there.
hand_over() { # PACKAGE
    rm -f "$host_root"/root/*.deb
    cp "$1" "$host_root/root/"
}

# Installs a package in the host, or upgrades to it.
dpkg_install() { # PACKAGE
    hand_over "$1"
    sh_in_host 'DEBIAN_FRONTEND=noninteractive dpkg --install /root/*.deb'
}
