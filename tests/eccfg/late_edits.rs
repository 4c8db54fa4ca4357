//! Edits made in the old tree after an update has looked at it: they are in the new one, or beside
//! the file, with a word.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::fixture::{Clone, Server, text};
use crate::machine::Machine;
use crate::moments::{ATTEMPTS, Moment, Stopped};

const LINES: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";

#[test]
fn edits_of_files_that_upstream_did_not_change_are_in_the_new_tree() {
    let (site, said) = Site::edited_late(|site, tree| {
        fs::write(tree.join("in-place"), "edited in place\n").unwrap();
        site.replace(&tree.join("replaced"), "edited by an editor\n");
        fs::write(tree.join("unknown"), "unknown, edited\n").unwrap();
        site.replace(&tree.join("unknown-replaced"), "unknown, replaced\n");
        fs::write(tree.join("new"), "new\n").unwrap();
        fs::create_dir_all(tree.join("new-dir/inner")).unwrap();
        fs::write(tree.join("new-dir/inner/file"), "new\n").unwrap();
        fs::create_dir(tree.join("empty-dir")).unwrap();
        fs::remove_file(tree.join("deleted")).unwrap();
        fs::remove_file(tree.join("unknown-deleted")).unwrap();
        fs::remove_file(tree.join("link")).unwrap();
        symlink("elsewhere", tree.join("link")).unwrap();
        fs::set_permissions(tree.join("script"), Permissions::from_mode(0o755)).unwrap();
    });
    assert!(!said.contains(".mine"), "{said}");
    for (path, content) in [
        ("in-place", "edited in place\n"),
        ("replaced", "edited by an editor\n"),
        ("unknown", "unknown, edited\n"),
        ("unknown-replaced", "unknown, replaced\n"),
        ("new", "new\n"),
        ("new-dir/inner/file", "new\n"),
    ] {
        assert_eq!(site.read(path), content, "{path}");
    }
    assert!(site.path("empty-dir").is_dir());
    assert!(!site.machine.has("default/deleted"));
    assert!(!site.machine.has("default/unknown-deleted"));
    assert_eq!(fs::read_link(site.path("link")).unwrap(), Path::new("elsewhere"));
    assert_eq!(site.machine.mode("default/script") & 0o111, 0o111);
}

#[test]
fn edits_of_files_that_upstream_changed_elsewhere_are_merged() {
    let (site, said) = Site::edited_late(|site, tree| {
        fs::write(tree.join("merged"), LINES.replace('1', "one")).unwrap();
        site.replace(&tree.join("merged-replaced"), LINES.replace('1', "one"));
        fs::set_permissions(tree.join("changed-script"), Permissions::from_mode(0o755)).unwrap();
    });
    assert!(!said.contains(".mine"), "{said}");
    let both = LINES.replace('1', "one").replace('9', "nine");
    assert_eq!(site.read("merged"), both);
    assert_eq!(site.read("merged-replaced"), both);
    assert_eq!(site.read("changed-script"), "theirs\n");
    assert_eq!(site.machine.mode("default/changed-script") & 0o111, 0o111);
}

#[test]
fn edits_that_overlap_are_put_aside_with_a_word() {
    let (site, said) = Site::edited_late(|_, tree| {
        fs::write(tree.join("both"), "mine\n").unwrap();
        fs::write(tree.join("theirs-too"), "mine\n").unwrap();
        fs::write(tree.join("their-deletion"), "mine\n").unwrap();
        fs::write(tree.join("binary"), b"mine\0\n").unwrap();
        fs::remove_file(tree.join("their-link")).unwrap();
        symlink("mine", tree.join("their-link")).unwrap();
    });
    for (path, theirs) in
        [("both", "theirs\n"), ("theirs-too", "theirs\n"), ("binary", "theirs\0\n")]
    {
        assert_eq!(site.read(path), theirs, "{path}");
    }
    for path in ["both", "theirs-too", "their-deletion"] {
        assert_eq!(site.read(&format!("{path}.mine")), "mine\n", "{path}");
    }
    assert_eq!(site.read("binary.mine"), "mine\0\n");
    assert!(!site.machine.has("default/their-deletion"));
    assert_eq!(fs::read_link(site.path("their-link")).unwrap(), Path::new("theirs"));
    assert_eq!(fs::read_link(site.path("their-link.mine")).unwrap(), Path::new("mine"));
    for path in ["both", "theirs-too", "their-deletion", "binary", "their-link"] {
        assert!(said.contains(&format!("default/{path}.mine")), "{path}: {said}");
    }
}

#[test]
fn a_deletion_of_what_upstream_changed_gives_way() {
    let (site, _) = Site::edited_late(|_, tree| fs::remove_file(tree.join("both")).unwrap());
    assert_eq!(site.read("both"), "theirs\n");
}

#[test]
fn what_was_put_aside_before_is_kept() {
    let (site, said) = Site::edited_late(|_, tree| {
        fs::write(tree.join("both.mine"), "earlier\n").unwrap();
        fs::write(tree.join("both.mine2"), "earlier still\n").unwrap();
        fs::write(tree.join("both"), "mine\n").unwrap();
    });
    assert_eq!(site.read("both.mine"), "earlier\n");
    assert_eq!(site.read("both.mine2"), "earlier still\n");
    assert_eq!(site.read("both.mine3"), "mine\n");
    assert!(said.contains("default/both.mine3"), "{said}");
}

#[test]
fn a_file_where_upstream_has_a_directory_is_put_aside() {
    let (site, said) =
        Site::edited_late(|_, tree| fs::write(tree.join("their-dir"), "mine\n").unwrap());
    assert_eq!(site.read("their-dir/file"), "theirs\n");
    assert_eq!(site.read("their-dir.mine"), "mine\n");
    assert!(said.contains("default/their-dir.mine"), "{said}");
}

#[test]
fn a_file_in_a_directory_where_upstream_has_a_file_is_put_aside() {
    let (site, said) = Site::edited_late(|_, tree| {
        fs::write(tree.join("dir-to-file/one"), "mine\n").unwrap();
        fs::write(tree.join("dir-to-file/new"), "new\n").unwrap();
    });
    assert_eq!(site.read("dir-to-file"), "theirs\n");
    assert_eq!(site.read("dir-to-file.mine/one"), "mine\n");
    assert_eq!(site.read("dir-to-file.mine/new"), "new\n");
    assert!(said.contains("default/dir-to-file.mine/new"), "{said}");
}

#[test]
fn nothing_is_written_through_a_link_that_upstream_made_of_a_directory() {
    let (site, said) = Site::edited_late(|site, tree| {
        // Where the link leads to.
        let outside = site.machine.root.join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("two"), "two\n").unwrap();
        fs::write(tree.join("dir-to-link/one"), "mine\n").unwrap();
        fs::remove_file(tree.join("dir-to-link/two")).unwrap();
    });
    let outside = site.machine.root.join("outside");
    assert!(fs::symlink_metadata(site.path("dir-to-link")).unwrap().is_symlink());
    assert_eq!(names(&outside), ["two"], "{said}");
    assert_eq!(fs::read_to_string(outside.join("two")).unwrap(), "two\n");
    assert_eq!(site.read("dir-to-link.mine/one"), "mine\n");
}

#[test]
fn a_directory_that_became_a_link_is_put_aside() {
    let (site, said) = Site::edited_late(|_, tree| {
        fs::remove_dir_all(tree.join("changed-dir")).unwrap();
        symlink("/etc", tree.join("changed-dir")).unwrap();
    });
    assert_eq!(site.read("changed-dir/one"), "theirs\n");
    assert_eq!(fs::read_link(site.path("changed-dir.mine")).unwrap(), Path::new("/etc"));
    assert!(said.contains("default/changed-dir.mine"), "{said}");
}

#[test]
fn edits_of_global_are_carried_over_as_well() {
    let server = Server::start();
    let upstream = server.git().clone_of("global");
    upstream.push_file("both", "base\n");
    let machine = Machine::of(&server);
    let stopped = stopped(&machine, || {
        // Two, so that the tree is exchanged.
        upstream.write("other", format!("{:?}\n", std::time::Instant::now()));
        upstream.push_file("both", format!("theirs {:?}\n", std::time::Instant::now()));
    });
    machine.write("global/both", "mine\n");
    machine.write("global/new", "new\n");
    let said = text(&stopped.go_on());
    assert!(said.contains("global/both.mine"), "{said}");
    assert_eq!(machine.read("global/both.mine"), "mine\n");
    assert_eq!(machine.read("global/new"), "new\n");
    machine.assert_tidy();
}

#[test]
fn edits_made_in_both_trees_are_both_kept() {
    let (site, stopped) = Site::stopped();
    // Killed here and exchanged by hand, it is as if it had been killed right after the exchange.
    drop(stopped);
    exchange(&site.machine);
    site.replace(&site.machine.etc(".conf.new/default/replaced"), "late\n");
    site.replace(&site.path("replaced"), "later\n");
    let output = site.machine.run("pull");
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(site.read("replaced"), "later\n");
    assert_eq!(site.read("replaced.mine"), "late\n");
    site.machine.assert_tidy();
}

#[test]
fn carrying_over_that_is_cut_short_is_done_again() {
    let (site, stopped) = Site::stopped();
    for name in ["both", "replaced", "merged-replaced"] {
        let content = if name == "both" { "mine\n".into() } else { LINES.replace('1', "one") };
        site.replace(&site.path(name), content);
    }
    drop(stopped);
    exchange(&site.machine);
    // As one leaves it that has done some of it, and was about to do more.
    let old = site.machine.etc(".conf.new/default");
    fs::hard_link(old.join("both"), site.path("both.mine")).unwrap();
    fs::hard_link(old.join("replaced"), site.machine.etc(".conf.file")).unwrap();
    let said = text(&site.machine.run("pull"));
    assert_eq!(site.read("both.mine"), "mine\n");
    assert!(!site.machine.has("default/both.mine2"), "{said}");
    assert_eq!(site.read("replaced"), LINES.replace('1', "one"));
    assert_eq!(site.read("merged-replaced"), LINES.replace('1', "one").replace('9', "nine"));
    site.machine.assert_tidy();
}

/// A machine, and a revision that comes with the next pull.
struct Site {
    machine: Machine,
    upstream: Clone,
    _server: Server,
}

impl Site {
    fn new() -> Self {
        let server = Server::start();
        let upstream = server.git().clone_of("default");
        for path in ["in-place", "replaced", "deleted", "script", "changed-script"] {
            upstream.write(&format!("default/{path}"), "base\n");
        }
        for path in ["merged", "merged-replaced"] {
            upstream.write(&format!("default/{path}"), LINES);
        }
        for path in ["both", "their-deletion", "binary", "their-link", "changed-dir/one"] {
            upstream.write(&format!("default/{path}"), "base\n");
        }
        for path in ["dir-to-file/one", "dir-to-link/one", "dir-to-link/two"] {
            upstream.write(
                &format!("default/{path}"),
                path.rsplit_once('/').unwrap().1.to_owned() + "\n",
            );
        }
        symlink("base", upstream.path.join("default/link")).unwrap();
        // So that building takes a while.
        for number in 0..300 {
            upstream.write(&format!("default/many/{number}"), "base\n");
        }
        upstream.push_file("default/last", "base\n");
        let machine = Machine::of(&server);
        machine.write("default/unknown", "unknown\n");
        machine.write("default/unknown-replaced", "unknown\n");
        machine.write("default/unknown-deleted", "unknown\n");
        Self { machine, upstream, _server: server }
    }

    /// Changes, deletes and adds what the names of the files say.
    fn publish(&self) {
        let upstream = &self.upstream;
        let path = |name: &str| upstream.path.join("default").join(name);
        for name in ["merged", "merged-replaced"] {
            fs::write(path(name), LINES.replace('9', "nine")).unwrap();
        }
        for name in ["both", "changed-script", "theirs-too", "changed-dir/one"] {
            fs::write(path(name), "theirs\n").unwrap();
        }
        fs::write(path("binary"), "theirs\0\n").unwrap();
        let _ = fs::remove_file(path("their-deletion"));
        let _ = fs::remove_file(path("their-link"));
        symlink("theirs", path("their-link")).unwrap();
        let _ = fs::remove_dir_all(path("dir-to-file"));
        fs::write(path("dir-to-file"), "theirs\n").unwrap();
        let _ = fs::remove_dir_all(path("dir-to-link"));
        symlink("../../../../../../outside", path("dir-to-link")).unwrap();
        upstream.write("default/their-dir/file", "theirs\n");
        for number in 0..300 {
            upstream.write(&format!("default/many/{number}"), "theirs\n");
        }
        upstream.push_file("default/last", "theirs\n");
    }

    /// With a pull that stands still after it has looked at the old tree, before the exchange.
    #[track_caller]
    fn stopped() -> (Self, Stopped) {
        for _ in 0..ATTEMPTS {
            let site = Self::new();
            site.publish();
            let pull = Stopped::at(&site.machine, &["pull"], Moment::IsAboutToExchange);
            if let Some(pull) = pull {
                return (site, pull);
            }
        }
        panic!("no pull could be stopped in time");
    }

    /// Edits then, and lets the pull go on. Returns what it says.
    #[track_caller]
    fn edited_late(edit: impl FnOnce(&Self, &Path)) -> (Self, String) {
        let (site, stopped) = Self::stopped();
        edit(&site, &site.path(""));
        let output = stopped.go_on();
        assert!(output.status.success(), "{}", text(&output));
        site.machine.assert_tidy();
        assert_eq!(site.read("last"), "theirs\n");
        (site, text(&output))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.machine.conf.join("default").join(name)
    }

    #[track_caller]
    fn read(&self, name: &str) -> String {
        self.machine.read(&format!("default/{name}"))
    }

    /// Another file takes the place of this one, as most editors do it.
    fn replace(&self, path: &Path, content: impl AsRef<[u8]>) {
        let beside = self.machine.root.join("replacement");
        fs::write(&beside, content).unwrap();
        fs::rename(&beside, path).unwrap();
    }
}

/// Publishes and pulls until one could be stopped in time.
fn stopped(machine: &Machine, publish: impl Fn()) -> Stopped {
    for _ in 0..ATTEMPTS {
        publish();
        if let Some(stopped) = Stopped::at(machine, &["pull"], Moment::IsAboutToExchange) {
            return stopped;
        }
    }
    panic!("no pull could be stopped in time");
}

fn exchange(machine: &Machine) {
    use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
    let (one, other) = (machine.conf.clone(), machine.etc(".conf.new"));
    renameat2(AT_FDCWD, &one, AT_FDCWD, &other, RenameFlags::RENAME_EXCHANGE).unwrap();
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
