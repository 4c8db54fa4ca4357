# The original's files on a host, as its manual names them: what is in them is made up here.

# shellcheck source=host.sh
. lib/host.sh

# All of it. Its account is there before the package that would make it.
original_make() {
    in_host useradd --system --home-dir /opt/msys/ecelerity ecuser
    original_programs
    original_init
    original_cron
    original_repositories
    printf 'admin:ecconfigd repo:%032d\n' 7 | original_file 0640 /var/ecconfigd/repo/svn-auth.htdigest
    printf 'Listen 2027\n<Location /config>\n  DAV svn\n</Location>\n' |
        original_file 0644 /opt/msys/ecelerity/etc/ecconfigd.conf
    echo "a key" | original_file 0600 /var/ecconfigd/apache/server.key
    echo "a certificate" | original_file 0644 /var/ecconfigd/apache/server.crt
    echo "a request" | original_file 0640 /var/ecconfigd/apache/access.log
    echo "a line" | original_file 0640 /var/log/ecelerity/ecconfigd.log
    in_host chown -R ecuser:ecuser /var/ecconfigd /var/log/ecelerity
}

original_programs() {
    local program
    for program in sbin/ecconfigd bin/eccfg bin/ecconfigd_ctl bin/create_ssl_cert; do
        printf '#!/bin/sh\n# stands for the original %s\n' "$program" |
            original_file 0755 "/opt/msys/ecelerity/$program"
    done
}

original_init() {
    printf '#!/bin/sh\n### BEGIN INIT INFO\n# Provides: ecconfigd\n### END INIT INFO\nexit 0\n' |
        original_file 0755 /etc/init.d/ecconfigd
    in_host ln -sfn ../init.d/ecconfigd /etc/rc3.d/S85ecconfigd
}

original_cron() {
    echo '* * * * * root /opt/msys/ecelerity/bin/eccfg pull' | original_file 0644 /etc/cron.d/msys-ecelerity
}

original_repositories() {
    local name
    mkdir -p "$host_root/var/ecconfigd/repo"
    for name in default global; do
        svnadmin create "$host_root/var/ecconfigd/repo/$name"
        svn mkdir --quiet --message "the original's" "file://$host_root/var/ecconfigd/repo/$name/boot"
    done
}

original_file() { # MODE PATH: from standard input
    install -D -m "$1" /dev/stdin "$host_root$2"
}

# Everything on the host's disk, or below these paths, but logs and what package managers note: kind,
# mode, owner and time of each, and the sums of all files.
listing() { # [PATH…]
    # shellcheck disable=SC2016 # the host's shell expands it
    in_host sh -c '
        find "$@" -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/tmp -o -path /root \
            -o -path /var/log/journal -o -path /var/log/apt -o -path "/var/log/dpkg*" \
            -o -path "/var/log/[bw]tmp" -o -path "/var/log/alternatives*" -o -path /var/cache -o -path /var/lib/apt \
            -o -path /var/lib/dpkg -o -path /var/lib/systemd \) -prune \
            -o -printf "%p %y %m %U:%G %T@ %l\n" >/tmp/listing
        find "$@" -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/tmp -o -path /root \
            -o -path /var/log -o -path /var/cache -o -path /var/lib/apt -o -path /var/lib/dpkg \
            -o -path /var/lib/systemd \) -prune -o -type f -exec sha256sum {} + >>/tmp/listing
        sort /tmp/listing && rm /tmp/listing' sh "${@:-/}"
}

# check_same FILE WHAT COMMAND…: what is listed is as it is in the file.
check_same() {
    local file=$1 what=$2
    shift 2
    "$@" >"$WORK/listing"
    check "$what" diff "$file" "$WORK/listing"
}
