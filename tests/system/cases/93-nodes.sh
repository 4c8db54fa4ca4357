#!/usr/bin/env bash
# A node on a machine of its own, without systemd: it pulls over the network, and cron looks after it.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
. lib/cron.sh
. lib/node.sh

has() { # FILE TEXT
    [ "$(in_host cat "$etc/conf/$1")" = "$2" ]
}
careful_bootstrap() { # as a root whose umask is 0077
    sh_in_host "umask 0077 && ECCFG_PASSWORD='$(password admin)' /opt/msys/ecelerity/bin/eccfg \
        --username admin bootstrap --fingerprint '$fingerprint' manager"
}

host_make
host_boot
check_within 10 "the server answers" live
check "the manager bootstraps" eccfg bootstrap
fingerprint=SHA256:$(openssl x509 -noout -fingerprint -sha256 -in "$(state_dir)/apache/server.crt" | sed 's/.*=//')

neighbour_make mta2
at_neighbour mail_server_make "$neighbour_root"
check_code 5 "no server is trusted unseen" at_neighbour eccfg bootstrap manager
check_equal "" "$(at_neighbour job 1)" "cron does nothing before the bootstrap"
check_output '^A    default/ecelerity.conf$' "a node bootstraps from another machine" at_neighbour careful_bootstrap
check_code 0 "ecuser can go on, though root's umask is 0077" at_neighbour as ecuser pull
check_output 'eccfg store-password' "cron's mail says that it needs a password" at_neighbour job 1
check "it gets it" at_neighbour store_password
check_equal "" "$(at_neighbour job 1)" "nothing new: cron's job says nothing"

sh_in_host "echo '# changed' >$etc/conf/default/new.conf"
check_output '^Committed revision 2' "the manager commits" eccfg commit --add-all --message 'For all'
check_equal "" "$(at_neighbour job 1)" "cron's job pulls without a word"
check "the other node has it" at_neighbour has default/new.conf '# changed'
check_equal "ecuser: /tmp/2025 config reload" "$(told "$neighbour_root")" "and its mail server is told"
sh_in_host "echo '# changed again' >$etc/conf/default/new.conf"
check "the manager commits" eccfg commit --message 'For all again'
touch "$neighbour_root$mail_server/hangs"
check_output 'was not told to reload.*does not answer' "cron's mail tells of a mail server that hangs" at_neighbour job 1
rm "$neighbour_root$mail_server/hangs"

echo node_name=west2 >>"$neighbour_root$etc/cluster.boot"
check_equal "" "$(at_neighbour job 2)" "cron's job saves what runs, without a word"
check_equal "Threads = 4" "$(git --git-dir "$(state_dir)/repo/default" -c safe.directory='*' \
    show running:west2/running.conf)" "under the name of cluster.boot"
