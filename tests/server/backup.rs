//! `ecconfigd backup`, `verify` and `restore`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tempfile::TempDir;

use crate::fixture::{
    Options, Random, Server, ecconfigd, fails, run_with_input, setting, succeeds, text,
};

const EX_USAGE: i32 = 64;
const EX_DATAERR: i32 = 65;
const EX_TEMPFAIL: i32 = 75;
const ROUNDS: u64 = 8;
const WRITERS: usize = 3;

fn on(root: &Path, arguments: &[&str]) -> Output {
    ecconfigd().arg("--root").arg(root).args(arguments).output().unwrap()
}

fn backup(server: &Server, name: &str) -> PathBuf {
    let file = server.root.join(name);
    succeeds(on(&server.root, &["backup", file.to_str().unwrap()]));
    file
}

fn verify(what: &Path) -> Output {
    on(Path::new("/nowhere"), &["verify", what.to_str().unwrap()])
}

/// Restores into an empty root.
fn restore(file: &Path, further: &[&str]) -> (TempDir, Output) {
    let dir = tempfile::tempdir().unwrap();
    let words = [&["restore", file.to_str().unwrap()], further].concat();
    let output = on(dir.path(), &words);
    (dir, output)
}

fn fsck(repository: &Path) {
    let mut git = Command::new("git");
    git.arg("--git-dir").arg(repository).args(["fsck", "--full", "--strict", "--no-dangling"]);
    succeeds(git.output().unwrap());
}

fn rev(repository: &Path, name: &str) -> String {
    let mut git = Command::new("git");
    git.arg("--git-dir").arg(repository).args(["rev-parse", name]);
    succeeds(git.output().unwrap()).trim().to_owned()
}

/// Everything that was acknowledged before it began is in it, and whatever it has is whole; also when
/// packs are gathered and `git gc` runs meanwhile.
#[test]
fn a_backup_that_is_made_while_several_push_is_whole_and_new() {
    let server = Server::start();
    let server = &server;
    let ended = AtomicBool::new(false);
    let newest = server.git().clone_of("global");
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let ended = &ended;
            scope.spawn(move || {
                let clone = server.git().clone_of("default");
                let branch = format!("boot:refs/heads/of/{writer}");
                for round in 0.. {
                    if ended.load(Ordering::Relaxed) {
                        break;
                    }
                    clone.write(&format!("{writer}.conf"), format!("{round}\n"));
                    clone.commit("Another");
                    let refs = ["push", "--quiet", "--atomic", "origin", &branch];
                    succeeds(clone.git(&refs));
                    if !clone.git(&["push", "--quiet"]).status.success() {
                        succeeds(clone.git(&["pull", "--quiet", "--rebase"]));
                        clone.git(&["push", "--quiet"]);
                        clone.git(&["push", "--quiet", "--force", "origin", &branch]);
                    }
                }
            });
        }
        for round in 0..setting("ROUNDS").unwrap_or(ROUNDS) {
            let commit = newest.push_file("some.conf", format!("{round}\n"));
            let before = server.revision("default");
            let gc = (round % 4 == 1).then(|| {
                let gc = ["gc", "--quiet"];
                scope.spawn(move || server.git().run_in(&server.repository("default"), &gc))
            });
            let file = backup(server, "backup.tar");
            gc.into_iter().for_each(|gc| drop(gc.join().unwrap()));
            let told = succeeds(verify(&file));
            assert!(told.contains("default  ") && told.contains("global  "), "{told}");
            let (dir, output) = restore(&file, &[]);
            succeeds(output);
            let repositories = dir.path().join("var/ecconfigd/repo");
            fsck(&repositories.join("default"));
            fsck(&repositories.join("global"));
            assert_eq!(rev(&repositories.join("global"), "boot"), commit);
            let count = Command::new("git")
                .arg("--git-dir")
                .arg(repositories.join("default"))
                .args(["rev-list", "--count", "--first-parent", "boot"])
                .output();
            let count: usize = succeeds(count.unwrap()).trim().parse().unwrap();
            assert!(count >= before, "{count} of {before}");
        }
        ended.store(true, Ordering::Relaxed);
    });
}

#[test]
fn what_is_restored_is_served_with_the_same_accounts_and_the_same_key() {
    let mut server = Server::start();
    succeeds(server.ecconfigd(&["passwd", "--role", "reader", "jane"], "secret of jane\n"));
    let clone = server.git().clone_of("default");
    let commit = clone.push_file("default/a.conf", "a\n");
    succeeds(clone.git(&["push", "--quiet", "origin", "boot:topic/one", "boot:running"]));
    succeeds(clone.git(&["tag", "--annotate", "--message", "tagged", "v1"]));
    succeeds(clone.git(&["push", "--quiet", "origin", "v1"]));
    succeeds(clone.git(&["push", "--quiet", "origin", ":topic/one"]));
    let users = succeeds(server.ecconfigd(&["users"], ""));
    let references = server.bare("default", &["for-each-ref"]);
    let key = fs::read(server.state("apache/server.key")).unwrap();
    let file = backup(&server, "backup.tar");
    server.stop();
    fs::rename(server.state(""), server.root.join("var/old")).unwrap();
    let told = succeeds(server.ecconfigd(&["restore", file.to_str().unwrap()], ""));
    assert!(
        told.contains(&format!("default                  revision 2, commit {commit}")),
        "{told}"
    );
    assert_eq!(mode(&server.state("apache/server.key")), 0o600);
    assert_eq!(mode(&server.state("accounts")), 0o600);
    assert_eq!(mode(&server.state("apache")), 0o755);
    assert_eq!(mode(&server.certificate()), 0o644);
    assert_eq!(mode(&server.state("repo")), 0o750);
    let server = server.start_again(Options::default());
    assert!(!server.log().contains("ERROR"), "{}", server.log());
    assert_eq!(fs::read(server.state("apache/server.key")).unwrap(), key);
    assert_eq!(succeeds(server.ecconfigd(&["users"], "")), users);
    assert_eq!(server.bare("default", &["for-each-ref"]), references);
    server.fsck("default");
    let clone = server.git().clone_of("default");
    assert_eq!(clone.rev("HEAD"), commit);
    clone.push_file("default/a.conf", "b\n");
    assert_eq!(server.revision("default"), 3);
    let reflog = server.bare("default", &["reflog", "boot"]);
    assert_eq!(reflog.lines().count(), 3, "{reflog}");
}

#[test]
fn a_backup_is_a_tar_archive_that_only_its_owner_may_read() {
    let server = Server::start();
    let file = backup(&server, "backup.tar");
    assert_eq!(mode(&file), 0o600);
    let dir = tempfile::tempdir().unwrap();
    succeeds(Command::new("tar").arg("-C").arg(dir.path()).arg("-xf").arg(&file).output().unwrap());
    fsck(&dir.path().join("ecconfigd/repo/default"));
    let accounts = fs::read(dir.path().join("ecconfigd/accounts")).unwrap();
    assert_eq!(accounts, fs::read(server.state("accounts")).unwrap());
    assert_eq!(mode(&dir.path().join("ecconfigd/apache/server.key")), 0o600);
    succeeds(verify(dir.path()));
    // An old one is replaced as a whole, and what is no file is not.
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    backup(&server, "backup.tar");
    assert_eq!(mode(&file), 0o600);
    let output = on(&server.root, &["backup", "/dev/null"]);
    assert_eq!(output.status.code(), Some(EX_USAGE), "{}", text(&output));
    let left = fs::read_dir(&server.root).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!left.into_iter().any(|name| name.to_str().unwrap().contains(".new-")));
}

#[test]
fn a_backup_goes_through_pipes() {
    let server = Server::start();
    let output = on(&server.root, &["backup", "-"]);
    succeeds(Command::new("true").output().unwrap());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let dir = tempfile::tempdir().unwrap();
    let with_input = |words: &[&str]| {
        let mut command = Command::new(crate::fixture::BINARY);
        run_with_input(command.arg("--root").arg(dir.path()).args(words), &output.stdout)
    };
    succeeds(with_input(&["verify", "-"]));
    succeeds(with_input(&["restore", "-"]));
    succeeds(verify(&dir.path().join("var/ecconfigd")));
}

/// Whatever happens to a backup is found, and nothing comes of it.
#[test]
fn a_damaged_backup_is_found_and_not_restored() {
    let server = Server::start();
    let file = backup(&server, "backup.tar");
    let whole = fs::read(&file).unwrap();
    let mut random = Random::from(15);
    let mut below = |end: usize| (random.fraction() * end as f64) as usize;
    let damaged = server.root.join("damaged.tar");
    let mut found = 0;
    for _ in 0..40 {
        let mut bytes = whole.clone();
        let at = below(bytes.len() - 1);
        match below(3) {
            0 => bytes[at] ^= 1 << below(8),
            1 => bytes.truncate(at),
            _ => {
                let end = (at + 512).min(bytes.len());
                bytes[at..end].fill(0);
            }
        }
        fs::write(&damaged, &bytes).unwrap();
        let output = verify(&damaged);
        let (dir, restored) = restore(&damaged, &[]);
        assert_eq!(output.status.code(), restored.status.code(), "{}", text(&restored));
        if output.status.success() {
            // What fills the last block up is no part of it.
            continue;
        }
        found += 1;
        assert_eq!(output.status.code(), Some(EX_DATAERR), "{}", text(&output));
        assert_eq!(text(&output).lines().count(), 1, "{}", text(&output));
        assert_nothing(dir.path());
    }
    assert!(found > 20, "{found}");
}

#[test]
fn a_newer_form_is_refused_with_a_sentence() {
    let server = Server::start();
    let file = backup(&server, "backup.tar");
    let mut bytes = fs::read(&file).unwrap();
    let (old, new) = (b"\"format\": 1,", b"\"format\": 7,");
    let at = bytes.windows(old.len()).position(|window| window == old).unwrap();
    bytes[at..at + new.len()].copy_from_slice(new);
    fs::write(&file, &bytes).unwrap();
    for output in [verify(&file), restore(&file, &[]).1] {
        assert_eq!(output.status.code(), Some(EX_DATAERR));
        assert!(text(&output).contains("this backup is of form 7"), "{}", text(&output));
    }
}

/// Entries that a hostile archive may have between the right ones.
#[test]
fn nothing_in_an_archive_is_written_elsewhere() {
    let server = Server::start();
    let file = backup(&server, "backup.tar");
    let dir = tempfile::tempdir().unwrap();
    let outside = dir.path().join("outside");
    fs::write(&outside, "as it was").unwrap();
    let entries: [(&str, tar::EntryType, &str); 8] = [
        ("ecconfigd/../../outside", tar::EntryType::Regular, ""),
        ("/tmp/ecconfigd-outside", tar::EntryType::Regular, ""),
        ("ecconfigd/repo/default/HEAD", tar::EntryType::Regular, ""),
        ("ecconfigd/nodes", tar::EntryType::Symlink, "../../../outside"),
        ("ecconfigd/nodes", tar::EntryType::Link, "ecconfigd/accounts"),
        ("ecconfigd/nodes", tar::EntryType::Fifo, ""),
        ("ecconfigd/repo/default/hooks/update", tar::EntryType::Regular, ""),
        ("ecconfigd/repo/default/objects/info/alternates", tar::EntryType::Regular, ""),
    ];
    for (path, kind, link) in entries {
        let hostile = dir.path().join("hostile.tar");
        write_hostile(&file, &hostile, path, kind, link);
        let output = verify(&hostile);
        assert_eq!(output.status.code(), Some(EX_DATAERR), "{path}: {}", text(&output));
        let (root, output) = restore(&hostile, &[]);
        assert_eq!(output.status.code(), Some(EX_DATAERR), "{path}: {}", text(&output));
        assert_nothing(root.path());
        assert_eq!(fs::read_to_string(&outside).unwrap(), "as it was", "{path}");
    }
    assert!(!Path::new("/tmp/ecconfigd-outside").exists());
}

/// Puts an entry before the list at the end.
fn write_hostile(from: &Path, to: &Path, path: &str, kind: tar::EntryType, link: &str) {
    let mut archive = tar::Archive::new(fs::File::open(from).unwrap());
    let mut builder = tar::Builder::new(fs::File::create(to).unwrap());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header().clone();
        if header.path_bytes().ends_with(b"manifest.json") {
            let mut bad = tar::Header::new_ustar();
            bad.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            bad.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
            bad.set_entry_type(kind);
            bad.set_size(0);
            bad.set_mode(0o644);
            bad.set_cksum();
            builder.append(&bad, std::io::empty()).unwrap();
        }
        builder.append(&header, &mut entry).unwrap();
    }
    builder.finish().unwrap();
}

#[test]
fn something_else_is_no_backup() {
    let server = Server::start();
    let other = server.root.join("other");
    for content in ["", "no archive at all\n"] {
        fs::write(&other, content.repeat(100)).unwrap();
        let output = verify(&other);
        assert_eq!(output.status.code(), Some(EX_DATAERR), "{}", text(&output));
        assert!(text(&output).contains("no backup of ecconfigd"), "{}", text(&output));
    }
    succeeds(
        Command::new("tar")
            .arg("-C")
            .arg(&server.root)
            .arg("-cf")
            .arg(&other)
            .arg("var")
            .output()
            .unwrap(),
    );
    assert!(fails(verify(&other)).contains("no backup of ecconfigd"));
    assert!(fails(verify(Path::new("/nowhere"))).contains("there is no backup /nowhere"));
    let file = backup(&server, "backup.tar");
    succeeds(Command::new("gzip").arg("--keep").arg(&file).output().unwrap());
    let compressed = server.root.join("backup.tar.gz");
    assert!(fails(verify(&compressed)).contains("zcat FILE | ecconfigd restore -"));
}

#[test]
fn nothing_is_restored_over_something_or_under_a_running_server() {
    let mut server = Server::start();
    let file = backup(&server, "backup.tar");
    let words = ["restore", file.to_str().unwrap()];
    let output = on(&server.root, &words);
    assert_eq!(output.status.code(), Some(EX_TEMPFAIL), "{}", text(&output));
    server.stop();
    let output = on(&server.root, &words);
    assert_eq!(output.status.code(), Some(EX_USAGE), "{}", text(&output));
    assert!(text(&output).contains("has something already (accounts, "), "{}", text(&output));
    succeeds(verify(&server.state("")));
}

/// The start does what it has not done any more.
/// The server goes on with those that it has read, so nobody else would notice.
#[test]
fn there_is_no_backup_without_accounts() {
    let server = Server::start();
    let accounts = server.root.join("var/ecconfigd/accounts");
    let file = server.root.join("backup");
    for content in ["admin:king:$argon2id$\n", "# nobody\n"] {
        fs::write(&accounts, content).unwrap();
        let said = fails(on(&server.root, &["backup", file.to_str().unwrap()]));
        assert!(said.contains("there would be no accounts in this backup"), "{said}");
        assert!(!file.exists());
    }
}

#[test]
fn a_link_in_the_place_of_a_directory_is_not_restored_over() {
    let server = Server::start();
    let file = backup(&server, "backup");
    let (root, empty) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let state = root.path().join("var/ecconfigd");
    fs::create_dir_all(&state).unwrap();
    std::os::unix::fs::symlink(empty.path(), state.join("repo")).unwrap();
    let refused = on(root.path(), &["restore", file.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(EX_USAGE));
    assert!(text(&refused).contains("has something already (repo)"), "{refused:?}");
}

#[test]
fn a_restoration_that_was_killed_is_finished_or_forgotten_by_the_next_start() {
    for is_whole in [true, false] {
        let mut server = Server::start();
        let commit = server.git().clone_of("default").push_file("default/a.conf", "a\n");
        let file = backup(&server, "backup.tar");
        server.stop();
        fs::rename(server.state(""), server.root.join("var/old")).unwrap();
        let leftover = match is_whole {
            true => server.state(".restored"),
            false => server.state(".restoring"),
        };
        fs::create_dir_all(&leftover).unwrap();
        let mut tar = Command::new("tar");
        succeeds(tar.arg("-C").arg(&leftover).arg("-xf").arg(&file).output().unwrap());
        if is_whole {
            // Some of it has been moved.
            fs::rename(leftover.join("ecconfigd/accounts"), server.state("accounts")).unwrap();
        }
        let server = server.start_again(Options::default());
        assert!(!leftover.exists());
        match is_whole {
            true => assert_eq!(server.git().clone_of("default").rev("HEAD"), commit),
            false => assert_eq!(server.revision("default"), 1),
        }
    }
}

/// Whatever is wrong with one of them, the others are told of, too.
#[test]
fn verify_finds_what_is_wrong_with_a_directory() {
    let mut server = Server::start();
    server.git().clone_of("default").push_file("default/a.conf", "a\n");
    succeeds(on(&server.root, &["verify"]));
    server.stop();
    server.unpack("default");
    let blob = server.bare("default", &["rev-parse", "boot~1:default/ecelerity.conf"]);
    fs::remove_file(server.object("default", blob.trim())).unwrap();
    let output = on(&server.root, &["verify"]);
    assert_eq!(output.status.code(), Some(EX_DATAERR), "{}", text(&output));
    let told = text(&output);
    assert!(told.contains("subcluster default is not whole: the object"), "{told}");
    assert!(told.contains("global                   revision 1"), "{told}");
    let file = server.root.join("backup.tar");
    let output = on(&server.root, &["backup", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(EX_DATAERR), "{}", text(&output));
    assert!(!file.exists());
}

/// The server's account owns what root restores.
#[test]
fn what_root_restores_belongs_to_the_owner_of_the_directory() {
    if !nix::unistd::geteuid().is_root() {
        return eprintln!("skipped: only root can give files away");
    }
    const OWNER: u32 = 54_321;
    let server = Server::start();
    let file = backup(&server, "backup.tar");
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    let state = dir.path().join("var/ecconfigd");
    fs::create_dir_all(&state).unwrap();
    std::os::unix::fs::chown(&state, Some(OWNER), Some(OWNER)).unwrap();
    succeeds(on(dir.path(), &["restore", file.to_str().unwrap()]));
    let mut todo = vec![state];
    while let Some(path) = todo.pop() {
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (OWNER, OWNER), "{}", path.display());
        if metadata.is_dir() {
            todo.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    // Nor is anything read of what only root may read.
    let accounts = dir.path().join("var/ecconfigd/accounts");
    let secret = dir.path().join("secret");
    fs::write(&secret, "").unwrap();
    fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(&accounts).unwrap();
    std::os::unix::fs::symlink(&secret, &accounts).unwrap();
    let again = server.root.join("again.tar");
    let said = fails(on(dir.path(), &["backup", again.to_str().unwrap()]));
    assert!(said.contains("Permission denied"), "{said}");
    assert!(!again.exists());
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Nothing but the lock is in the directory of a server that was not restored.
#[track_caller]
fn assert_nothing(root: &Path) {
    let entries = fs::read_dir(root.join("var/ecconfigd")).unwrap();
    let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["lock"]);
}
