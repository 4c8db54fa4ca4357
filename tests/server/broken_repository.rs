//! One repository that cannot be read: the others are served, people are told, and it is served
//! again as soon as it is mended.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use nix::sys::signal::Signal;
use nix::unistd::geteuid;

use crate::fixture::{Options, Raw, Server, authorization, fails, succeeds, tells_no_path};

/// What may have happened to the directory of a repository.
type Damage = fn(&Path);

const DAMAGES: &[(&str, Damage)] = &[
    ("without HEAD", |path| fs::remove_file(path.join("HEAD")).unwrap()),
    ("a directory as HEAD", |path| {
        fs::remove_file(path.join("HEAD")).unwrap();
        fs::create_dir(path.join("HEAD")).unwrap();
    }),
    ("without objects", |path| fs::remove_dir_all(path.join("objects")).unwrap()),
    ("without references", |path| fs::remove_dir_all(path.join("refs")).unwrap()),
    ("a broken configuration", |path| fs::write(path.join("config"), "[[[").unwrap()),
    ("an empty branch", |path| fs::write(path.join("refs/heads/boot"), "").unwrap()),
    ("a branch of nonsense", |path| fs::write(path.join("refs/heads/boot"), "nonsense\n").unwrap()),
    ("a branch at a commit that is missing", |path| {
        fs::write(path.join("refs/heads/boot"), "1".repeat(40)).unwrap();
    }),
    ("an empty directory", |path| {
        fs::remove_dir_all(path).unwrap();
        fs::create_dir(path).unwrap();
    }),
    ("a file", |path| {
        fs::remove_dir_all(path).unwrap();
        fs::write(path, "").unwrap();
    }),
    ("a link to nowhere", |path| {
        fs::remove_dir_all(path).unwrap();
        symlink("/nowhere/at/all", path).unwrap();
    }),
];

#[test]
fn one_that_is_broken_at_the_start_keeps_nobody_else_from_being_served() {
    let mut server = Server::start();
    // A start brings a branch back from there.
    let damages = DAMAGES.iter().filter(|(what, _)| !what.ends_with("commit that is missing"));
    for (what, damage) in damages {
        server.stop();
        let logged = server.log().len();
        let spare = Spare::keep(&server);
        damage(&spare.path);
        server = server.start_again(Options::default());
        assert_broken(&server, what);
        // Whoever asks changes nothing about it.
        assert_eq!(errors(&server.log()[logged..]), 1, "{what}: {}", &server.log()[logged..]);
        spare.mend();
        assert_mended(&server, what);
        assert_eq!(server.log()[logged..].matches("can be read again").count(), 1, "{what}");
    }
    assert_works(&server, "default");
}

#[test]
fn one_that_breaks_under_way_is_told_of_at_the_next_reload() {
    let mut server = Server::start();
    for (what, damage) in DAMAGES {
        let logged = server.log().len();
        let spare = Spare::keep(&server);
        damage(&spare.path);
        reload(&mut server);
        assert_broken(&server, what);
        assert_eq!(errors(&server.log()[logged..]), 1, "{what}: {}", &server.log()[logged..]);
        reload(&mut server);
        assert_eq!(errors(&server.log()[logged..]), 2, "{what}: {}", &server.log()[logged..]);
        spare.mend();
        assert_mended(&server, what);
        reload(&mut server);
        assert_mended(&server, what);
    }
    assert_works(&server, "default");
}

#[test]
fn one_that_breaks_under_way_and_is_mended_works_again_by_itself() {
    let server = Server::start();
    for (what, damage) in DAMAGES {
        let spare = Spare::keep(&server);
        damage(&spare.path);
        // Some of it may still be known. Nothing may be told but what is true.
        for path in ["boot/default/ecelerity.conf", "info/refs?service=git-upload-pack"] {
            let reply = server.curl(&format!("/config/default/{path}")).send();
            let is_true = reply.text().contains("ecelerity.conf: the mail server")
                || reply.text().contains("refs/heads/boot");
            assert!(reply.status == 500 || reply.status == 200 && is_true, "{what}: {reply:?}");
        }
        assert_eq!(server.curl("/config/global/boot/").send().status, 200, "{what}");
        spare.mend();
        assert_mended(&server, what);
    }
    assert_works(&server, "default");
}

/// Opening clears away what a killed server left: two that do so at once would clear away what the
/// other does.
#[test]
fn one_that_is_mended_is_opened_once() {
    let mut server = Server::start();
    let spare = Spare::keep(&server);
    // So many branches that opening takes a while.
    let heads = spare.whole.join("refs/heads");
    for number in 0..3000 {
        fs::copy(heads.join("boot"), heads.join(number.to_string())).unwrap();
    }
    fs::remove_file(spare.path.join("HEAD")).unwrap();
    reload(&mut server);
    let git = server.git();
    let said = fails(git.run(&["clone", &git.url("default"), "x"]));
    assert!(said.contains("remote: subcluster default cannot be read at the moment"), "{said}");
    tells_no_path(&server.root, said.as_bytes());
    assert_works(&server, "global");
    spare.mend();
    let mut clients: Vec<Raw> = (0..32).map(|_| Raw::connect(&server)).collect();
    let authorization = authorization(&server, "admin");
    let request = format!("GET /config/default/boot/ HTTP/1.1\r\nHost: x\r\n{authorization}\r\n");
    clients.iter_mut().for_each(|raw| raw.send(&request));
    for raw in &mut clients {
        assert_eq!(raw.reply().unwrap().status, 200);
    }
    assert_eq!(server.log().matches("can be read again").count(), 1, "{}", server.log());
}

#[test]
fn one_of_subversion_is_told_as_that_and_left_alone() {
    let mut server = Server::start();
    server.stop();
    let repository = server.repository("default");
    fs::remove_dir_all(&repository).unwrap();
    for dir in ["conf", "db", "hooks", "locks"] {
        fs::create_dir_all(repository.join(dir)).unwrap();
    }
    fs::write(repository.join("format"), "5\n").unwrap();
    let mut server = server.start_again(Options::default());
    assert_broken(&server, "Subversion");
    let told = "it is a Subversion repository of the original; the others are served, \
                move this one away and run `systemctl restart ecconfigd`, which makes a new global and default";
    assert!(server.log().contains(told), "{}", server.log());
    assert!(repository.join("format").exists() && !repository.join("objects").exists());
    fs::rename(&repository, server.root.join("away")).unwrap();
    server = server.restart();
    assert_works(&server, "default");
}

#[test]
fn one_that_the_server_may_not_read_is_told_of() {
    if geteuid().is_root() {
        eprintln!("skipped: root may read everything");
        return;
    }
    let mut server = Server::start();
    server.stop();
    let refs = server.repository("default").join("refs");
    let allow = |mode| fs::set_permissions(&refs, fs::Permissions::from_mode(mode)).unwrap();
    allow(0);
    let server = server.start_again(Options::default());
    assert_broken(&server, "without permission");
    assert!(server.log().contains("Permission denied"), "{}", server.log());
    allow(0o755);
    assert_mended(&server, "without permission");
}

/// A repository that is about to be damaged, and what is put in its place afterwards.
struct Spare {
    path: std::path::PathBuf,
    whole: std::path::PathBuf,
}

impl Spare {
    fn keep(server: &Server) -> Self {
        let (path, whole) = (server.repository("default"), server.root.join("whole"));
        let copied = std::process::Command::new("cp").arg("-a").arg(&path).arg(&whole).output();
        succeeds(copied.unwrap());
        Self { path, whole }
    }

    fn mend(self) {
        match self.path.symlink_metadata().unwrap().is_dir() {
            true => fs::remove_dir_all(&self.path).unwrap(),
            false => fs::remove_file(&self.path).unwrap(),
        }
        fs::rename(self.whole, self.path).unwrap();
    }
}

fn reload(server: &mut Server) {
    server.signal(Signal::SIGHUP);
    server.wait_for("READY=1");
}

fn errors(log: &str) -> usize {
    log.lines().filter(|line| line.contains("ERROR")).count()
}

#[track_caller]
fn assert_broken(server: &Server, what: &str) {
    for path in ["", "boot/default/ecelerity.conf", "info/refs?service=git-upload-pack"] {
        let reply = server.curl(&format!("/config/default/{path}")).send();
        let told = "subcluster default cannot be read at the moment";
        assert!(reply.status == 503 && reply.text().contains(told), "{what} {path}: {reply:?}");
    }
    let ready = server.curl_anonymous("/readyz").send();
    assert_eq!((ready.status, ready.text().as_str()), (200, READY_BUT_ONE), "{what}");
    assert_eq!(server.curl("/config/global/boot/").send().status, 200, "{what}");
}

const READY_BUT_ONE: &str = "ok, but 1 repositories cannot be read\n";

#[track_caller]
fn assert_mended(server: &Server, what: &str) {
    for path in ["boot/default/ecelerity.conf", "info/refs?service=git-upload-pack"] {
        let reply = server.curl(&format!("/config/default/{path}")).send();
        assert_eq!(reply.status, 200, "{what}: {reply:?}");
    }
    assert_eq!(server.curl_anonymous("/readyz").send().text(), "ok\n", "{what}");
}

#[track_caller]
fn assert_works(server: &Server, subcluster: &str) {
    let clone = server.git().clone_of(subcluster);
    let commit = clone.push_file("served", clone.rev("HEAD"));
    assert_eq!(server.git().clone_of(subcluster).rev("HEAD"), commit);
}
