//! What git makes of the same histories.

use std::process::Output;

use git2::Repository;

use super::tree::{self, File, Tree};
use crate::fixture::{Clone, Server, run_with_input, succeeds, text};

/// What a merge comes to.
#[derive(Debug)]
pub struct Merged {
    /// All files, those in conflict with markers or as git leaves them.
    pub tree: Tree,
    /// `MODE ID STAGE<tab>PATH` for each side of each conflict.
    pub unmerged: Vec<String>,
    /// What git says.
    pub said: String,
}

/// A clone that the histories are made in.
pub struct Reference {
    pub clone: Clone,
    repository: Repository,
}

impl Reference {
    pub fn new(server: &Server) -> Self {
        let clone = server.git().option("merge.directoryRenames=false").clone_of("default");
        let repository = Repository::open(&clone.path).unwrap();
        Self { clone, repository }
    }

    /// Makes these commits one upon the other, the first upon `parent`, and calls the last one
    /// `name`.
    #[track_caller]
    pub fn commit(&self, name: &str, parent: &str, trees: &[Tree]) {
        let mut stream = Vec::new();
        for (number, tree) in trees.iter().enumerate() {
            stream.extend(format!("commit refs/heads/{name}\n").bytes());
            stream.extend(b"committer Jane <jane@example.com> 0 +0000\ndata 3\nWhy\n");
            if number == 0 {
                stream.extend(format!("from {parent}^0\n").bytes());
            }
            stream.extend(b"deleteall\n");
            for (path, File { mode, content }) in tree {
                stream
                    .extend(format!("M {mode:o} inline {path}\ndata {}\n", content.len()).bytes());
                stream.extend(content);
                stream.push(b'\n');
            }
        }
        let mut import = self.clone.git.command(&self.clone.path);
        import.args(["fast-import", "--quiet", "--force"]);
        succeeds(run_with_input(&mut import, &stream));
    }

    #[track_caller]
    pub fn push(&self, name: &str) {
        succeeds(self.clone.git(&["push", "--quiet", "origin", &format!("{name}:boot")]));
    }

    /// Merges without a choice. What both sides added has nothing between the markers that both
    /// began with.
    #[track_caller]
    pub fn merge(&self, local: &str, upstream: &str) -> Merged {
        let mut merged = self.merge_in_style("diff3", local, upstream);
        let path = |line: &str| line.split_once('\t').unwrap().1.to_owned();
        // A link has no lines to begin with.
        let (begun, open): (Vec<&String>, Vec<&String>) = (merged.unmerged.iter())
            .partition(|line| line.contains(" 1\t") && !line.starts_with("120000"));
        let begun: Vec<String> = begun.into_iter().map(|line| path(line)).collect();
        let mut added: Vec<String> = open.into_iter().map(|line| path(line)).collect();
        added.retain(|path| !begun.contains(path));
        if !added.is_empty() {
            let other = self.merge_in_style("merge", local, upstream).tree;
            merged.tree.extend(other.into_iter().filter(|(path, _)| added.contains(path)));
        }
        merged
    }

    #[track_caller]
    fn merge_in_style(&self, style: &str, local: &str, upstream: &str) -> Merged {
        let style = format!("merge.conflictStyle={style}");
        let words = ["-c", &style, "merge-tree", "--write-tree", "-z", local, upstream];
        let said = is_decided(self.clone.git(&words));
        let (id, rest) = said.split_once('\0').unwrap();
        let (unmerged, said) = rest.split_once("\0\0").unwrap_or(("", ""));
        let unmerged = unmerged.split_terminator('\0').map(at_its_place).collect();
        let mut tree = tree::of_git(&self.repository, id);
        put_back(&mut tree);
        Merged { tree, unmerged, said: said.replace('\0', " ") }
    }

    /// Merges with `-X ours` or `-X theirs`, and takes that side of what is still in conflict.
    #[track_caller]
    pub fn merge_favoring(&self, favor: &str, local: &str, upstream: &str) -> Tree {
        let git = |words: &[&str]| self.clone.git(words);
        succeeds(git(&["checkout", "--quiet", "--force", "--detach", local]));
        is_decided(git(&["merge", "--quiet", "--no-commit", "-X", favor, upstream]));
        let side = if favor == "ours" { " 2\t" } else { " 3\t" };
        let mut files = Tree::new();
        for line in succeeds(git(&["ls-files", "--stage", "-z"])).split_terminator('\0') {
            let (what, path) = line.split_once('\t').unwrap();
            let words: Vec<&str> = what.split(' ').collect();
            if words[2] == "0" || line.contains(side) {
                let blob = self.repository.find_blob(words[1].parse().unwrap()).unwrap();
                let mode = u32::from_str_radix(words[0], 8).unwrap();
                files.insert(at_its_place(path), File { mode, content: blob.content().to_owned() });
            }
        }
        files
    }
}

/// With or without conflicts.
#[track_caller]
fn is_decided(output: Output) -> String {
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// git gives a side of another kind a name of its own where both cannot stand.
const NAMES: [&str; 3] = ["~local", "~HEAD", "~upstream"];

fn at_its_place(line: &str) -> String {
    let name = NAMES.iter().find_map(|name| line.strip_suffix(name));
    name.unwrap_or(line).to_owned()
}

/// The local side is the one that stands in the file.
fn put_back(tree: &mut Tree) {
    let named = tree.keys().filter(|path| NAMES.iter().any(|name| path.ends_with(name)));
    for path in named.cloned().collect::<Vec<_>>() {
        let file = tree.remove(&path).unwrap();
        let place = at_its_place(&path);
        if path.ends_with("~local") || !tree.contains_key(&place) {
            tree.insert(place, file);
        }
    }
}
