# Three hosts that become a cluster by the README's chapter, block by block.

# shellcheck source=client.sh
. lib/client.sh
# shellcheck source=hosts.sh
. lib/hosts.sh
# shellcheck source=readme.sh
. lib/readme.sh

# The administrator's password, when the case has set it.
# shellcheck disable=SC2034 # the cases use it
secret=correct-horse-battery-staple
ecconfigd=/opt/msys/ecelerity/sbin/ecconfigd

block() { # NUMBER ANSWERS…
    local number=$1
    shift
    typed "$blocks/0$number" "$@"
}
fingerprint() {
    openssl x509 -noout -fingerprint -sha256 -in "$(state_dir)/apache/server.crt" | sed 's/.*=/SHA256:/'
}
# In the place of the fingerprint that the block shows.
fill_in_fingerprint() { # NUMBER FINGERPRINT
    sed -i "s/SHA256:AB:CD:…/$2/" "$blocks/0$1"
}
set_password() { # ACCOUNT WORD [OPTIONS…]
    local account=$1 word=$2
    shift 2
    in_host "$ecconfigd" passwd "$@" "$account" <<<"$word"
}
members_are() { # ALL VOTERS: and all of them answer, as seen from here
    in_host "$ecconfigd" members >"$WORK/members" &&
        [ "$(grep -vc 'LET IN, NO MEMBER' "$WORK/members")" -eq "$1" ] &&
        [ "$(grep -cE ' (leader|follower) ' "$WORK/members")" -eq "$2" ]
}
leader() { # the name, once there is one
    { in_host "$ecconfigd" members || true; } | awk '$3 == "leader" { print $1 }' | grep .
}
logs_in() { # ACCOUNT WORD
    PASSWORD=$2 curl_as "$1" "$server/config/" --output /dev/null
}
# Commits a text through this host.
change() { # TEXT
    local clone=$WORK/clone-$host_machine
    rm -rf "$clone"
    git_admin clone --quiet "$(repository)" "$clone" && commit "$clone" default/cluster.conf "$1"
}
has() { # TEXT: of all that was acknowledged anywhere, this is the newest
    [ "$(curl_as admin "$server/config/default/boot/default/cluster.conf?consistent")" = "$1" ]
}
check_all_have() { # TEXT
    for host in cm1 cm2 cm3; do
        check_within 10 "$host has it" at "$host" has "$1"
    done
}
