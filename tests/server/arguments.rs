//! The command line and `EXTRA_ARGS`, and what is said when the server cannot start.

use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::{TempDir, tempdir};

use crate::fixture::{Options, Server, ecconfigd, run_with_input, succeeds};

const EX_USAGE: i32 = 64;
const EX_UNAVAILABLE: i32 = 69;
const EX_CANTCREAT: i32 = 73;
const EX_CONFIG: i32 = 78;

#[test]
fn help_names_every_option_and_command() {
    let help = succeeds(ecconfigd().arg("--help").output().unwrap());
    for word in ["--log-level", "--debug", "--root", "--listen", "passwd", "users", "EXTRA_ARGS"] {
        assert!(help.contains(word), "{word} is missing: {help}");
    }
}

#[test]
fn the_version_is_one_line() {
    let version = succeeds(ecconfigd().arg("--version").output().unwrap());
    assert_eq!(version, concat!("ecconfigd ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn wrong_usage_is_told_in_one_line_that_names_what_is_wrong() {
    for (words, wrong) in [
        ("--log-level 8", "'8'"),
        ("--log-level=-1", "'-1'"),
        ("--log-level warning", "'warning'"),
        ("--log-level", "--log-level"),
        ("--listen localhost", "'localhost'"),
        ("--port 2027", "'--port'"),
        ("start", "'start'"),
        ("passwd", "<NAME>"),
        ("passwd --role king jane", "use administrator, service or reader"),
        ("users --role reader", "'--role'"),
        ("--root=", "--root"),
    ] {
        let said = fails_with(EX_USAGE, ecconfigd().args(words.split(' ')));
        assert!(said.starts_with("ecconfigd: ") && said.contains(wrong), "{words}: {said}");
    }
}

#[test]
fn every_level_from_0_to_7_is_allowed() {
    let root = empty_installation("root");
    for level in "01234567".chars() {
        let arguments = ["--log-level", &level.to_string(), "users"];
        succeeds(ecconfigd().args(arguments).arg("--root").arg(&root.path).output().unwrap());
    }
}

#[test]
fn of_an_option_given_twice_the_last_one_counts() {
    let (first, last) = (empty_installation("root"), empty_installation("root"));
    let mut command = ecconfigd();
    command.args(["passwd", "jane", "--root"]).arg(&first.path).arg("--root").arg(&last.path);
    succeeds(run_with_input(&mut command, "secret\n"));
    assert!(last.has_accounts() && !first.has_accounts());
}

#[test]
fn words_of_extra_args_come_last_and_keep_their_quotes() {
    let (given, extra) = (empty_installation("root"), empty_installation("two  words"));
    let mut command = ecconfigd();
    command.args(["passwd", "jane", "--root"]).arg(&given.path);
    command.env("EXTRA_ARGS", format!("--log-level 3 --root '{}'", extra.path));
    succeeds(run_with_input(&mut command, "secret\n"));
    assert!(extra.has_accounts() && !given.has_accounts());
}

#[test]
fn extra_args_reach_a_server_too() {
    let environment = vec![("EXTRA_ARGS".into(), " --log-level \"3\"  ".into())];
    let server = Server::with(Options { environment, level: Some(5), ..Options::default() });
    assert_eq!(server.log(), "");
}

#[test]
fn extra_args_that_cannot_be_understood_are_not_passed_over() {
    for (extra, wrong) in [("--root '/two words", "quote"), ("--nonsense", "--nonsense")] {
        let said = fails_with(EX_USAGE, ecconfigd().arg("users").env("EXTRA_ARGS", extra));
        assert!(said.contains(wrong), "{said}");
    }
}

#[test]
fn without_a_callers_extra_args_those_of_the_environment_file_count_for_the_server() {
    let level = |file: &str, caller: Option<&str>| {
        let dir = installation_with(file);
        let mut command = serve(dir.path(), "203.0.113.1:1");
        command.envs(caller.map(|extra| ("EXTRA_ARGS", extra)));
        let said = String::from_utf8(command.output().unwrap().stderr).unwrap();
        said.lines().filter(|line| line.contains(" INFO ")).count()
    };
    let file = "ulimit -c 0\nexport EXTRA_ARGS=\"--log-level '5'\" TRY=3\n";
    assert_ne!(level(file, None), 0);
    assert_eq!(level("EXTRA_ARGS=--debug; export EXTRA_ARGS\n", Some("--log-level 4")), 0);
    assert_eq!(level(file, Some("")), 0);
    assert_eq!(level("export TRY=3\n", None), 0);
}

#[test]
fn the_environment_file_is_not_for_commands() {
    let dir = installation_with("export EXTRA_ARGS=--nonsense\n");
    succeeds(ecconfigd().args(["users", "--root"]).arg(dir.path()).output().unwrap());
}

#[test]
fn wrong_words_of_the_environment_file_are_told_with_its_path() {
    for (extra, wrong) in [
        ("--nonsense", "'--nonsense'"),
        ("\"--listen 'x\"", "quote"),
        ("\"--root /elsewhere\"", "--root"),
    ] {
        let dir = installation_with(&format!("export EXTRA_ARGS={extra}\n"));
        let said = fails_with(EX_USAGE, &mut serve(dir.path(), "127.0.0.1:0"));
        let file = environment(dir.path());
        let told = format!("ecconfigd: EXTRA_ARGS in {}: ", file.display());
        assert!(said.starts_with(&told) && said.contains(wrong), "{said}");
    }
}

#[test]
fn an_environment_file_that_cannot_be_used_is_a_warning() {
    let unexpanded: fn(&Path) = |root| write_environment(root, "export EXTRA_ARGS=\"$LEVEL\"\n");
    let unreadable: fn(&Path) = |root| fs::create_dir_all(environment(root)).unwrap();
    for (prepare, wrong) in
        [(unexpanded, "line 1 is left out: only a shell expands"), (unreadable, "Is a directory")]
    {
        let server =
            Server::with(Options { prepare: Some(prepare), level: Some(4), ..Options::default() });
        let (log, file) = (server.log(), environment(&server.root));
        assert!(log.contains(" WARN ") && log.lines().count() == 1, "{log}");
        assert!(log.contains(wrong) && log.contains(file.to_str().unwrap()), "{log}");
    }
}

#[test]
fn a_path_in_extra_args_may_be_any_bytes() {
    let root = empty_installation("root");
    let name = OsStr::from_bytes(b"caf\xe9");
    fs::rename(&root.path, root.dir.path().join(name)).unwrap();
    let mut command = ecconfigd();
    command.args(["passwd", "jane"]).current_dir(root.dir.path());
    command.env("EXTRA_ARGS", OsStr::from_bytes(b"--root caf\xe9"));
    succeeds(run_with_input(&mut command, "secret\n"));
    assert!(root.dir.path().join(name).join("var/ecconfigd/accounts").exists());
}

#[test]
fn a_root_is_taken_from_where_the_program_was_started() {
    let root = empty_installation("root");
    let mut command = ecconfigd();
    command.args(["passwd", "jane", "--root", "root"]).current_dir(root.dir.path());
    succeeds(run_with_input(&mut command, "secret\n"));
    assert!(root.has_accounts());
}

#[test]
fn a_port_in_use_is_told_with_the_way_to_find_who_uses_it() {
    let (dir, other) = (tempdir().unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = other.local_addr().unwrap().to_string();
    let said = fails_with(EX_UNAVAILABLE, &mut serve(dir.path(), &address));
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
    assert!(said.contains("ss -ltnp") && said.contains("--listen"), "{said}");
}

#[test]
fn an_address_of_another_machine_is_told_as_that() {
    let dir = tempdir().unwrap();
    let said = fails_with(EX_UNAVAILABLE, &mut serve(dir.path(), "203.0.113.1:2027"));
    assert!(said.contains("cannot listen on 203.0.113.1:2027"), "{said}");
    assert!(said.contains("this machine has no such address"), "{said}");
}

#[test]
fn a_key_that_cannot_be_read_is_told_by_its_path() {
    let dir = tempdir().unwrap();
    let key = dir.path().join("var/ecconfigd/apache/server.key");
    fs::create_dir_all(&key).unwrap();
    fs::write(key.with_extension("crt"), certificate()).unwrap();
    let said = fails_with(EX_CONFIG, &mut serve(dir.path(), "127.0.0.1:0"));
    assert!(said.contains(&format!("{} cannot be read", key.display())), "{said}");
}

#[test]
fn a_bad_line_of_the_accounts_is_told_by_its_number() {
    let dir = tempdir().unwrap();
    let accounts = dir.path().join("var/ecconfigd/accounts");
    fs::create_dir_all(accounts.parent().unwrap()).unwrap();
    fs::write(&accounts, "# Fine\n\nadmin:king:$argon2id$\n").unwrap();
    let said = fails_with(EX_CONFIG, &mut serve(dir.path(), "127.0.0.1:0"));
    assert!(said.contains(&format!("{} line 3", accounts.display())), "{said}");
    assert!(said.contains("NAME:ROLE:HASH"), "{said}");
}

#[test]
fn a_root_that_cannot_be_made_is_told_with_what_to_do() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let said = fails_with(EX_CANTCREAT, &mut serve(&file.join("root"), "127.0.0.1:0"));
    assert!(said.contains("cannot make the directory") && said.contains("--root"), "{said}");
    assert!(said.contains(file.to_str().unwrap()), "{said}");
}

#[test]
fn what_cannot_be_read_is_wrong_configuration_and_what_cannot_be_written_cannot_be_made() {
    for (code, in_the_way, told) in [
        (EX_CONFIG, "accounts/x", "cannot read {}/accounts: Is a directory"),
        (EX_CONFIG, "apache/server.key/x", "{}/apache/server.key cannot be read"),
        (EX_CANTCREAT, "accounts.new/x", "cannot write {}/accounts: Is a directory"),
        (EX_CANTCREAT, "accounts.lock/x", "cannot lock {}/accounts.lock: Is a directory"),
        (EX_CANTCREAT, "apache/server.key.new/x", "{}/apache/server.key cannot be written"),
        (EX_CANTCREAT, "lock/x", "cannot write {}/lock: Is a directory"),
        (EX_CANTCREAT, "initial-passwords.new/x", "cannot write {}/initial-passwords: "),
        (EX_CANTCREAT, "tmp/x/x", "cannot empty {}/tmp: Is a directory"),
    ] {
        let dir = tempdir().unwrap();
        let state = dir.path().join("var/ecconfigd");
        fs::create_dir_all(state.join(in_the_way)).unwrap();
        let said = fails_with(code, &mut serve(dir.path(), "127.0.0.1:0"));
        assert!(said.contains(&told.replace("{}", state.to_str().unwrap())), "{told}: {said}");
    }
}

#[test]
fn a_directory_of_repositories_that_is_none_is_told_by_its_path() {
    let dir = tempdir().unwrap();
    let repositories = dir.path().join("var/ecconfigd/repo");
    fs::create_dir_all(repositories.parent().unwrap()).unwrap();
    fs::write(&repositories, "").unwrap();
    let said = fails_with(EX_CONFIG, &mut serve(dir.path(), "127.0.0.1:0"));
    let told = format!("the repositories in {} cannot be used", repositories.display());
    assert!(said.contains(&told), "{said}");
}

#[test]
fn commands_on_a_root_that_is_not_there_make_nothing() {
    let dir = tempdir().unwrap();
    let root = dir.path().join("root");
    let said = fails_with(EX_CONFIG, ecconfigd().args(["passwd", "jane", "--root"]).arg(&root));
    assert!(said.contains("there is no directory"), "{said}");
    succeeds(ecconfigd().args(["users", "--root"]).arg(&root).output().unwrap());
    assert!(!root.exists());
}

/// A root that has the file `environment`, with this content.
fn installation_with(content: &str) -> TempDir {
    let dir = tempdir().unwrap();
    write_environment(dir.path(), content);
    dir
}

fn write_environment(root: &Path, content: &str) {
    let file = environment(root);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, content).unwrap();
}

fn environment(root: &Path) -> PathBuf {
    root.join("opt/msys/ecelerity/etc/environment")
}

/// A server that is to fail.
fn serve(root: &Path, address: &str) -> Command {
    let mut command = ecconfigd();
    command.args(["--listen", address, "--root"]).arg(root);
    command
}

/// The one line that the command says when it fails.
#[track_caller]
fn fails_with(code: i32, command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    assert!(said.ends_with('\n') && said.lines().count() == 1, "{said}");
    said
}

fn certificate() -> String {
    rcgen::generate_simple_self_signed(["mgr".to_owned()]).unwrap().cert.pem()
}

/// What `passwd` needs to be there.
struct Installation {
    dir: TempDir,
    path: String,
}

fn empty_installation(name: &str) -> Installation {
    let dir = tempdir().unwrap();
    let root = dir.path().join(name);
    fs::create_dir_all(root.join("var/ecconfigd")).unwrap();
    Installation { path: root.to_str().unwrap().to_owned(), dir }
}

impl Installation {
    fn has_accounts(&self) -> bool {
        Path::new(&self.path).join("var/ecconfigd/accounts").exists()
    }
}
