# What every script of these tests begins with: root, in namespaces of its own, on a machine where the
# package is installed, with the accounts ecuser and other. $PROGRAMS and $SOURCES say where from.
set -eu
mount -t tmpfs -o mode=0755 none /srv
for file in passwd group; do
    grep -v '^ecuser:\|^other:' "/etc/$file" >"/srv/$file"
    case $file in
        passwd) printf '%s:x:%s::/nowhere:/bin/false\n' ecuser 977:977 other 978:978 ;;
        group) printf '%s:x:%s:\n' ecuser 977 other 978 ;;
    esac >>"/srv/$file"
    mount --bind "/srv/$file" "/etc/$file"
done
for place in /opt /var /run; do
    mount -t tmpfs -o mode=0755 none "$place"
done
etc=/opt/msys/ecelerity/etc
sbin=/opt/msys/ecelerity/sbin
bin=/opt/msys/ecelerity/bin
mkdir -p "$sbin" "$bin" /var/log
# Made by the files for systemd-tmpfiles.
install -d -m 1775 -o root -g ecuser "$etc"
install -d -m 0755 -o ecuser -g ecuser /var/ecconfigd
cp "$PROGRAMS/ecconfigd" "$sbin"
cp "$PROGRAMS/eccfg" "$PROGRAMS/create_ssl_cert" "$bin"
ip link set lo up

as() { # ACCOUNT COMMAND…
    account=$1
    shift
    setpriv --reuid "$account" --regid "$account" --clear-groups "$@"
}
as_ecuser() {
    as ecuser "$@"
}
# What only root may read.
secret() { # PATH CONTENT
    (umask 077 && echo "$2" >"$1")
}
fails() { # COMMAND…
    if "$@"; then
        echo "this has not failed: $*"
        exit 1
    fi
}
