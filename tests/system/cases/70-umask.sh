#!/usr/bin/env bash
# Installed and run by a root whose umask is 0077: everything can be read by whom it is for.
. "${BASH_SOURCE[0]%/*}/../lib/case.sh"
. lib/package.sh
init=/etc/init.d/ecconfigd

careful() { # LINE OF SHELL
    sh_in_host "umask 0077; $1"
}
who() { # PATH
    in_host stat --format '%U %a' "$1"
}

(umask 0077 && install_layer "$WORK/careful")
host_make "$WORK/careful"
check_equal "0 755" "$(stat --format '%u %a' "$host_root/opt/msys/ecelerity/sbin")" \
    "the directories of the installation are for everybody"
host_boot
check_within 10 "the server answers after the boot" live
check "restart" careful "$init restart"
check "restart with EXTRA_ARGS" careful "EXTRA_ARGS='--log-level 5' $init restart"
check "the server answers" live
check "create_ssl_cert" careful "/opt/msys/ecelerity/bin/create_ssl_cert ecconfigd localhost /var/ecconfigd/apache"
check_equal "ecuser 644" "$(who /var/ecconfigd/apache/server.crt)" "everybody can read the certificate"
check_equal "ecuser 600" "$(who /var/ecconfigd/apache/server.key)" "only ecuser can read the key"
check "passwd" careful "echo 'a word that nobody knows' | /opt/msys/ecelerity/sbin/ecconfigd passwd --role reader jane"
check_equal "ecuser 600" "$(who /var/ecconfigd/accounts)" "only ecuser can read the accounts"
check "restart" careful 'systemctl restart ecconfigd'
PASSWORD='a word that nobody knows' check "the account works" curl_as jane "$server/config/default/boot/" --output /dev/null
check "everybody can ask whether the server is well" \
    in_host setpriv --reuid nobody --regid nogroup --clear-groups /opt/msys/ecelerity/sbin/ecconfigd ping
check "git clones" git_admin clone --quiet "$(repository)" "$WORK/clone-careful"
check_equal "" "$(journal -p warning)" "nothing was worth a warning"
host_remove

host_make "$WORK/careful"
host_start_plain
check "without systemd: start" careful "$init start"
check "without systemd: the server answers" live
check "without systemd: restart" careful "$init restart"
check_equal "root 644" "$(who /run/ecconfigd.pid)" "without systemd: everybody can read the pid file"
check_equal "ecuser 755" "$(who /var/ecconfigd)" "without systemd: everybody gets to the certificate"
