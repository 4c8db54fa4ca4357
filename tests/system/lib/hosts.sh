# Several test hosts in one network: a bridge with each of them on a port.

# shellcheck source=host.sh
. lib/host.sh

bridge='hosts-bridge'
hosts=()
declare -A hosts_root hosts_nspawn hosts_init

# Makes hosts and boots them. They know each other by name; the addresses are 192.0.2.1, 192.0.2.2 …
hosts_boot() { # LAYER NAME…
    local layer=$1 name
    shift
    trap 'hosts_report $?; hosts_remove' EXIT
    ip netns add "$bridge"
    ip -n "$bridge" link add name br0 type bridge
    ip -n "$bridge" link set br0 up
    for name in "$@"; do
        hosts+=("$name")
        at "$name" hosts_add "$layer" "${#hosts[@]}" "$@"
        [ -n "${hosts_root[$name]}" ]
        at "$name" host_boot
    done
}

hosts_add() { # LAYER NUMBER NAMES OF ALL…
    local number=$2 line=0 other
    host_disk "$1"
    shift 2
    echo "$host_machine" >"$host_root/etc/hostname"
    echo "127.0.0.1 localhost" >"$host_root/etc/hosts"
    for other in "$@"; do
        echo "192.0.2.$((++line)) $other" >>"$host_root/etc/hosts"
    done
    ip netns add "$host_network"
    ip -n "$host_network" link set lo up
    ip -n "$bridge" link add name "port$number" type veth peer name eth0 netns "$host_network"
    ip -n "$bridge" link set "port$number" master br0 up
    ip -n "$host_network" address add "192.0.2.$number/24" dev eth0
    ip -n "$host_network" link set eth0 up
}

# Runs a function of the tests for one of them.
at() { # NAME FUNCTION…
    local host_machine=$1 host_network=$1 code=0
    local host_root=${hosts_root[$1]-} host_nspawn=${hosts_nspawn[$1]-} host_init=${hosts_init[$1]-}
    shift
    "$@" || code=$?
    hosts_root[$host_machine]=$host_root
    hosts_nspawn[$host_machine]=$host_nspawn
    hosts_init[$host_machine]=$host_init
    return "$code"
}

hosts_report() { # CODE
    local name
    for name in "${hosts[@]}"; do
        [ "$1" -eq 0 ] || echo "       | $name:"
        at "$name" report_host "$1"
    done
}

hosts_remove() {
    local name
    for name in "${hosts[@]}"; do
        at "$name" host_remove
    done
    ip netns delete "$bridge"
}
