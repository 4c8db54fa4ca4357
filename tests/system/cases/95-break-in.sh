#!/usr/bin/env bash
# Three hosts after a break-in, by the chapter of docs/security.md, block by block: new keys of all
# members in turn and new passwords of all accounts, while clients go on.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
. lib/package.sh
. lib/members.sh

new_secret=a-new-one-for-everybody
stolen=$WORK/stolen

# What the intruder has: an administrator's password, a member's key, a server of his own.
let_in_his_server() {
    curl_as admin --request POST --header 'Content-Type: application/json' --output /dev/null \
        --data '{"name": "evil", "key": "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}' \
        "$server/members"
}
steal_key() {
    mkdir "$stolen"
    cp "$(state_dir)"/apache/server.{key,crt} "$stolen/"
}
# TLS 1.3 tells a client that its certificate is not taken after the handshake: whoever is taken hears
# nothing until it speaks.
opens_with_stolen_key() {
    # Its exit code tells nothing: the input has an end.
    beside_host timeout 10 openssl s_client -connect localhost:2027 -alpn ecconfigd-member/1 \
        -cert "$stolen/server.crt" -key "$stolen/server.key" \
        < <(sleep 2) >"$WORK/heard" 2>&1 || true
    grep -q 'CONNECTED' "$WORK/heard" && ! grep -q 'alert' "$WORK/heard"
}
refused() { # ACCOUNT WORD
    local code
    code=$(PASSWORD=$2 curl_as "$1" "$server/config/" --output /dev/null --write-out '%{http_code}' 2>/dev/null || true)
    [ "$code" = 401 ]
}
pulls() {
    in_host /opt/msys/ecelerity/bin/eccfg pull --auto
}
# What the last check's command printed.
said() { # PATTERN
    grep -E -- "$1" "$WORK/output"
}
names() {
    in_host "$ecconfigd" members | awk '{ print $1 }' | paste -sd ' '
}

# A client that reads, from whichever server answers first. A line for each time that none did.
clients_go_on() {
    local number=0 host answered
    while [ ! -e "$WORK/clients-end" ]; do
        number=$((number + 1))
        answered=
        for host in cm1 cm2 cm3; do
            ! at "$host" logs_in probe "$secret" 2>/dev/null || { answered=1 && break; }
        done
        [ -n "$answered" ] || echo "read $number: nobody answered" >>"$WORK/clients-failed"
        echo "$number" >"$WORK/clients-reads"
        sleep 0.2
    done
}

readme_blocks "A cluster of servers"
hosts_boot "$(bare_layer)" cm1 cm2 cm3
for host in cm1 cm2 cm3; do
    at "$host" hand_over "$(package)"
    check "$host: install" at "$host" block 1
    check_within 10 "$host: it answers" at "$host" live
done
check "cm1: the administrator's password" at cm1 set_password admin "$secret"
check "cm1: list the members" at cm1 block 2 "$secret" "$secret"
fill_in_fingerprint 3 "$(at cm1 fingerprint)"
for host in cm2 cm3; do
    check "$host: join" at "$host" block 3 "$secret"
    check_within 60 "$host: it is a member" at "$host" sh_in_host "$ecconfigd members | grep -q '^$host '"
done
check_within 60 "all of them vote" at cm1 members_are 3 3
PASSWORD=$secret
check "an account that reads meanwhile" at cm1 set_password probe "$secret" --role reader
nodes_secret=$(at cm1 sh_in_host "sed -n 's/^ecuser //p' /var/ecconfigd/initial-passwords")
check "cm1 is a node" at cm1 sh_in_host \
    "echo '$nodes_secret' | /opt/msys/ecelerity/bin/eccfg store-password"
check "cm1's node pulls" at cm1 pulls

check "the intruder makes an account" at cm2 set_password mallory evil --role administrator
check_within 10 "which all servers know" at cm3 logs_in mallory evil
check "and lets his server in" at cm1 let_in_his_server
at cm3 steal_key
check "and has the key of cm3" at cm1 opens_with_stolen_key
check "and commits" at cm1 change "of the intruder"

blocks=$WORK/break-in-$$
readme_blocks "After a break-in" ../../docs/security.md
check_equal 6 "$(find "$blocks" -type f | wc -l)" "docs/security.md has the blocks that are typed here"
clients_go_on &
clients=$!

sed -i 's/cm3/evil/' "$blocks/01"
check "members that do not belong" at cm2 block 1
said '^evil ' >"$WORK/list" || true
check "the list had his server" test -s "$WORK/list"
check_equal "cm1 cm2 cm3" "$(at cm2 names)" "and has it no more"

last=$(at cm1 leader)
order=$(printf '%s\n' cm1 cm2 cm3 | grep -v "^$last\$" | paste -sd ' ')
cp "$blocks/02" "$WORK/keys"
for host in $order "$last"; do
    other=cm1
    [ "$host" != cm1 ] || other=cm2
    sed "s/ cm2$/ $other/" "$WORK/keys" >"$blocks/02"
    fill_in_fingerprint 2 "$(at "$other" fingerprint)"
    before=$(at "$host" fingerprint)
    check "$host: another key" at "$host" block 2 "$secret"
    check_within 30 "$host: all of them answer, and vote" at "$host" members_are 3 3
    check_code 1 "$host: its key is another one" [ "$before" = "$(at "$host" fingerprint)" ]
    check "$host: a commit" at "$host" change "$host has another key"
done
for host in cm1 cm2 cm3; do
    check_code 1 "$host does not know the stolen key" at "$host" opens_with_stolen_key
done
check_output 'trust' "cm1's node refuses a server whose key it does not know, and says what to do" \
    at cm1 pulls
fill_in_fingerprint 3 "$(at cm1 fingerprint)"
check "cm1's node trusts the new key" at cm1 block 3
check "cm1's node pulls" at cm1 pulls

check "other passwords" at cm2 block 4 "$new_secret" "$new_secret" "$new_secret-2" "$new_secret-2"
for host in cm1 cm2 cm3; do
    check_within 10 "$host knows the administrator's" at "$host" logs_in admin "$new_secret"
    check_within 10 "$host knows that of the nodes" at "$host" logs_in ecuser "$new_secret-2"
    check "$host refuses the old one" at "$host" refused admin "$secret"
    check "$host refuses the intruder" at "$host" refused mallory evil
done
PASSWORD=$new_secret
check "cm1's node gets the password" at cm1 block 5 "$new_secret-2"
check "cm1's node pulls with it" at cm1 pulls
check "what was changed" at cm1 block 6 "$new_secret" "$new_secret"
said 'of the intruder' >"$WORK/log" || true
check "the log has what the intruder committed" test -s "$WORK/log"
touch "$WORK/clients-end"
wait "$clients"
check_code 1 "clients went on all the time" test -s "$WORK/clients-failed"
[ ! -e "$WORK/clients-failed" ] || tail -n 5 "$WORK/clients-failed"
figure "break-in: $(cat "$WORK/clients-reads") reads meanwhile"
