#!/usr/bin/env bash
# The README's section for administrators, word for word: each block is typed on a terminal of a
# machine that has just been booted.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
. lib/package.sh
. lib/readme.sh

readme_blocks "On a server"
secret='correct horse battery staple'
# What a block asks for.
answers_of() { # BLOCK
    ! grep -qE ' (passwd|bootstrap) ' "$1" || printf '%s\n' "$secret" "$secret"
}
version() {
    # shellcheck disable=SC2016 # dpkg-query expands it
    in_host dpkg-query --show --showformat '${Version}' ecconfigd
}
reads() { # what the administrator may, with the password that was typed
    PASSWORD=$secret curl_as admin "$server/config/default/boot/default/ecelerity.conf" --output /dev/null
}
levels() {
    in_host cat /opt/msys/ecelerity/etc/environment
}

host_make "$(bare_layer)"
host_boot
hand_over "$(package)"
for block in "$blocks"/*; do
    # The package's next version has come.
    ! grep -q 'apt install' "$block" || [ ! -d "$host_root/var/ecconfigd" ] ||
        hand_over "$(package_of_version 99.0)"
    mapfile -t answers < <(answers_of "$block")
    check "README: $(head -n 1 "$block")" typed "$block" "${answers[@]}"
done
check "the README has not lost its blocks" [ "$(find "$blocks" -type f | wc -l)" -ge 9 ]
check_equal 99.0 "$(version)" "after all of them the next version is installed"
check "it serves" live
check "the password that was typed is the administrator's" reads
check "the node's files are there" in_host test -e /opt/msys/ecelerity/etc/conf/default/ecelerity.conf
check_within 60 "and the service looks after them" \
    sh_in_host 'systemctl --quiet is-active eccfg-watch && grep -q "\"node\"" /var/ecconfigd/nodes'
check_equal "EXTRA_ARGS='--log-level 5'" "$(levels)" "the log level is set for good"
check_output 'started' "and the start is told at it" journal --priority notice --lines 20
