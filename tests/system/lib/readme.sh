# The blocks of the README, typed on a terminal of a host.

# shellcheck source=host.sh
. lib/host.sh

blocks=$WORK/readme-$$

# Takes the blocks of a section out of the README, numbered from 01.
readme_blocks() { # TITLE [FILE]
    mkdir "$blocks"
    awk -v dir="$blocks" -v title="## $1" '
        /^## /         { wanted = $0 == title }
        /^```$/        { inside = 0 }
        inside         { print >file }
        /^```sh$/ && wanted { inside = 1; file = sprintf("%s/%02d", dir, ++count) }
    ' "${2:-../../README.md}"
}

# Types a block, and the answers to what it asks.
typed() { # BLOCK ANSWERS…
    cp "$1" "$host_root/root/block"
    shift
    { (($# == 0)) || printf '%s\n' "$@"; } |
        in_host script --quiet --return --command 'cd && bash -euo pipefail block' /dev/null
}
