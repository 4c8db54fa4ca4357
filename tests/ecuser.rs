//! No process that may more than ecuser gets its environment, its files or its directory from ecuser,
//! who may write most of what lies in `/var/ecconfigd`, `/var/log/ecelerity` and
//! `/opt/msys/ecelerity/etc`. Only root can try this; for others these tests are skipped.

use std::path::Path;
use std::process::{Command, Output};

const INSTALLED: &str = include_str!("ecuser/installed.sh");

/// What root's secret files hold.
const SECRET: &str = "S3CRET";

/// What a script says, in namespaces of its own.
fn on_a_machine(script: &str) -> Option<String> {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: this needs root");
        return None;
    }
    let programs = Path::new(env!("CARGO_BIN_EXE_ecconfigd")).parent().unwrap();
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--net", "--ipc"])
        .args(["--pid", "--fork", "--kill-child", "--mount-proc"])
        .args(["timeout", "60", "bash", "-c", &format!("{INSTALLED}\n{script}")])
        .env_remove("USER")
        .env("PROGRAMS", programs)
        .env("SOURCES", env!("CARGO_MANIFEST_DIR"))
        .output();
    Some(said(&output.unwrap()))
}

#[track_caller]
fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "{text}");
    text
}

/// Runs a script that ends with 0 if nothing was given away, and must not show root's secret.
#[track_caller]
fn nothing_is_given_away(script: &str) -> String {
    let said = on_a_machine(script).unwrap_or_default();
    assert!(!said.contains(SECRET), "{said}");
    said
}

mod certificates {
    use super::*;

    #[test]
    fn a_directory_that_is_a_link_leads_root_to_no_key_of_others() {
        nothing_is_given_away(
            r#"
            "$bin/create_ssl_cert" msyspg db.example /srv/pg other
            chmod 700 /srv/pg
            as_ecuser ln -s /srv/pg /var/ecconfigd/apache
            fails "$bin/create_ssl_cert" ecconfigd mgr.example /var/ecconfigd/apache
            test "$(stat -c %U:%a /srv/pg/server.key)" = other:600"#,
        );
    }

    #[test]
    fn nor_to_one_of_roots_own() {
        nothing_is_given_away(
            r#"
            "$bin/create_ssl_cert" ecwebui web.example /srv/web root
            cp -a /srv/web /srv/before
            as_ecuser ln -s /srv/web /var/ecconfigd/apache
            fails "$bin/create_ssl_cert" --force ecconfigd mgr.example /var/ecconfigd/apache
            fails "$bin/create_ssl_cert" ecconfigd mgr.example /var/ecconfigd/apache root
            diff -r /srv/before /srv/web
            test "$(stat -c %U:%a /srv/web/server.key)" = root:600
            # Nor by a link above it, with something that is still to be made below.
            as_ecuser rm /var/ecconfigd/apache
            as_ecuser ln -s /srv /var/ecconfigd/above
            fails "$bin/create_ssl_cert" ecconfigd mgr.example /var/ecconfigd/above/new
            test ! -e /srv/new"#,
        );
    }

    #[test]
    fn a_second_name_of_a_key_is_no_way_to_read_it() {
        nothing_is_given_away(
            r#"
            mount -t tmpfs none /var/ecconfigd
            mkdir /var/ecconfigd/{roots,theirs}
            "$bin/create_ssl_cert" ecwebui web.example /var/ecconfigd/roots root
            mv /var/ecconfigd/roots/server.key /var/ecconfigd/theirs/
            cp -p /var/ecconfigd/theirs/server.key /srv/before
            # What protected_hardlinks keeps ecuser from.
            ln /var/ecconfigd/theirs/server.key /var/ecconfigd/roots/server.key
            chown ecuser /var/ecconfigd/theirs
            fails "$bin/create_ssl_cert" ecconfigd mgr.example /var/ecconfigd/theirs
            cmp /srv/before /var/ecconfigd/theirs/server.key
            test "$(stat -c %U:%a /var/ecconfigd/theirs/server.key)" = root:600"#,
        );
    }

    #[test]
    fn what_is_ecusers_is_still_written_for_ecuser_by_root() {
        nothing_is_given_away(
            r#"
            for umask in 0 077; do
                (umask $umask; "$bin/create_ssl_cert" ecconfigd mgr.example /var/ecconfigd/apache)
                test "$(cd /var/ecconfigd && stat -c %U:%G:%a apache apache/server.{key,crt} | xargs)" = \
                    'ecuser:ecuser:755 ecuser:ecuser:600 ecuser:ecuser:644'
            done"#,
        );
    }
}

mod server {
    use super::*;

    #[test]
    fn commands_of_root_go_by_no_link_of_ecuser() {
        let said = nothing_is_given_away(
            r#"
            secret /srv/accounts 'S3CRET:administrator:x'
            cp -p /srv/accounts /srv/before
            cd /var/ecconfigd
            for name in lock accounts accounts.lock accounts.new; do
                as_ecuser ln -s /srv/accounts "$name"
            done
            fails "$sbin/ecconfigd" users
            fails "$sbin/ecconfigd" recover --force-new-cluster
            fails "$sbin/ecconfigd" passwd jane <<<'a word that nobody knows'
            cmp /srv/before /srv/accounts
            test "$(stat -c %U:%a /srv/accounts)" = root:600"#,
        );
        assert_eq!(said.matches("ecconfigd: ").count(), 3, "{said}");
    }

    #[test]
    fn what_root_makes_is_ecusers() {
        nothing_is_given_away(
            r#"
            "$sbin/ecconfigd" passwd jane <<<'a word that nobody knows'
            test "$(cd /var/ecconfigd && stat -c %U:%a accounts accounts.lock | xargs)" = 'ecuser:600 ecuser:640'
            "$sbin/ecconfigd" users | grep jane"#,
        );
    }

    #[test]
    fn root_reads_no_environment_for_it() {
        nothing_is_given_away(
            r#"
            secret /srv/secret "EXTRA_ARGS='--listen 127.0.0.1:2999 --S3CRET'"
            as_ecuser ln -s /srv/secret "$etc/environment"
            "$sbin/ecconfigd" --listen 127.0.0.1:2998 --log-level 5 2>/srv/log &
            until "$sbin/ecconfigd" ping --listen 127.0.0.1:2998; do
                kill -0 $! && sleep 0.1 || { cat /srv/log; exit 1; }
            done 2>/dev/null
            test "$(stat -c %U /proc/$!/task)" != '' && grep -q '^Uid:.977.977.977.977$' /proc/$!/status
            grep -q 'environment.*cannot be read.*let the user of this service read it' /srv/log
            cat /srv/log
            kill $!; wait $!"#,
        );
    }
}

mod node {
    use super::*;

    #[test]
    fn what_root_keeps_goes_by_no_link_of_ecuser() {
        nothing_is_given_away(
            r#"
            mkdir /srv/etc
            as_ecuser ln -s /srv/etc "$etc/.eccfg"
            fails "$bin/eccfg" store-password <<<'a word that nobody knows'
            test -z "$(ls -A /srv/etc)"
            # A trust file that is a link is not read as root, and its content not told.
            rm "$etc/.eccfg"
            as_ecuser mkdir "$etc/.eccfg"
            secret /srv/secret S3CRET
            for name in trust ca.pem password; do
                as_ecuser ln -s /srv/secret "$etc/.eccfg/$name"
            done
            as_ecuser ln -s /srv/secret "$etc/cluster.boot"
            for words in 'trust 127.0.0.1' 'pull --auto' nodes status; do
                fails "$bin/eccfg" -u root $words </dev/null
            done
            test "$(cat /srv/secret) $(stat -c %U:%a /srv/secret)" = 'S3CRET root:600'"#,
        );
    }

    #[test]
    fn what_root_keeps_is_ecusers() {
        nothing_is_given_away(
            r#"
            umask 077
            "$bin/eccfg" store-password <<<'a word that nobody knows'
            test "$(cd "$etc/.eccfg" && stat -c %U:%a . password | xargs)" = 'ecuser:755 ecuser:600'"#,
        );
    }

    #[test]
    fn files_of_others_and_those_with_a_second_name_are_not_given() {
        nothing_is_given_away(
            r#"
            mkdir "$etc/conf" /srv/shared
            chown ecuser "$etc/conf"
            secret "$etc/conf/others" S3CRET && chown other "$etc/conf/others"
            secret "$etc/theirs" S3CRET && ln "$etc/theirs" "$etc/conf/second"
            secret "$etc/conf/roots" 'left by root'
            mkdir -p "$etc/conf/directory/deep"
            as_ecuser ln -s /srv/shared "$etc/conf/link"
            fails "$bin/eccfg" status
            cd "$etc/conf"
            test "$(stat -c %U others second roots directory/deep /srv/shared | xargs)" = \
                'other root ecuser ecuser root'"#,
        );
    }

    #[test]
    fn root_is_asked_for_files_that_only_root_may_read() {
        let said = nothing_is_given_away(
            r#"
            secret /srv/password 'a word'
            secret /srv/ca 'no certificate'
            fails "$bin/eccfg" --password-file /srv/password trust --ca-file /srv/ca mgr"#,
        );
        assert!(said.is_empty() || said.contains("/srv/ca: no authority"), "{said}");
    }
}

mod init_script {
    use super::*;

    const PREPARED: &str = r#"
        install -d -o ecuser -g ecuser /var/log/ecelerity
        log=/var/log/ecelerity/ecconfigd.log
        init() {
            sh "$SOURCES/compat/init.d/ecconfigd" "$@"
        }
    "#;

    #[test]
    fn it_serves_as_ecuser_without_a_terminal_and_without_dumps() {
        nothing_is_given_away(&format!(
            r#"{PREPARED}
            echo "EXTRA_ARGS='--log-level 5'
                cut -d ' ' -f 7 /proc/self/stat >>/var/log/ecelerity/terminals" >"$etc/environment"
            script --quiet --return --command "sh '$SOURCES/compat/init.d/ecconfigd' start" /dev/null
            test "$(sort -u /var/log/ecelerity/terminals)" = 0
            pid=$(cat /run/ecconfigd.pid)
            grep -q '^Uid:.977' "/proc/$pid/status"
            grep -q '^Max core file size *0 *0 ' "/proc/$pid/limits"
            init reload
            init restart
            fails test -e "/proc/$pid/exe"
            init status
            init stop
            fails init status"#
        ));
    }

    #[test]
    fn it_reads_neither_environment_nor_log_for_ecuser() {
        let said = nothing_is_given_away(&format!(
            r#"{PREPARED}
            secret /srv/secret "TRY='S3CRET'; EXTRA_ARGS='--S3CRET'"
            as_ecuser ln -s /srv/secret "$etc/environment"
            as_ecuser ln -s /srv/secret "$log"
            fails init start
            fails init wait
            test "$(stat -c %U:%a /srv/secret)" = root:600
            rm "$etc/environment"
            as_ecuser rm "$log"
            echo "TRY='$(printf '\033[2J')'" >"$etc/environment"
            fails init wait"#
        ));
        assert!(said.is_empty() || said.contains("ecuser cannot read it: chmod a+r"), "{said}");
        assert!(!said.contains('\u{1b}'), "{said:?}");
    }

    #[test]
    fn it_ends_no_process_but_those_of_ecuser() {
        nothing_is_given_away(&format!(
            r#"{PREPARED}
            "$sbin/ecconfigd" --root /srv/root --listen 127.0.0.1:2999 2>/dev/null & roots=$!
            until [ "$(readlink "/proc/$roots/exe")" = "$sbin/ecconfigd" ]; do sleep 0.1; done
            for text in "$roots" "$roots 1" ../proc/$roots -1; do
                echo "$text" >/run/ecconfigd.pid
                timeout 2 sh "$SOURCES/compat/init.d/ecconfigd" stop || true
                kill -0 "$roots"
            done
            kill "$roots""#
        ));
    }
}

mod any_umask {
    use super::*;

    /// The server and a node on one machine; what lies there afterwards is printed.
    const MADE: &str = r#"
        find_written() {
            find /var/ecconfigd "$etc" ! -type l -perm "$1" ! -path "$etc"
        }
        "$sbin/ecconfigd" --listen 127.0.0.1:2027 2>/srv/log & server=$!
        until "$sbin/ecconfigd" ping 2>/dev/null; do
            kill -0 $server && sleep 0.1 || { cat /srv/log; exit 1; }
        done
        password() {
            sed -n "s/^$1 //p" /var/ecconfigd/initial-passwords
        }
        password ecuser | "$bin/eccfg" store-password
        password admin >/srv/password
        "$bin/eccfg" --username admin --password-file /srv/password bootstrap
        "$bin/eccfg" pull --auto
        echo changed >>"$etc/conf/default/common.conf"
        "$bin/eccfg" --username admin --password-file /srv/password commit --message Why
        test "$(git -c safe.directory='*' -C "$etc/conf" log --format=%s | head -n 1)" = Why
    "#;

    #[test]
    fn none_of_our_programs_makes_what_others_can_write() {
        nothing_is_given_away(&format!(
            r#"umask 0
            {MADE}
            test -z "$(find_written /002)"
            test -z "$(find "$etc/.eccfg/password" /var/ecconfigd/{{accounts,initial-passwords}} -perm /077)"
            grep -q '^Max core file size *0 *0 ' "/proc/$server/limits""#
        ));
    }

    #[test]
    fn what_a_careful_umask_takes_away_stays_taken_away() {
        nothing_is_given_away(&format!(
            r#"umask 077
            {MADE}
            test -z "$(find "$etc/conf" -perm /077)""#
        ));
    }
}

#[test]
fn no_unit_takes_its_environment_from_ecuser() {
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd");
    for entry in std::fs::read_dir(units).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            let is_ecusers = ["/opt/msys/ecelerity/etc", "/var/ecconfigd", "/var/log"]
                .iter()
                .any(|place| value.contains(place));
            let is_root = key.starts_with("Exec") && value.trim_start_matches('-').starts_with('+');
            let read_by_root = ["EnvironmentFile", "LoadCredential", "WorkingDirectory"];
            assert!(!(read_by_root.contains(&key) && is_ecusers), "{}: {line}", path.display());
            assert!(!is_root, "{}: {line}", path.display());
        }
        if path.extension().is_some_and(|extension| extension == "service") {
            assert!(text.contains("\nLimitCORE=0\n"), "{}", path.display());
        }
    }
}
