#!/usr/bin/env bash
# journalctl -x explains each event that an operator acts on, with what it is about.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
catalogue=../../systemd/ecconfigd.catalog

host_make
# A disk that becomes full soon.
mount -t tmpfs -o size=48m,mode=0755 tmpfs "$(state_dir)"
chown --reference="$host_root/var/ecconfigd" "$(state_dir)"
echo "EXTRA_ARGS='--log-level 5'" >"$host_root/opt/msys/ecelerity/etc/environment"
# Few connections take all places.
mkdir -p "$host_root/etc/systemd/system/ecconfigd.service.d"
printf '[Service]\nLimitNOFILE=300\n' >"$host_root/etc/systemd/system/ecconfigd.service.d/few.conf"
host_boot
check_within 10 "the server answers" live

clone=$WORK/clone-catalogue
git_admin clone --quiet "$(repository)" "$clone"
git_admin clone --quiet "$(repository)" "$clone-2"
check "a commit" commit "$clone" default/a.conf "a"
commit "$clone-2" default/b.conf "b" 2>/dev/null || true
check_code 1 "one that is refused" git_admin -C "$clone-2" push --force
for _ in 1 2 3 4 5 6; do
    PASSWORD=wrong curl_as admin "$server/config/default/boot/" --output /dev/null 2>/dev/null || true
done

check "a CONFLICT" curl_as admin --request PUT "$server/subclusters/default/conflict"
check "its end" curl_as admin --request DELETE "$server/subclusters/default/conflict"

in_host mv /var/ecconfigd/repo/global/HEAD /var/ecconfigd/repo/global/HEAD.away
check "a repository that cannot be read" in_host systemctl restart ecconfigd
in_host mv /var/ecconfigd/repo/global/HEAD.away /var/ecconfigd/repo/global/HEAD

in_host fallocate --length 1G /var/ecconfigd/filler 2>/dev/null || true
in_host sh -c 'cat /dev/zero >>/var/ecconfigd/filler' 2>/dev/null || true
head -c 100000 /dev/urandom | base64 >"$clone/default/large.conf"
check_output '507|full|room' "a disk that is full" commit "$clone" default/c.conf "c"
in_host rm /var/ecconfigd/filler

in_host openssl req -x509 -newkey rsa:2048 -nodes -days 5 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout /var/ecconfigd/apache/server.key \
    -out /var/ecconfigd/apache/server.crt 2>/dev/null
served() {
    beside_host openssl s_client -connect localhost:2027 </dev/null 2>/dev/null |
        openssl x509 -noout -subject | grep -qx 'subject=CN = localhost'
}
check_within 20 "a certificate of the operator's is taken up" served
last_day_is_told() {
    unit StatusText | grep -q "valid until $(date --utc --date '5 days' +%F)"
}
check_within 10 "its last day stands in the status" last_day_is_told

explained() { # MESSAGE ID
    in_host journalctl --quiet --no-pager --catalog "MESSAGE_ID=$1"
}
is_explained() { # TEXT
    in_host journalctl --quiet --no-pager --catalog --unit ecconfigd | grep -q "Subject: $1"
}
beside_host python3 -c 'if True:
    import socket, sys
    all = [socket.create_connection(("localhost", 2027)) for _ in range(100)]
    sys.stdin.read()' < <(sleep 10) 2>/dev/null &
check_within 10 "more connections than there are places" is_explained "There is no place"
kill "$!" 2>/dev/null || true

check "the service is stopped" in_host systemctl stop ecconfigd.socket ecconfigd.service
in_host runuser -u ecuser -- sh -c \
    'echo 0123456789012345678901234567890123456789 >/var/ecconfigd/repo/default/refs/heads/boot'
check "a copy that lacks what its references name" in_host systemctl start ecconfigd
check_within 10 "its newest revisions are missed" is_explained "Subcluster default lacks"
check "the service is stopped again" in_host systemctl stop ecconfigd.socket ecconfigd.service

for id in $(sed -n 's/^-- //p' "$catalogue"); do
    subject=$(sed -n "/^-- $id/,/^$/s/^Subject: //p" "$catalogue")
    # What the event is about stands where the catalogue has a field of it.
    pattern=$(sed 's/@[A-Z_]*@/.*/g' <<<"$subject")
    check_output "Subject: $pattern" "explained: $subject" explained "$id"
    check_equal "" "$(explained "$id" | grep -E '@[A-Z_]+@' || true)" "with what it is about"
done
