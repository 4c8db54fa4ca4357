//! Updates that change one file: it alone is exchanged, and whatever is not so simple goes with the
//! whole tree.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use crate::fixture::{Clone, Server, succeeds, text};
use crate::machine::Machine;
use crate::moments::{ATTEMPTS, Moment, Stopped};

const LINES: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
const PATH: &str = "default/one.conf";
const NOTE: &str = "user.note";

#[test]
fn the_file_takes_its_place_in_the_tree_that_is_there() {
    let site = Site::new();
    let before = site.trees();
    site.upstream.push_file(PATH, "new\n");
    let here = site.machine.conf.join("default");
    let output = site.machine.eccfg(&["pull"]).current_dir(&here).output().unwrap();
    let said = text(&output);
    assert!(said.contains(&format!("U    {PATH}\nOK: default at revision 3")), "{said}");
    assert!(!said.contains("invalidated"), "{said}");
    assert_eq!(site.machine.read(PATH), "new\n");
    assert_eq!(site.trees(), before);
    assert_eq!(site.machine.reloads(), 1);
    site.machine.assert_clean();
}

#[test]
fn one_of_global_does_too() {
    let site = Site::new();
    let upstream = site.server.git().clone_of("global");
    upstream.push_file("all.conf", "old\n");
    site.machine.ok("pull");
    let before = site.trees();
    upstream.push_file("all.conf", "new\n");
    site.machine.ok("pull");
    assert_eq!(site.machine.read("global/all.conf"), "new\n");
    assert_eq!(site.trees(), before);
    site.machine.assert_clean();
}

#[test]
fn revisions_that_come_to_one_changed_file_are_one_update() {
    let site = Site::new();
    let before = site.trees();
    site.upstream.push_file("default/passing.conf", "passing\n");
    succeeds(site.upstream.git(&["rm", "--quiet", "default/passing.conf"]));
    site.upstream.push_file(PATH, "new\n");
    site.machine.ok("pull");
    assert_eq!(site.machine.read(PATH), "new\n");
    assert_eq!(site.trees(), before);
    site.machine.assert_clean();
}

#[test]
fn it_keeps_its_permissions_and_attributes_and_becomes_executable() {
    let site = Site::new();
    let file = site.machine.conf.join(PATH);
    site.machine.chmod(PATH, 0o640);
    let has_attributes = xattr::set(&file, NOTE, b"asked for by the auditors").is_ok();
    let before = site.trees();
    fs::set_permissions(site.upstream.path.join(PATH), Permissions::from_mode(0o755)).unwrap();
    site.upstream.push_file(PATH, "new\n");
    site.machine.ok("pull");
    assert_eq!(site.machine.mode(PATH), 0o750);
    if has_attributes {
        let note = xattr::get(&file, NOTE).unwrap();
        assert_eq!(note.as_deref(), Some(&b"asked for by the auditors"[..]));
    }
    fs::set_permissions(site.upstream.path.join(PATH), Permissions::from_mode(0o644)).unwrap();
    site.upstream.push_file(PATH, "new\n");
    site.machine.ok("pull");
    assert_eq!((site.machine.read(PATH).as_str(), site.machine.mode(PATH)), ("new\n", 0o640));
    assert_eq!(site.trees(), before);
    site.machine.assert_clean();
}

#[test]
fn other_local_changes_stay_what_they_are() {
    let site = Site::new();
    let machine = &site.machine;
    machine.write("default/edited", "edited\n");
    machine.write("default/unknown", "unknown\n");
    machine.write("default/added", "added\n");
    machine.git(".", &["add", "default/added"]);
    machine.remove("default/missing");
    machine.ok("delete default/deleted");
    machine.remove("default/linked");
    symlink("edited", machine.conf.join("default/linked")).unwrap();
    fs::create_dir(machine.conf.join("default/empty")).unwrap();
    let (before, status) = (site.trees(), machine.ok("status"));
    assert_eq!(status.lines().count(), 6, "{status}");
    site.upstream.push_file(PATH, "new\n");
    machine.ok("pull");
    assert_eq!(machine.read(PATH), "new\n");
    assert_eq!(site.trees(), before);
    assert_eq!(machine.ok("status"), status);
    assert!(machine.conf.join("default/empty").is_dir());
    machine.ok("commit --add-all --delete-all -m Mine");
    machine.assert_clean();
}

#[test]
fn a_local_edit_of_the_file_is_merged() {
    let site = Site::new();
    let before = site.trees();
    site.machine.write(PATH, LINES.replace('1', "one"));
    site.upstream.push_file(PATH, LINES.replace('9', "nine"));
    assert!(site.machine.ok("pull").contains(&format!("G    {PATH}\n")));
    assert_eq!(site.machine.read(PATH), LINES.replace('1', "one").replace('9', "nine"));
    assert_ne!(site.trees(), before);
}

#[test]
fn a_local_edit_that_overlaps_is_refused_or_settled_as_asked() {
    for (option, expected) in [("--mine", "mine\n"), ("--theirs", "theirs\n")] {
        let site = Site::new();
        site.machine.write(PATH, "mine\n");
        site.upstream.push_file(PATH, "theirs\n");
        let said = site.machine.fails(1, "pull");
        assert!(said.contains(&format!("C    {PATH}  (changed here and upstream)\n")), "{said}");
        assert_eq!(site.machine.read(PATH), "mine\n");
        site.machine.ok(&format!("pull {option}"));
        assert_eq!(site.machine.read(PATH), expected);
        site.machine.assert_tidy();
    }
    let site = Site::new();
    site.machine.write(PATH, "mine\n");
    site.upstream.push_file(PATH, "theirs\n");
    site.machine.fails(1, "pull --manual");
    assert!(site.machine.read(PATH).starts_with("<<<<<<< "), "{}", site.machine.read(PATH));
    assert_eq!(site.machine.ok("status"), format!("C    {PATH}\n"));
}

#[test]
fn a_file_that_is_no_such_file_here_is_a_conflict() {
    let spoilers: [(&str, Spoil); 4] = [
        ("deleted", |machine| machine.remove(PATH)),
        ("scheduled for deletion", |machine| _ = machine.ok(&format!("delete {PATH}"))),
        ("a link", |machine| {
            machine.remove(PATH);
            symlink("common.conf", machine.conf.join(PATH)).unwrap();
        }),
        ("a directory", |machine| {
            machine.remove(PATH);
            machine.write(&format!("{PATH}/inside"), "mine\n");
        }),
    ];
    for (what, spoil) in spoilers {
        let site = Site::new();
        spoil(&site.machine);
        let (before, files) = (site.trees(), site.machine.files());
        site.upstream.push_file(PATH, "theirs\n");
        let said = site.machine.fails(1, "pull");
        assert!(said.contains(&format!("C    {PATH}")), "{what}: {said}");
        assert_eq!((site.trees(), site.machine.files()), (before, files), "{what}");
        site.machine.assert_tidy();
    }
}

#[test]
fn nothing_is_changed_behind_a_link_in_the_place_of_its_directory() {
    let site = Site::new();
    let outside = site.machine.root.join("outside");
    fs::rename(site.machine.conf.join("default"), &outside).unwrap();
    symlink(&outside, site.machine.conf.join("default")).unwrap();
    site.upstream.push_file(PATH, "theirs\n");
    site.machine.run("pull");
    assert_eq!(fs::read_to_string(outside.join("one.conf")).unwrap(), LINES);
    site.machine.assert_tidy();
}

#[test]
fn a_late_edit_is_merged() {
    let (site, stopped) = Site::stopped(LINES.replace('9', "nine"));
    site.replace(PATH, LINES.replace('1', "one"));
    let said = text(&stopped.go_on());
    assert!(!said.contains(".mine"), "{said}");
    assert_eq!(site.machine.read(PATH), LINES.replace('1', "one").replace('9', "nine"), "{said}");
    site.machine.assert_tidy();
}

#[test]
fn a_late_edit_that_overlaps_is_put_aside_with_a_word() {
    let (site, stopped) = Site::stopped("theirs\n");
    site.machine.write(PATH, "mine\n");
    let said = text(&stopped.go_on());
    assert!(said.contains(&format!("{PATH}.mine")), "{said}");
    assert_eq!(site.machine.read(PATH), "theirs\n");
    assert_eq!(site.machine.read(&format!("{PATH}.mine")), "mine\n");
    site.machine.assert_tidy();
}

#[test]
fn a_late_directory_in_its_place_is_put_aside() {
    let (site, stopped) = Site::stopped("theirs\n");
    site.machine.remove(PATH);
    site.machine.write(&format!("{PATH}/inside"), "mine\n");
    let said = text(&stopped.go_on());
    assert_eq!(site.machine.read(PATH), "theirs\n", "{said}");
    assert_eq!(site.machine.read(&format!("{PATH}.mine/inside")), "mine\n", "{said}");
    site.machine.assert_tidy();
}

#[test]
fn a_late_link_in_the_place_of_its_directory_is_not_followed() {
    let (site, stopped) = Site::stopped("theirs\n");
    let outside = site.machine.root.join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("one.conf"), "outside\n").unwrap();
    fs::rename(site.machine.conf.join("default"), site.machine.conf.join("moved")).unwrap();
    symlink(&outside, site.machine.conf.join("default")).unwrap();
    stopped.go_on();
    assert_eq!(fs::read_to_string(outside.join("one.conf")).unwrap(), "outside\n");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}

#[test]
fn an_update_killed_at_each_of_its_steps_is_ended_by_the_next_command() {
    let site = Site::new();
    for moment in Moment::ALL {
        for next in ["pull", "commit --add-all -m Mine", "revert default/edited"] {
            let what = format!("{moment:?}, {next}");
            site.machine.ok("pull");
            drop(site.stopped_at(moment, |number| format!("{what} {number}\n")));
            let before = site.trees();
            site.machine.write("default/edited", format!("{what}\n"));
            let output = site.machine.run(next);
            assert!(output.status.success(), "{what}: {}", text(&output));
            site.machine.assert_tidy();
            assert_eq!(site.trees(), before, "{what}");
            let output = site.machine.run("pull");
            assert!(output.status.success(), "{what}: {}", text(&output));
            succeeds(site.upstream.git(&["pull", "--quiet", "--rebase"]));
            assert_eq!(site.machine.read(PATH), site.upstream.read(PATH), "{what}");
            site.machine.run("revert default/edited");
            site.machine.assert_clean();
        }
    }
}

#[test]
fn an_edit_of_what_was_replaced_survives_a_kill() {
    let site = Site::new();
    let upstream = |number| LINES.replace('9', &format!("nine {number}"));
    drop(site.stopped_at(Moment::HasExchanged, upstream));
    let new = site.machine.read(PATH);
    assert!(new.contains("nine"), "{new}");
    // Whoever had the file open.
    let edited = |content: &str| content.replacen('1', "one", 1);
    let replaced = site.machine.etc(".conf.new").join(PATH);
    fs::write(&replaced, edited(&fs::read_to_string(&replaced).unwrap())).unwrap();
    let output = site.machine.run("pull");
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(site.machine.read(PATH), edited(&new), "{}", text(&output));
    assert_eq!(site.machine.ok("status"), format!("M    {PATH}\n"));
    site.machine.assert_tidy();
}

#[test]
fn whoever_reads_meanwhile_sees_one_revision_or_the_other() {
    let site = Site::new();
    let (ends, file) = (AtomicBool::new(false), site.machine.conf.join(PATH));
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !ends.load(Relaxed) {
                let content = fs::read_to_string(&file).expect("it is always there");
                let first = content.lines().next().expect("it is never empty");
                assert!(content == LINES || content == whole(first), "{content}");
            }
        });
        for number in 0..10 {
            site.upstream.push_file(PATH, whole(&format!("revision {number}")));
            site.machine.ok("pull");
        }
        ends.store(true, Relaxed);
        reader.join().unwrap();
    });
}

type Spoil = fn(&Machine);

/// More than is written at once.
fn whole(line: &str) -> String {
    format!("{line}\n").repeat(10_000)
}

/// A machine, and somebody who changes a file.
struct Site {
    machine: Machine,
    upstream: Clone,
    server: Server,
}

impl Site {
    fn new() -> Self {
        let server = Server::start();
        let upstream = server.git().clone_of("default");
        for name in ["edited", "missing", "deleted", "linked"] {
            upstream.write(&format!("default/{name}"), "base\n");
        }
        upstream.push_file(PATH, LINES);
        Self { machine: Machine::of(&server), upstream, server }
    }

    /// Which directories stand there.
    fn trees(&self) -> [u64; 2] {
        let number = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.ino());
        [number(&self.machine.conf), number(&self.machine.conf.join("default"))]
    }

    /// With a pull that stands still, after it has looked at the file and before the exchange.
    #[track_caller]
    fn stopped(content: impl AsRef<[u8]>) -> (Self, Stopped) {
        for _ in 0..ATTEMPTS {
            let site = Self::new();
            site.upstream.push_file(PATH, &content);
            let pull = Stopped::at(&site.machine, &["pull"], Moment::IsAboutToExchange);
            if let Some(pull) = pull {
                return (site, pull);
            }
        }
        panic!("no pull could be stopped in time");
    }

    /// Publishes and pulls until a pull could be stopped then.
    #[track_caller]
    fn stopped_at(&self, moment: Moment, content: impl Fn(usize) -> String) -> Stopped {
        for number in 0..ATTEMPTS {
            succeeds(self.upstream.git(&["pull", "--quiet", "--rebase"]));
            self.upstream.push_file(PATH, content(number));
            if let Some(stopped) = Stopped::at(&self.machine, &["pull"], moment) {
                return stopped;
            }
        }
        panic!("no pull could be stopped in time: {moment:?}");
    }

    /// Another file takes its place, as most editors do it.
    fn replace(&self, path: &str, content: String) {
        let beside = self.machine.root.join("replacement");
        fs::write(&beside, content).unwrap();
        fs::rename(&beside, self.machine.conf.join(path)).unwrap();
    }
}
