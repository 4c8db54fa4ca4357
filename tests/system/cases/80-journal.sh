#!/usr/bin/env bash
# What the journal shows: at each level exactly what belongs there, and fields to filter on.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
host_make
host_boot
check_within 10 "the server answers" live
clone=$WORK/clone-journal
git_admin clone --quiet "$(repository)" "$clone"

# A restart at a level, and one event for each priority that the server uses.
provoke() { # LEVEL
    # 3, an error: a repository that cannot be read.
    in_host mv /var/ecconfigd/repo/global/HEAD /var/ecconfigd/repo/global/HEAD.away
    in_host env EXTRA_ARGS="--log-level $1" /etc/init.d/ecconfigd restart >/dev/null
    in_host mv /var/ecconfigd/repo/global/HEAD.away /var/ecconfigd/repo/global/HEAD
    # 5, a notice.
    commit "$clone" "default/level$1.conf" "level $1" 2>/dev/null
    # 6, info.
    curl_as admin --ipv4 "$server/config/default/boot/default/level$1.conf" --output /dev/null
    # 4, a warning: the sixth login of this address that is refused.
    for _ in 1 2 3 4 5 6; do
        PASSWORD=wrong curl_as admin "$server/config/default/boot/" --output /dev/null 2>/dev/null || true
    done
    in_host journalctl --sync
}
priorities() { # ARGUMENTS OF journalctl…
    journal --since "$since" --output json --output-fields PRIORITY "$@" |
        sed -n 's/.*"PRIORITY":"\([0-9]\)".*/\1/p' | sort -un | tr -d '\n'
}
# The priorities up to a level that the server uses.
expected() { # LEVEL
    case $1 in
        [0-2]) ;;
        *) seq -s '' 3 "$(($1 < 6 ? $1 : 6))" ;;
    esac
}

for level in 0 1 2 3 4 5 6 7; do
    since=$(now)
    provoke "$level"
    # 7 has nothing of its own that must be there.
    check_equal "$(expected "$level")" "$(priorities | tr -d 7)" "--log-level $level: the journal has all up to it"
    check_equal "$(expected "$((level < 3 ? level : 3))")" "$(priorities -p err)" "--log-level $level: journalctl -p err"
    check_equal "$(expected "$((level < 4 ? level : 4))")" "$(priorities -p warning)" "--log-level $level: journalctl -p warning"
    check_equal "$(expected "$((level < 6 ? level : 6))")" "$(priorities -p info)" "--log-level $level: journalctl -p info"
done

# The last round was at level 7.
head=$(git_admin -C "$clone" rev-parse HEAD)
revision=$(git_admin -C "$clone" rev-list --first-parent --count HEAD)
filtered() { # FIELD=VALUE…
    in_host journalctl --quiet --no-pager --output cat --since "$since" -u ecconfigd "$@"
}
check_output "committed revision $revision of default" "SUBCLUSTER= can be filtered on" filtered SUBCLUSTER=default
check_output "committed revision $revision of default" "REVISION=" filtered "REVISION=$revision"
check_output "committed revision $revision of default" "COMMIT=" filtered "COMMIT=$head"
check_output "committed revision $revision of default" "ACCOUNT=" filtered ACCOUNT=admin
check_output "committed revision $revision of default" "MESSAGE_ID=" filtered MESSAGE_ID=d5a4c2f769e54e19b3ffa31eb765d3fb
check_output "GET /config/default/boot/default/level7.conf .*200" "CLIENT= and STATUS=" filtered CLIENT=127.0.0.1 STATUS=200
check_output "GET " "REQUEST_ID=" filtered REQUEST_ID=1
check_equal "" "$(filtered ACCOUNT=nobody)" "and leave out what does not match"
check_output "Account admin has changed refs/heads/boot of subcluster default to commit" \
    "journalctl -x explains what happened" \
    in_host journalctl --quiet --no-pager --catalog --since "$since" MESSAGE_ID=d5a4c2f769e54e19b3ffa31eb765d3fb

lines_with() { # PATTERN, in the messages of the server
    journal --output json --output-fields MESSAGE | grep -cE "$1" || true
}
check_equal 0 "$(lines_with '"MESSAGE":"[^"]*\\n')" "no message has more than one line"
check_equal 0 "$(lines_with '"MESSAGE":\[')" "no message is binary"
secrets() {
    in_host journalctl --quiet --output export | grep -ace "$(password admin)" -e "$(password ecuser)" \
        -e 'PRIVATE KEY' -e 'argon2id\$' || true
}
check_equal 0 "$(secrets)" "no secret is in the journal, at level 7 either"
check_equal ecconfigd "$(journal --output json --output-fields SYSLOG_IDENTIFIER |
    sed 's/.*"SYSLOG_IDENTIFIER":"\([^"]*\)".*/\1/' | sort -u)" "all are of one identifier"

in_host env EXTRA_ARGS='--log-level 5' /etc/init.d/ecconfigd restart >/dev/null
since=$(now)
guesses=()
for _ in {1..40}; do
    PASSWORD=wrong curl_as admin --max-time 5 "$server/config/default/boot/" --output /dev/null 2>/dev/null || true &
    guesses+=("$!")
done
wait "${guesses[@]}"
in_host journalctl --sync
lines=$(journal --output cat --since "$since" | wc -l)
figure "40 refused logins at once: $lines lines in the journal"
check "refused logins cannot fill the journal" [ "$lines" -ge 1 -a "$lines" -le 15 ]
