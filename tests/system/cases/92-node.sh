#!/usr/bin/env bash
# A node on the server's own machine: eccfg as root and as ecuser, and systemd's timers.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
. lib/node.sh

clone=$WORK/clone-node
# A revision that comes from elsewhere.
change() { # FILE TEXT
    git_admin -C "$clone" pull --quiet
    commit "$clone" "$1" "$2" 2>/dev/null
}
strangers() { # what of the node does not belong to ecuser
    sh_in_host "cd $etc && find conf .eccfg cluster.boot ! -user ecuser"
}
who() { # PATH
    in_host stat --format '%U:%G %a' "$1"
}
has() { # FILE TEXT
    [ "$(in_host cat "$etc/conf/$1")" = "$2" ]
}
pull() {
    in_host systemctl start eccfg-pull
}
put_running() {
    in_host systemctl start eccfg-put-running
}
status() { # UNIT
    in_host systemctl status --no-pager --full "$1"
}
notes() { # UNIT: what its journal says since $since
    in_host journalctl --sync
    in_host journalctl --quiet --no-pager --output cat --since "$since" -u "$1"
}
has_said_so() { # that the node runs the newest revision, and that the reload was well
    eccfg nodes default | grep -q '^manager  *default  *[0-9]*  *0  .* ok$'
}
saved() { # what the server has as the running configuration
    git --git-dir "$(state_dir)/repo/default" -c safe.directory='*' "$@"
}

host_make
# As an installer leaves it.
(umask 0077 && printf 'autoupdate=true\n' >"$host_root$etc/cluster.boot" &&
    echo cluster_name=default >>"$host_root$etc/cluster.boot")
host_boot
mail_server_make
check_within 10 "the server answers" live
git_admin clone --quiet "$(repository)" "$clone"
check_equal "root:ecuser 1775" "$(who $etc)" "ecuser may exchange what is its own in etc"

check_output '^A    default/ecelerity.conf$' "root bootstraps from the server on this machine, without a question" \
    eccfg bootstrap
check_equal "" "$(strangers)" "all of the working copy is ecuser's"
check_output '^autoupdate=true$' "cluster.boot keeps its lines" in_host cat $etc/cluster.boot
check_equal "root:root 755" "$(who $etc/sample-configs)" "the package's files are not"
check_equal "" "$(told)" "the mail server is not told to reload"
check_output '^URL: https://127.0.0.1:2027/config/default' "info tells from where" eccfg info

sh_in_host "umask 0077 && cd $etc/conf && mkdir manager && echo '# own' >manager/own.conf &&
    cp default/common.conf x && echo '# root' >>x && mv x default/common.conf"
check_output '^Committed revision 2\.$' "root commits what nobody else can read" \
    eccfg commit --add-all --message 'Of root'
check_equal "" "$(strangers)" "it is ecuser's afterwards"
(umask 0077 && password admin >"$host_root/root/password")
sh_in_host "echo '# again' >>$etc/conf/default/common.conf"
check_output '^Committed revision 3\.$' "with a password that only root can read" in_host \
    /opt/msys/ecelerity/bin/eccfg --username admin --password-file /root/password commit --message Again
check_equal "" "$(told)" "a commit reloads nothing"

change default/ecuser.conf one
check_output '^A    default/ecuser.conf$' "ecuser pulls" as ecuser pull
check_equal "ecuser: /tmp/2025 config reload" "$(told)" "the mail server is told to reload, once"
change default/root.conf one
check_output '^A    default/root.conf$' "root pulls" eccfg pull
check_equal "ecuser: /tmp/2025 config reload" "$(told)" "the mail server is told as ecuser by root, too"
check_equal "" "$(strangers)" "all is ecuser's"
in_host mkdir /srv/others
in_host chmod 0755 /srv/others
check_code 6 "root can have no working copy where ecuser may not write" \
    eccfg --wc /srv/others/conf bootstrap
check_equal "root:root 755" "$(who /srv/others)" "and gives no directory away for one"

# The timers' services, one after the other.
change default/timer.conf one
check_code 1 "without the service account's password the timer's pull fails" pull
check_output 'run .eccfg store-password' "its status says what to do" status eccfg-pull
check "eccfg store-password" store_password
check_equal "ecuser:ecuser 600" "$(who $etc/.eccfg/password)" "the password is for ecuser and root to read"
since=$(now)
check "eccfg-pull.service" pull
check "brings what is new" has default/timer.conf one
check_output '^A    default/timer.conf$' "the journal tells the files" notes eccfg-pull
check_output '^OK: default at revision 6' "and the revision" notes eccfg-pull
check_equal "ecuser: /tmp/2025 config reload" "$(told)" "the mail server is told to reload, once"
since=$(now)
check "nothing is new" pull
check_equal "" "$(notes eccfg-pull)$(told)" "nothing is told to anybody"

change default/timer.conf two
sh_in_host "umask 0077 && mkdir -p $etc/conf/prepared/by && echo '# root' >$etc/conf/prepared/by/root"
since=$(now)
check "what root has prepared is no obstacle" pull
check "the new revision is there" has default/timer.conf two
check "with what was prepared" in_host test -e $etc/conf/prepared/by/root
check_equal "" "$(strangers)" "which is ecuser's now"
told >/dev/null

change default/timer.conf three
in_host touch $mail_server/hangs
check_code 1 "a mail server that does not answer" pull
check "gets its files" has default/timer.conf three
check_output 'was not told to reload.*the mail server does not answer' "systemctl status says what was not done" status eccfg-pull
check_code 1 "the next pull does not hide it" pull
in_host rm $mail_server/hangs
told >/dev/null
check "once it answers" pull
check_equal "ecuser: /tmp/2025 config reload" "$(told)" "it is told"
check "and no more" pull
check_equal "" "$(told)" "once"

check "eccfg-put-running.service" put_running
check_equal "ecuser: /tmp/2025 config show" "$(told)" "asks the mail server, as ecuser"
check_equal "Threads = 4" "$(saved show running:manager/running.conf)" "saves what runs, under the node's name"
check_output '^ecuser ' "as the service's account" saved log --format='%an ' running
check "the same again" put_running
check_equal 1 "$(saved rev-list --count running)" "is not saved again"
in_host touch $mail_server/hangs
since=$(now)
check_code 1 "a mail server that does not answer" put_running
check_output 'config show: the mail server does not answer' "is told in the status" status eccfg-put-running
check_output 'config show: the mail server does not answer' "and in the journal" notes eccfg-put-running
in_host rm $mail_server/hangs

for service in eccfg-pull eccfg-put-running; do
    check_equal "cap_chown cap_dac_read_search cap_setgid cap_setuid" "$(unit CapabilityBoundingSet $service)" \
        "$service has of root's powers what it needs"
    figure "systemd-analyze security $service: $(in_host systemd-analyze security --no-pager "$service" |
        sed -n 's/.*exposure level.*: \([0-9.]*\) .*/\1/p')"
done
change default/timer.conf four
sh_in_host "echo Threads = 8 >$mail_server/running"
check "the timers" in_host systemctl --quiet enable --now eccfg-pull.timer eccfg-put-running.timer
check_within 60 "pull by themselves" has default/timer.conf four
check_output 'eccfg-put-running.timer.*eccfg-put-running.service' "and are planned to save" in_host systemctl list-timers --no-pager
in_host systemctl --quiet disable --now eccfg-pull.timer eccfg-put-running.timer

# The service in place of the timer.
since=$(now)
told >/dev/null
check "eccfg-watch.service" in_host systemctl --quiet enable --now eccfg-watch.service
change default/timer.conf five
check_within 10 "brings a change as it is made" has default/timer.conf five
# Which it says with the next question, when the reload and all else is done.
check_within 10 "the server knows which revision the node has" has_said_so
check_equal "ecuser: /tmp/2025 config reload" "$(told)" "the mail server is told to reload, once"
check_output '^U    default/timer.conf$' "the journal tells the files" notes eccfg-watch
in_host systemctl restart ecconfigd
change default/timer.conf six
check_within 20 "also after the server was restarted" has default/timer.conf six
check_equal "cap_chown cap_dac_read_search cap_setgid cap_setuid" "$(unit CapabilityBoundingSet eccfg-watch)" \
    "it has of root's powers what it needs"
check_equal "ecuser" "$(in_host ps -o user= -p "$(unit MainPID eccfg-watch)" | tr -d ' ')" "and is ecuser"
in_host systemctl --quiet disable --now eccfg-watch.service
check_equal "success" "$(unit Result eccfg-watch)" "it stops with success"

# What ecuser writes where root reads.
in_host rm -f $etc/environment
in_host runuser -u ecuser -- sh -c "printf '%s\n' LD_PRELOAD=/nowhere.so PATH=/nowhere ECCFG_RELOAD=id >$etc/environment"
since=$(now)
restart_often() {
    for _ in 1 2 3 4 5 6 7; do
        in_host systemctl restart ecconfigd || return
    done
}
check "a search path of ecuser's is not root's: no restart counts as a crash" restart_often
check_equal "" "$(notes ecconfigd | grep nowhere || true)" "nor does root load what ecuser names"
in_host rm $etc/environment

check "purge" in_host dpkg --purge ecconfigd
check "the working copy stays, for the mail server has it" has default/timer.conf six
check_equal $'cluster.boot\nconf' "$(in_host ls -A $etc)" "and nothing of eccfg's own, such as the password"
