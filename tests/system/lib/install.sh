# Installing what is tested.

# An overlay with everything installed above the root file system. Hosts take it as a lower layer.
install_layer() { # DIRECTORY
    mkdir -p "$1"/{upper,work,root}
    mount -t overlay overlay -o "lowerdir=$ROOTFS,upperdir=$1/upper,workdir=$1/work" "$1/root"
    install_into "$1/root"
    umount "$1/root"
}

# Puts every file where the package puts it, and does what its scripts do.
install_into() { # ROOT
    local root=$1 top=../.. program
    local bin=$root/opt/msys/ecelerity/bin sbin=$root/opt/msys/ecelerity/sbin
    local lib=$root/usr/lib
    install -d -m 0755 "$root/opt/msys" "$root/opt/msys/ecelerity" "$bin" "$sbin" \
        "$root/opt/msys/ecelerity/etc"
    install -m 0755 "$ECCONFIGD_BIN_DIR/ecconfigd" "$sbin/"
    install -m 0755 "$ECCONFIGD_BIN_DIR/create_ssl_cert" "$top/compat/ecconfigd_ctl" "$bin/"
    # The nodes' tool, or what stands for it until it is there.
    for program in "$ECCONFIGD_BIN_DIR/eccfg" /usr/bin/true; do
        [ ! -x "$program" ] || { install -m 0755 "$program" "$bin/eccfg" && break; }
    done
    install -m 0755 "$top/compat/init.d/ecconfigd" "$root/etc/init.d/"
    install -D -m 0644 "$top/compat/cron.d/msys-ecelerity" "$root/etc/cron.d/msys-ecelerity"
    install -m 0644 "$top"/systemd/*.service "$top"/systemd/*.socket "$top"/systemd/*.timer \
        "$lib/systemd/system/"
    install -m 0644 "$top/systemd/ecconfigd.catalog" "$lib/systemd/catalog/"
    install -m 0644 "$top/systemd/ecconfigd.sysusers" "$lib/sysusers.d/ecconfigd.conf"
    install -m 0644 "$top/systemd/ecconfigd.tmpfiles" "$lib/tmpfiles.d/ecconfigd.conf"
    systemd-sysusers --root="$root" ecconfigd.conf 2>/dev/null
    systemd-tmpfiles --root="$root" --create ecconfigd.conf
    journalctl --root="$root" --update-catalog
    systemctl --quiet --root="$root" enable ecconfigd.service ecconfigd.socket
}
