#!/usr/bin/env bash
# Three hosts become a cluster by the README's chapter, block by block; then one is lost, and another.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
. lib/package.sh
. lib/members.sh
. lib/node.sh

status() {
    in_host systemctl status --no-pager --full ecconfigd
}
who() { # PATH
    in_host stat --format '%U:%G %a' "$1"
}
says_no_leader() {
    in_host systemctl status ecconfigd | grep 'NO LEADER: nothing can be changed' >/dev/null
}

leads_not() { # NAME
    local now
    now=$(leader) && [ "$now" != "$1" ]
}
took() { # WHAT since $began
    figure "cluster: $1: $((($(date +%s%N) - began) / 1000000)) ms"
}
begin() {
    began=$(date +%s%N)
}

readme_blocks "A cluster of servers"
check_equal 5 "$(find "$blocks" -type f | wc -l)" "the README has the blocks that are typed here"
begin
hosts_boot "$(bare_layer)" cm1 cm2 cm3
took "three hosts boot"
for host in cm1 cm2 cm3; do
    at "$host" hand_over "$(package)"
    check "$host: install" at "$host" block 1
    check_within 10 "$host: it answers" at "$host" live
    check_output 'stands alone' "$host: it stands alone" at "$host" status
done
check "cm1: the administrator's password" at cm1 set_password admin "$secret"
check "cm1: list the members" at cm1 block 2 "$secret" "$secret"
fill_in_fingerprint 3 "$(at cm1 fingerprint)"
in_umask=0077
for host in cm2 cm3; do
    sed -i "1i umask $in_umask" "$blocks/03"
    begin
    check "$host: join, with umask $in_umask" at "$host" block 3 "$secret"
    check_equal "ecuser:ecuser 700 ecuser:ecuser 600" "$(for path in '' /introduction; do
        at "$host" who "/var/ecconfigd/cluster$path"
    done | paste -sd ' ')" "$host: what it was told is for ecuser to read"
    check_within 60 "$host: it is a member" at "$host" sh_in_host "$ecconfigd members | grep -q '^$host '"
    took "$host joins"
    sed -i 1d "$blocks/03"
    in_umask=0022
done
check_within 60 "all of them vote" at cm1 members_are 3 3
PASSWORD=$secret
check_output 'MASTER of 3 members' "the status of the first tells how it stands" at cm1 status
check_output 'SLAVE of cm1, 3 members' "so does that of another" at cm3 status
check "cm2: look at it" at cm2 block 4 "$secret" "$secret"
check_equal "cm1 cm2 cm3" "$(tr -d '\r' <"$WORK/output" | grep -E '^cm[123]( cm[123])*$' | paste -sd ' ')" \
    "eccfg tells who is MASTER and who are SLAVES"
check_output 'kept in /var/ecconfigd/repo.before-joining-1' "the journal of one that joined tells where its repositories are" \
    at cm2 journal -p warning
check "they are there" at cm2 in_host test -d /var/ecconfigd/repo.before-joining-1/default

begin
check "a commit through the second" at cm2 change one
took "a commit"
check_all_have one
check "a password that is set on the second" at cm2 set_password ecuser 'of all of them'
for host in cm1 cm2 cm3; do
    check_within 10 "$host knows it" at "$host" logs_in ecuser 'of all of them'
done

# The first host's power fails.
begin
at cm1 host_halt
check_within 30 "without the first: a commit through the second" at cm2 change two
took "from the loss of the leader to a commit"
check_within 10 "another one leads" at cm2 leads_not cm1
check_output 'DOES NOT ANSWER' "ecconfigd members tells that one is away" at cm3 in_host "$ecconfigd" members
check_code 1 "and so does its exit code" at cm3 in_host "$ecconfigd" members
begin
at cm1 host_boot
took "the first boots"
check_within 30 "the first has what it missed" at cm1 has two
took "it has booted and caught up"
check_all_have two

# A network cable of the leader is pulled: it hears nothing, and nothing refuses.
lost=$(at cm1 leader)
other=cm2
[ "$lost" != cm2 ] || other=cm3
begin
ip -n "$lost" link set eth0 down
check_within 30 "the leader's network is lost: a commit through another" at "$other" change three
took "from the loss of the leader's network to a commit"
check_code 22 "the one that is cut off says nothing that may be old as the newest" at "$lost" \
    curl_as admin "$server/config/default/boot/default/cluster.conf?consistent"
check_output '^two$' "but reads what it has" at "$lost" \
    curl_as admin "$server/config/default/boot/default/cluster.conf"
check_within 20 "systemctl status says that nothing can be changed there" at "$lost" says_no_leader
ip -n "$lost" link set eth0 up
check_within 60 "all of them answer again" at "$other" members_are 3 3
check_all_have three

# The leader is stopped.
leader=$(at cm1 leader)
other=cm2
[ "$leader" != cm2 ] || other=cm3
begin
check "the leader is stopped" at "$leader" in_host systemctl stop ecconfigd.socket ecconfigd.service
took "stopping the leader"
begin
check "a commit at once" at "$other" change four
took "a commit at once after the leader was stopped"
check "it is started" at "$leader" in_host systemctl start ecconfigd.socket ecconfigd.service
check "another one leads" at "$other" leads_not "$leader"
check_all_have four

# An address may be a name.
in_clone=$WORK/clone-global
at cm2 git_admin clone --quiet "$(at cm2 repository global)" "$in_clone"
sed -i 's/"192.0.2.3"/"cm3"/' "$in_clone/msgc_server.conf"
check "a name in the place of an address" at cm2 commit "$in_clone" note.conf "cm3 has a name"
check_within 30 "is how the member is reached" at cm1 sh_in_host "$ecconfigd members | grep -q 'cm3:2027 .* log at'"

# The next version.
for host in cm1 cm2 cm3; do
    begin
    check "$host: upgrade" at "$host" dpkg_install "$(package_of_version 99.0)"
    took "upgrade of $host"
    check_within 30 "$host: all of them answer" at "$host" members_are 3 3
done
check "a commit after the upgrades" at cm1 change five
check_all_have five
for host in cm1 cm2 cm3; do
    figure "cluster: systemd-analyze security ecconfigd on $host: $(at "$host" in_host systemd-analyze security --no-pager ecconfigd |
        sed -n 's/.*exposure level.*: \([0-9.]*\) .*/\1/p')"
done

# Another key.
new_key() {
    in_host /opt/msys/ecelerity/bin/create_ssl_cert --new-key ecconfigd cm3 /var/ecconfigd/apache
}
join_again() {
    in_host env ECCFG_PASSWORD="$secret" /opt/msys/ecelerity/bin/eccfg --username admin join cm1 &&
        in_host systemctl restart ecconfigd
}
check "cm3: a new key" at cm3 new_key
check "cm3: join again" at cm3 join_again
check_within 30 "all of them answer, and vote" at cm1 members_are 3 3
check_all_have five

# One is taken out, and what it had goes with the purge.
sed -i '/cm3/d' "$in_clone/msgc_server.conf"
check "cm3 is taken out of the list" at cm2 commit "$in_clone" note.conf "cm3 leaves"
check_within 30 "two are left" at cm1 members_are 2 2
check "cm3: purge" at cm3 in_host dpkg --purge ecconfigd
check_code 1 "cm3: nothing is left" at cm3 in_host test -e /var/ecconfigd
check "the two go on" at cm1 change six

# Of two, one is lost for good.
at cm1 host_halt
check_output '^six$' "one of two: files are read" at cm2 curl_as admin "$server/config/default/boot/default/cluster.conf"
check_output 'fewer than half' "one of two: a commit is refused" at cm2 change seven
check "cm2: go on alone" at cm2 block 5
check "cm2: commits are taken" at cm2 change seven
check_output 'stands alone' "cm2: it stands alone" at cm2 status
