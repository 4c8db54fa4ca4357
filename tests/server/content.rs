//! What a push may contain. Whatever is refused leaves nothing behind.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::fixture::{Clone, Server, fails, succeeds};

const FILE: &str = "100644";
const DIRECTORY: &str = "40000";

#[test]
fn names_that_no_file_may_have_are_refused() {
    let repository = Refusing::start();
    // Some file systems take each of these for `.git`, so git refuses to write them.
    let dot_gits = [".git", ".GIT", ".git. .", "GIT~1", ".g\u{200c}it", ".git:x", "x\\.git"];
    for name in dot_gits.iter().chain(&[".", ".."]) {
        for mode in [FILE, DIRECTORY] {
            repository.refuses(&[(mode, name.as_bytes())], "has a name that no file may have");
        }
    }
}

#[test]
fn names_that_cannot_be_shown_or_stored_are_refused() {
    let repository = Refusing::start();
    repository.refuses(&[(FILE, b"caf\xe9.conf")], "has a name that is not UTF-8");
    repository.refuses(&[(DIRECTORY, b"\xff")], "has a name that is not UTF-8");
    for name in ["a\nb", "\u{1b}[31m", "a\u{7f}", "\u{85}", "a/b"] {
        let what = "has a slash or a control character in its name";
        repository.refuses(&[(FILE, name.as_bytes())], what);
    }
    repository.refuses(&[(FILE, "a".repeat(256).as_bytes())], "has a name that is too long");
}

#[test]
fn trees_that_git_would_not_write_are_refused() {
    let repository = Refusing::start();
    let what = "is out of order or there twice";
    repository.refuses(&[(FILE, b"b"), (FILE, b"a")], what);
    repository.refuses(&[(DIRECTORY, b"a"), (FILE, b"a.conf")], what);
    repository.refuses(&[(FILE, b"a"), (FILE, b"a")], what);
    repository.refuses(&[(FILE, b"a"), (DIRECTORY, b"a")], what);
    repository.refuses(&[(FILE, b"a"), (FILE, b"a.conf"), (DIRECTORY, b"a")], what);
}

#[test]
fn modes_that_git_does_not_use_are_refused() {
    let repository = Refusing::start();
    for mode in ["100600", "100664", "100777", "40755", "140000", "20000", "0"] {
        repository
            .refuses(&[(mode, b"a")], &format!("has the mode {mode}, which git does not use"));
    }
    repository.refuses(&[("040000", b"a")], "has a mode with a leading zero");
    repository.refuses(&[("160000", b"a")], "is a submodule");
    repository.refuses(&[(FILE, b".gitmodules")], "tells of submodules");
}

#[test]
fn trees_that_are_too_deep_or_too_long_are_refused() {
    let repository = Refusing::start();
    let (empty, long) = (repository.tree(&[(FILE, b"a")]), "a".repeat(200));
    repository.refuses_tree(&repository.below(70, "a", &empty), "lies too deep");
    repository.refuses_tree(&repository.below(6, &long, &empty), "has a name that is too long");
    repository.accepts_tree(&repository.below(60, "a", &empty));
    repository.accepts_tree(&repository.below(5, &long, &empty));
}

#[test]
fn trees_that_are_too_deep_or_too_long_because_they_share_are_refused() {
    let repository = Refusing::start();
    let (empty, long) = (repository.tree(&[(FILE, b"a")]), "a".repeat(200));
    let cases = [(40, "a", "more than 64 directories"), (3, long.as_str(), "more than 1024 bytes")];
    for (depth, name, reason) in cases {
        // Where the inner one is met first, it is within the limits.
        let inner = repository.below(depth, name, &empty);
        let outer = repository.below(depth, name, &inner);
        repository.refuses_tree(&repository.directories(&[("a", &inner), ("b", &outer)]), reason);
    }
}

#[test]
fn a_few_trees_cannot_hold_billions_of_files() {
    let repository = Refusing::start();
    let file = repository.tree(&[(FILE, b"a")]);
    let ten_to_the = |power: usize| {
        let names = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
        (0..power).fold(file.clone(), |tree, _| {
            repository.directories(&names.map(|name| (name, tree.as_str())))
        })
    };
    repository.refuses_tree(&ten_to_the(9), "more than 500000 files");
    repository.accepts_tree(&ten_to_the(4));
}

#[test]
fn everything_that_a_node_can_check_out_is_accepted() {
    let repository = Refusing::start();
    let longest = "z".repeat(255);
    let tree = repository.tree(&[
        (FILE, b" a b "),
        (FILE, b"..."),
        (FILE, b".git-not"),
        (FILE, b".gitignore"),
        (FILE, b"a.conf"),
        (DIRECTORY, b"a"),
        ("100755", b"hook.sh"),
        ("120000", b"link"),
        (FILE, longest.as_bytes()),
        (FILE, "z\u{fc}rich \u{1f600}.conf".as_bytes()),
    ]);
    repository.accepts_tree(&tree);
    repository.server.fsck("default");
}

#[test]
fn commits_and_tags_that_git_would_not_write_are_refused() {
    let repository = Refusing::start();
    let head = format!(
        "tree {}\nparent {}\n",
        repository.clone.rev("HEAD:"),
        repository.clone.rev("HEAD")
    );
    // The first cannot be read at all.
    for (person, reason) in [
        ("Jane", "the push holds a damaged object"),
        ("Jane <jane@example.com> 1700000000", "has no committer"),
    ] {
        let author = "author Jane <jane@example.com> 1700000000 +0000";
        let commit = format!("{head}{author}\ncommitter {person}\n\nMessage\n");
        repository.refuses_commit(&repository.object("commit", commit.as_bytes()), reason);
    }
    let commit = repository.clone.rev("HEAD");
    let tag = format!("object {commit}\ntype commit\ntag v1\ntagger Jane <j> 1\n\nMessage\n");
    let tag = repository.object("tag", tag.as_bytes());
    let outer = format!("object {tag}\ntype tag\ntag v2\ntagger Jane <j> 1 +0000\n\nMessage\n");
    let outer = repository.object("tag", outer.as_bytes());
    for tag in [tag, outer] {
        let said = fails(repository.clone.git(&["push", "origin", &format!("{tag}:refs/tags/v1")]));
        assert!(said.contains("has no tagger"), "{said}");
        repository.assert_unchanged();
    }
}

#[test]
fn what_is_refused_in_the_middle_of_a_history_is_refused() {
    let repository = Refusing::start();
    let clone = &repository.clone;
    let bad = repository.tree(&[(FILE, b".git")]);
    let bad = repository.commit(&bad, "HEAD");
    let good = repository.commit("HEAD^{tree}", &bad);
    let merge = succeeds(clone.git(&[
        "commit-tree",
        "HEAD^{tree}",
        "-p",
        "HEAD",
        "-p",
        &good,
        "-m",
        "Merge",
    ]));
    for commit in [&good, merge.trim()] {
        repository.refuses_commit(commit, "has a name that no file may have");
    }
}

#[test]
fn a_directory_does_not_become_a_file_by_its_mode_alone() {
    let pushed = Refusing::start();
    let directory = pushed.clone.rev("HEAD:default");
    let entry = [b"100644 default\0", &bytes(&directory)[..]].concat();
    let tree = pushed.object("tree", &entry);
    let commit = pushed.commit(&tree, "HEAD");
    let report = pushed.push_objects(&[commit.clone(), tree], &commit);
    assert!(report.contains("ng refs/heads/boot \"default\""), "{report}");
    pushed.assert_unchanged();
}

#[test]
fn a_commit_without_its_files_is_refused() {
    let repository = Refusing::start();
    let clone = &repository.clone;
    clone.write("default/deep/new.conf", "new\n");
    let commit = clone.commit("Second");
    let all = ["HEAD", "HEAD:", "HEAD:default", "HEAD:default/deep", "HEAD:default/deep/new.conf"];
    let all = all.map(|name| clone.rev(name));
    for left_out in 1..all.len() {
        let sent = [&all[..left_out], &all[left_out + 1..]].concat();
        let report = repository.push_objects(&sent, &commit);
        assert!(report.contains("ng refs/heads/boot"), "{report}");
        assert!(report.contains("missing"), "{report}");
        repository.assert_unchanged();
    }
    let report = repository.push_objects(&all, &commit);
    assert!(report.contains("ok refs/heads/boot"), "{report}");
}

#[test]
fn what_is_missing_below_a_tree_that_comes_again_is_found() {
    let repository = Refusing::start();
    let clone = &repository.clone;
    for state in ["a", "b", "a"] {
        clone.write("stays/deep/file", "always\n");
        clone.write("changes", state);
        clone.commit(state);
    }
    let list = ["rev-list", "--objects", "--no-object-names", "HEAD", "^origin/boot"];
    let all: Vec<String> = succeeds(clone.git(&list)).lines().map(str::to_owned).collect();
    let (tip, missing) = (clone.rev("HEAD"), clone.rev("HEAD:stays/deep/file"));
    let sent: Vec<String> = all.iter().filter(|id| **id != missing).cloned().collect();
    assert!(sent.len() < all.len());
    let report = repository.push_objects(&sent, &tip);
    assert!(report.contains("ng refs/heads/boot"), "{report}");
    repository.assert_unchanged();
    let report = repository.push_objects(&all, &tip);
    assert!(report.contains("ok refs/heads/boot"), "{report}");
}

#[test]
fn objects_that_cannot_be_read_are_refused() {
    let repository = Refusing::start();
    let blob = repository.object("blob", b"");
    let nameless = [b"100644 \0".as_slice(), &bytes(&blob)].concat();
    for content in [nameless, b"rubbish".to_vec(), b"100644 a\0".to_vec()] {
        let tree = repository.object("tree", &content);
        let commit = repository.commit(&tree, "HEAD");
        let report = repository.push_objects(&[commit.clone(), tree, blob.clone()], &commit);
        assert!(report.contains("the push holds a damaged object"), "{report}");
        repository.assert_unchanged();
    }
}

#[test]
fn a_commit_without_its_parent_is_refused() {
    let repository = Refusing::start();
    let clone = &repository.clone;
    clone.write("default/new.conf", "new\n");
    clone.commit("Second");
    clone.write("default/new.conf", "newer\n");
    let commit = clone.commit("Third");
    let sent =
        ["HEAD", "HEAD:", "HEAD:default", "HEAD:default/new.conf"].map(|name| clone.rev(name));
    let report = repository.push_objects(&sent, &commit);
    assert!(report.contains("missing"), "{report}");
    repository.assert_unchanged();
}

#[test]
fn a_history_that_was_cut_elsewhere_is_refused() {
    let repository = Refusing::start();
    let server = &repository.server;
    let other = server.git().clone_of("global");
    other.push_file("a.conf", "a\n");
    let cut = server.git().clone_with("global", &["--depth=1"]);
    for target in ["boot", "refs/heads/topic"] {
        let url = server.git().url("default");
        let said = fails(cut.git(&["push", "--force", &url, &format!("HEAD:{target}")]));
        assert!(said.contains("[remote rejected]") || said.contains("[rejected]"), "{said}");
        repository.assert_unchanged();
    }
}

/// A server and a clone, to push what must be refused.
struct Refusing {
    server: Server,
    clone: Clone,
    before: BTreeMap<PathBuf, u64>,
}

impl Refusing {
    fn start() -> Self {
        let server = Server::start();
        let clone = server.git().clone_of("default");
        let before = kept(&server);
        Self { server, clone, before }
    }

    #[track_caller]
    fn refuses(&self, entries: &[(&str, &[u8])], reason: &str) {
        self.refuses_tree(&self.tree(entries), reason);
    }

    #[track_caller]
    fn refuses_tree(&self, tree: &str, reason: &str) {
        self.refuses_commit(&self.commit(tree, "HEAD"), reason);
    }

    #[track_caller]
    fn refuses_commit(&self, commit: &str, reason: &str) {
        let refspecs =
            ["boot", "refs/heads/topic", "refs/tags/v1"].map(|to| format!("{commit}:{to}"));
        let [boot, topic, tag] = refspecs.each_ref().map(String::as_str);
        let said = fails(self.clone.git(&["push", "origin", boot, topic, tag]));
        assert_eq!(said.matches(reason).count(), 3, "{said}");
        self.assert_unchanged();
    }

    #[track_caller]
    fn accepts_tree(&self, tree: &str) {
        let refspec = format!("{}:refs/heads/topic", self.commit(tree, "HEAD"));
        succeeds(self.clone.git(&["push", "--force", "origin", &refspec]));
    }

    /// Nothing of what was refused is left.
    #[track_caller]
    fn assert_unchanged(&self) {
        assert_eq!(kept(&self.server), self.before);
    }

    /// Writes a tree as it is, whatever git thinks of it. Files are empty, links lead to nothing.
    #[track_caller]
    fn tree(&self, entries: &[(&str, &[u8])]) -> String {
        let (file, directory) = (self.object("blob", b""), self.object("tree", b""));
        let entry = |&(mode, name): &(&str, &[u8])| {
            let id = match mode.trim_start_matches('0') {
                "160000" => self.clone.rev("HEAD"),
                mode if mode.starts_with('4') => directory.clone(),
                _ => file.clone(),
            };
            [mode.as_bytes(), b" ", name, b"\0", &bytes(&id)].concat()
        };
        self.object("tree", &entries.iter().flat_map(entry).collect::<Vec<u8>>())
    }

    /// A tree at the end of so many directories.
    fn below(&self, depth: usize, name: &str, tree: &str) -> String {
        (0..depth).fold(tree.to_owned(), |tree, _| self.directories(&[(name, &tree)]))
    }

    fn directories(&self, entries: &[(&str, &str)]) -> String {
        let entry = |&(name, tree): &(&str, &str)| {
            [b"40000 ", name.as_bytes(), b"\0", &bytes(tree)].concat()
        };
        self.object("tree", &entries.iter().flat_map(entry).collect::<Vec<u8>>())
    }

    #[track_caller]
    fn object(&self, kind: &str, content: &[u8]) -> String {
        let file = self.clone.path.join(".git/object");
        fs::write(&file, content).unwrap();
        let write = ["hash-object", "-w", "--literally", "-t", kind, ".git/object"];
        succeeds(self.clone.git(&write)).trim().to_owned()
    }

    #[track_caller]
    fn commit(&self, tree: &str, parent: &str) -> String {
        let tree = self.clone.rev(tree);
        let commit = ["commit-tree", &tree, "-p", parent, "-m", "Hostile"];
        succeeds(self.clone.git(&commit)).trim().to_owned()
    }

    /// Pushes to `boot` exactly these objects, and returns what the server reports. git itself
    /// refuses to send less than all.
    #[track_caller]
    fn push_objects(&self, objects: &[String], new: &str) -> String {
        let old = self.clone.rev("origin/boot");
        let command = format!("{old} {new} refs/heads/boot\0report-status");
        let mut body = format!("{:04x}{command}0000", command.len() + 4).into_bytes();
        let list = self.clone.path.join(".git/objects-to-send");
        fs::write(&list, objects.join("\n")).unwrap();
        let mut pack = self.clone.git.command(&self.clone.path);
        pack.args(["pack-objects", "--stdout", "--quiet"]).stdin(fs::File::open(list).unwrap());
        body.extend(pack.output().unwrap().stdout);
        let file = self.clone.path.join(".git/push");
        fs::write(&file, body).unwrap();
        let reply = self
            .server
            .curl("/config/default/git-receive-pack")
            .header("Content-Type: application/x-git-receive-pack-request")
            .args(["--data-binary", &format!("@{}", file.display())])
            .send();
        assert_eq!(reply.status, 200);
        reply.text()
    }
}

fn bytes(id: &str) -> Vec<u8> {
    (0..id.len()).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).unwrap()).collect()
}

/// All files of the repository and those on their way in, with their lengths.
fn kept(server: &Server) -> BTreeMap<PathBuf, u64> {
    let mut found = files(&server.repository("default"));
    found.extend(files(&server.state("tmp")));
    found
}

fn files(dir: &Path) -> BTreeMap<PathBuf, u64> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let (path, metadata) = (entry.as_ref().unwrap().path(), entry.unwrap().metadata().unwrap());
        match metadata.is_dir() {
            true => found.extend(files(&path)),
            false => _ = found.insert(path, metadata.len()),
        }
    }
    found
}
