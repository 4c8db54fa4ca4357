//! What a start finds missing it makes, and only that, whatever is going on around it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, read_to_string};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fixture::{
    BINARY, Options, Server, ecconfigd, eventually, fails, private_mounts, succeeds,
};

const STATE: [&str; 7] =
    ["accounts", "accounts.lock", "apache", "initial-passwords", "lock", "repo", "tmp"];

#[test]
fn modes_are_the_same_under_any_umask() {
    for umask in ["000", "022", "027", "077"] {
        let server = Server::with(behind(&format!("umask {umask}")));
        server.git().clone_of("default").push_file("default/a.conf", "a\n");
        for (path, mode) in [
            ("", 0o755),
            ("apache", 0o755),
            ("apache/server.crt", 0o644),
            ("apache/server.key", 0o600),
            ("accounts", 0o600),
            ("initial-passwords", 0o600),
            ("lock", 0o640),
            ("repo", 0o750),
            ("repo/default", 0o750),
            ("repo/default/HEAD", 0o640),
            ("repo/global/refs/heads/boot", 0o640),
            ("repo/default/refs/heads/boot", 0o640),
            ("tmp", 0o700),
        ] {
            assert_eq!(mode_of(&server.state(path)), mode, "umask {umask}: {path}");
        }
        for (path, file) in snapshot(&server.state("repo")) {
            assert_eq!(file.mode & 0o007, 0, "umask {umask}: {}", path.display());
        }
    }
}

#[test]
fn the_first_passwords_are_one_to_a_line_and_work() {
    let server = Server::start();
    let text = fs::read_to_string(server.state("initial-passwords")).unwrap();
    let lines: Vec<(&str, &str)> = text.lines().map(|line| line.split_once(' ').unwrap()).collect();
    let [("admin", admin), ("ecuser", service)] = lines[..] else { panic!("{text}") };
    assert!(admin.len() >= 20 && service.len() >= 20 && admin != service, "{text}");
    for account in ["admin", "ecuser"] {
        assert_eq!(server.curl_as(account, "/config/").send().status, 200);
    }
}

#[test]
fn the_templates_are_there_and_valid() {
    let server = Server::start();
    for (subcluster, directory, files) in [
        ("global", "", &["msgc_server.conf"][..]),
        (
            "default",
            "default",
            &["common.conf", "eccluster.conf", "ecelerity-cluster.conf", "ecelerity.conf"],
        ),
    ] {
        let clone = server.git().clone_of(subcluster);
        let listed = succeeds(clone.git(&["ls-tree", "-r", "--name-only", "HEAD"]));
        let paths: Vec<String> = files
            .iter()
            .map(|file| format!("{directory}/{file}").trim_matches('/').into())
            .collect();
        assert_eq!(listed.lines().collect::<Vec<_>>(), paths);
        for path in paths {
            let content = fs::read(clone.path.join(&path)).unwrap();
            let parsed = ecconfigd::momentum::config::parse_bytes(&content);
            assert!(!parsed.unwrap_or_else(|e| panic!("{path}: {e}")).statements.is_empty());
        }
    }
}

#[test]
fn a_second_start_changes_nothing() {
    let mut server = Server::start();
    assert!(server.stop().success());
    let before = snapshot(&server.root);
    let server = server.start_again(Options::default());
    assert_eq!(changed(&before, &snapshot(&server.root)), Vec::<PathBuf>::new());
}

#[test]
fn what_is_missing_is_made_again_and_only_that() {
    let mut server = Server::start();
    let passwords = fs::read(server.state("initial-passwords")).unwrap();
    for missing in ["apache/server.crt", "repo/global", "repo/default", "accounts", "tmp"] {
        assert!(server.stop().success());
        let before = snapshot(&server.root);
        let path = server.state(missing);
        fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path)).unwrap();
        server = server.start_again(Options::default());
        assert!(path.exists(), "{missing}");
        for changed in changed(&before, &snapshot(&server.root)) {
            let is_it = changed.starts_with(&path) || path.parent() == Some(&changed);
            // Its lock has been used, and that is all.
            let is_lock = missing == "accounts" && changed.ends_with("accounts.lock");
            assert!(is_it || is_lock, "{missing}: {}", changed.display());
        }
        assert_eq!(fs::read(server.state("initial-passwords")).unwrap(), passwords);
        assert_is_complete(&server);
    }
}

#[test]
fn passwords_that_have_been_taken_note_of_are_not_written_again() {
    let mut server = Server::start();
    fs::remove_file(server.state("initial-passwords")).unwrap();
    assert!(server.stop().success());
    let server = server.start_again(Options::default());
    assert!(!server.state("initial-passwords").exists());
}

#[test]
fn two_starts_at_once_make_one_server_and_one_that_says_so() {
    for _ in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        race(dir.path());
        race(dir.path());
        let accounts = fs::read_to_string(dir.path().join("var/ecconfigd/accounts")).unwrap();
        assert_eq!(accounts.matches("$argon2id$").count(), 2, "{accounts}");
    }
}

#[test]
fn a_start_beside_a_running_server_says_who_has_it_and_changes_nothing() {
    let server = Server::start();
    let before = snapshot(&server.root);
    let mut second = start(&server.root);
    assert_eq!(second.0.wait().unwrap().code(), Some(75));
    assert!(second.said().contains(&format!("(process {})", server.pid())));
    assert_eq!(changed(&before, &snapshot(&server.root)), Vec::<PathBuf>::new());
    assert_eq!(server.curl("/config/").send().status, 200);
}

#[test]
fn a_first_start_that_was_killed_is_made_good_by_the_next() {
    for _ in 0..10 {
        let prepare: Option<fn(&Path)> = Some(start_and_kill);
        let server = Server::with(Options { prepare, ..Options::default() });
        assert_is_complete(&server);
    }
}

#[test]
fn what_a_killed_start_left_half_made_is_cleared_away() {
    fn leave_things(root: &Path) {
        let state = root.join("var/ecconfigd");
        for dir in ["apache", "repo/.new-abc/objects", "tmp"] {
            fs::create_dir_all(state.join(dir)).unwrap();
        }
        for file in [
            "accounts.new",
            "initial-passwords.new",
            "apache/server.key.new",
            "apache/server.crt.new",
            "tmp/upload",
        ] {
            fs::write(state.join(file), "half").unwrap();
        }
    }
    let prepare: Option<fn(&Path)> = Some(leave_things);
    assert_is_complete(&Server::with(Options { prepare, ..Options::default() }));
}

#[test]
fn passwords_that_systemd_hands_over_are_used_and_not_written_down() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("admin-password"), "from systemd\n").unwrap();
    let server = Server::with(credentials(dir.path()));
    let text = fs::read_to_string(server.state("initial-passwords")).unwrap();
    assert!(text.starts_with("ecuser ") && text.lines().count() == 1, "{text}");
    let reply = server.curl_anonymous("/config/").args(["--user", "admin:from systemd"]).send();
    assert_eq!(reply.status, 200);

    fs::write(dir.path().join("ecuser-password"), "secret").unwrap();
    let server = Server::with(credentials(dir.path()));
    assert!(!server.state("initial-passwords").exists());
    let reply = server.curl_anonymous("/config/").args(["--user", "ecuser:secret"]).send();
    assert_eq!(reply.status, 200);
}

#[test]
fn passwords_that_systemd_hands_over_do_not_replace_those_in_use() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("admin-password"), "from systemd").unwrap();
    let mut server = Server::start();
    assert!(server.stop().success());
    let server = server.start_again(credentials(dir.path()));
    assert_eq!(server.curl("/config/").send().status, 200);
}

#[test]
fn a_credential_that_is_no_password_is_refused_by_its_path() {
    let dir = tempfile::tempdir().unwrap();
    let credential = dir.path().join("admin-password");
    for content in [b"".to_vec(), b"two\nlines".to_vec(), vec![0xff; 8], vec![b'x'; 5000]] {
        fs::write(&credential, &content).unwrap();
        let root = dir.path().join("root");
        let mut command = ecconfigd();
        command.args(["--listen", "127.0.0.1:0", "--root"]).arg(root);
        let output = command.env("CREDENTIALS_DIRECTORY", dir.path()).output().unwrap();
        let said = fails(output);
        assert!(said.contains(credential.to_str().unwrap()), "{} bytes: {said}", content.len());
    }
}

#[test]
fn nothing_is_left_in_home_or_where_temporary_files_or_the_program_are() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().display();
    let server = Server::with(behind(&format!("cd {path}; export HOME={path} TMPDIR={path}")));
    let clone = server.git().clone_of("default");
    clone.push_file("default/large", vec![b'x'; 2 << 20]);
    server.git().clone_of("default");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn all_but_the_root_may_be_read_only() {
    const READ_ONLY: &str = "for word; do [ \"$last\" = --root ] && root=$word; last=$word; done; \
         mkdir -p \"$root\" && mount --bind \"$root\" \"$root\" && \
         mount -o remount,bind,ro \"$(stat -c %m \"$root/..\")\" && \
         mount -o remount,bind,ro / && ! touch \"$root/../probe\" && ! touch /var/probe";
    let Some(mut wrapper) = private_mounts().filter(|_| nix::unistd::geteuid().is_root()) else {
        return;
    };
    wrapper.extend(behind(READ_ONLY).wrapper);
    let server = Server::with(Options { wrapper, ..Options::default() });
    server.git().clone_of("default").push_file("default/large", vec![b'x'; 2 << 20]);
    assert_is_complete(&server);
}

/// A server started by a shell that has done something before.
fn behind(script: &str) -> Options {
    let script = format!("{script} && exec \"$@\"");
    Options {
        wrapper: ["sh", "-c", &script, "sh"].map(String::from).to_vec(),
        ..Options::default()
    }
}

fn credentials(dir: &Path) -> Options {
    let environment = vec![("CREDENTIALS_DIRECTORY".into(), dir.to_str().unwrap().into())];
    Options { environment, ..Options::default() }
}

/// All is there, works, and nothing else is there.
#[track_caller]
fn assert_is_complete(server: &Server) {
    assert_eq!(names(&server.state("")), STATE);
    assert_eq!(names(&server.state("apache")), ["server.crt", "server.key"]);
    assert_eq!(names(&server.state("repo")), ["default", "global"]);
    assert_eq!(names(&server.state("tmp")), Vec::<String>::new());
    for path in ["", "apache"] {
        assert_eq!(mode_of(&server.state(path)), 0o755, "{path}");
    }
    for (account, subcluster) in [("admin", "default"), ("ecuser", "global")] {
        let path = format!("/config/{subcluster}/boot/");
        let reply = server.curl_as(account, &path).send();
        assert_eq!(reply.status, 200, "{account}: {reply:?}");
        server.fsck(subcluster);
    }
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

/// Two starts at once.
#[track_caller]
fn race(root: &Path) {
    let mut both = [start(root), start(root)];
    eventually("one of two starts ends", || both.iter_mut().any(Start::has_ended));
    if both[0].has_ended() {
        both.reverse();
    }
    let [winner, loser] = &mut both;
    winner.wait_until_it_serves();
    let said = loser.said();
    assert_eq!(loser.0.wait().unwrap().code(), Some(75), "{said}");
    let holder = winner.0.id();
    let who = format!("another ecconfigd (process {holder}) serves {}", root.display());
    assert!(said.contains(&who), "{said}");
    kill(Pid::from_raw(holder as i32), Signal::SIGTERM).unwrap();
    assert!(winner.0.wait().unwrap().success());
}

/// A start that nobody waits for.
struct Start(Child);

fn start(root: &Path) -> Start {
    let mut command = Command::new(BINARY);
    command.args(["--listen", "127.0.0.1:0", "--log-level", "5", "--root"]).arg(root);
    Start(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
}

impl Start {
    fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    fn said(&mut self) -> String {
        read_to_string(self.0.stderr.take().unwrap()).unwrap()
    }

    fn wait_until_it_serves(&mut self) {
        let mut lines = BufReader::new(self.0.stderr.as_mut().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains(" started: ")));
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Kills a start at a moment that cannot be foreseen, two times.
fn start_and_kill(root: &Path) {
    for _ in 0..2 {
        let mut random = [0; 1];
        getrandom::fill(&mut random).unwrap();
        let _killed_when_dropped = start(root);
        sleep(Duration::from_millis(u64::from(random[0] % 160)));
    }
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// What tells whether a file or directory has been touched.
#[derive(PartialEq, Eq)]
struct Facts {
    mode: u32,
    inode: u64,
    modified: (i64, i64),
    content: Vec<u8>,
}

/// All below a directory, but for the lock of the one server.
fn snapshot(dir: &Path) -> BTreeMap<PathBuf, Facts> {
    let mut found = BTreeMap::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let (path, metadata) = (entry.path(), entry.metadata().unwrap());
            if metadata.is_dir() {
                dirs.push(path.clone());
            }
            let content = fs::read(&path).unwrap_or_default();
            let modified = (metadata.mtime(), metadata.mtime_nsec());
            let facts = Facts { mode: metadata.mode(), inode: metadata.ino(), modified, content };
            found.insert(path, facts);
        }
    }
    found.retain(|path, _| !path.ends_with("ecconfigd/lock"));
    found
}

/// What differs between two moments.
fn changed(before: &BTreeMap<PathBuf, Facts>, after: &BTreeMap<PathBuf, Facts>) -> Vec<PathBuf> {
    let paths = before.keys().chain(after.keys());
    let mut changed: Vec<PathBuf> =
        paths.filter(|path| before.get(*path) != after.get(*path)).cloned().collect();
    changed.sort();
    changed.dedup();
    changed
}

#[test]
fn nobodys_gitconfig_has_a_say() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join(".gitconfig"), "this is no configuration").unwrap();
    let environment = vec![("HOME".into(), home.path().to_str().unwrap().into())];
    let server = Server::with(Options { environment, ..Options::default() });
    server.git().clone_of("default").push_file("default/a.conf", "a\n");
}
