# Nodes: eccfg in hosts, and what stands for the mail server there.

# shellcheck source=client.sh
. lib/client.sh

etc=/opt/msys/ecelerity/etc
mail_server=${etc%/etc}/server

# eccfg as root, and as the administrator for the server.
eccfg() { # ARGUMENTS…
    as root "$@"
}

# eccfg as a user of the host, and as the administrator for the server.
as() { # USER ARGUMENTS…
    local user=$1
    shift
    in_host runuser -u "$user" -- env ECCFG_PASSWORD="$(password admin)" \
        /opt/msys/ecelerity/bin/eccfg --username admin "$@"
}

# Lets the node have the password of the service's account.
store_password() {
    password ecuser | in_host /opt/msys/ecelerity/bin/eccfg store-password
}

# A mail server in the host; to be called when it has booted.
mail_server_make() { # [ROOT]
    local root=${1:-$host_root}
    install -m 0755 lib/ec_console.sh "$root/opt/msys/ecelerity/bin/ec_console"
    install -d "$root$mail_server"
    echo "Threads = 4" >"$root$mail_server/running"
    chown --reference="$root/var/ecconfigd" "$root$mail_server"
    in_host touch /tmp/2025
}

# What it was told since this was last asked.
told() { # [ROOT]
    local file=${1:-$host_root}$mail_server/told
    [ ! -e "$file" ] || { cat "$file" && rm "$file"; }
}

# A second host in the network of the first, without an init system.
neighbour_make() { # NAME
    # shellcheck disable=SC2034 # host_spawn takes it
    local host_root host_nspawn host_init host_machine=$1
    host_disk
    host_start_plain
    neighbour_root=$host_root
    neighbour_nspawn=$host_nspawn
    neighbour_init=$host_init
    trap 'report_host $?; neighbour_remove; host_remove' EXIT
}

neighbour_remove() {
    local host_root=$neighbour_root host_nspawn=$neighbour_nspawn host_init=$neighbour_init
    host_halt
    host_disk_remove
}

# Runs a function of the tests for the second host instead of the first.
at_neighbour() { # FUNCTION…
    host_init=$neighbour_init "$@"
}
