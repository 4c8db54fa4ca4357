//! Random histories at the server and random local edits: a pull comes to the same as a merge by git,
//! with the same conflicts.
//!
//! `ECCONFIGD_TEST_ROUNDS` tells how many, `ECCONFIGD_TEST_SEED` from which number they are drawn. One
//! difference is known: libgit2 measures how alike two files are in another way than git, and may take
//! a file of a few lines for a renamed one that git does not.

mod draw;
mod edits;
mod reference;
mod tree;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use self::draw::Draw;
use self::reference::{Merged, Reference};
use self::tree::{File, PLAIN, Tree, edit, obstructs, on_disk};
use crate::fixture::{Random, Server, setting, succeeds, text};
use crate::machine::Machine;

const ROUNDS: u64 = 25;
/// A test of a change must fail for the change. Look for other histories with other seeds.
const SEED: u64 = 1;
/// How many revisions change one file alone.
const SMALL: f64 = 0.3;

#[test]
fn a_pull_comes_to_the_same_as_a_merge_by_git() {
    let mut random = Random::from(SEED);
    let server = Server::start();
    let reference = Reference::new(&server);
    let mut bench = Bench { machine: Machine::of(&server), reference, counts: Counts::default() };
    let mut failed = Vec::new();
    for round in 0..setting("ROUNDS").unwrap_or(ROUNDS) {
        let case = Case::draw(&mut random, round);
        if let Err(why) = bench.check(&case) {
            failed.push(format!("ROUND {round}: {why}\n{}", case.told()));
        }
    }
    println!("{:?}", bench.counts);
    let Counts { clean, in_place, .. } = bench.counts;
    assert!(in_place > 0 && in_place < clean, "both ways of an update");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

struct Case {
    base: Tree,
    /// One or more commits.
    upstream: Vec<Tree>,
    local: Tree,
    /// Whether git was told of what was added.
    is_added: bool,
}

impl Case {
    fn draw(random: &mut Random, number: u64) -> Self {
        let mut base = edits::base(random);
        let share = *random.pick(&[0.05, 0.15, 0.4]);
        let mut upstream = vec![edits::edited(random, &base, share)];
        while random.happens(0.3) {
            let more = edits::edited(random, &upstream[upstream.len() - 1], share / 2.0);
            upstream.push(more);
        }
        let is_small = random.happens(SMALL);
        if is_small {
            upstream = vec![edits::one_edited(random, &base)];
        }
        let local = edits::edited(random, &base, share);
        let before = base.clone();
        let mut case = Self { local, is_added: random.happens(0.5), upstream, base: base.clone() };
        // Something is always new.
        let tag = |tree: &mut Tree, what: &str| {
            let content = format!("{what} {number}\n").into();
            tree.insert("tag".into(), File { mode: PLAIN, content });
        };
        tag(&mut base, "base");
        tag(&mut case.base, "base");
        tag(&mut case.local, "base");
        let is_new = is_small && case.upstream[0] != before;
        let what = if is_new { "base" } else { "upstream" };
        case.upstream.iter_mut().for_each(|tree| tag(tree, what));
        case
    }

    fn newest(&self) -> &Tree {
        &self.upstream[self.upstream.len() - 1]
    }

    /// Local files that git does not know stay out of a merge unless they are in its way.
    fn takes_part(&self, path: &str) -> bool {
        let upstream = self.newest();
        self.is_added
            || self.base.contains_key(path)
            || upstream.contains_key(path)
            || obstructs(upstream, path)
    }

    /// What differs, for those who look why a test failed.
    fn told(&self) -> String {
        let (base, local, upstream) = (&self.base, &self.local, self.newest());
        let mut told = format!("additions are known: {}\n", self.is_added);
        let mut paths: Vec<_> = base.keys().chain(local.keys()).chain(upstream.keys()).collect();
        paths.sort();
        paths.dedup();
        for path in paths {
            let sides = [base.get(path), local.get(path), upstream.get(path)];
            if sides[0] != sides[1] || sides[0] != sides[2] {
                told += &format!("{path}\n");
                for (name, side) in ["base", "local", "upstream"].iter().zip(sides) {
                    told +=
                        &format!("  {name:9}{}\n", side.map_or("-".into(), |f| format!("{f:?}")));
                }
            }
        }
        told
    }
}

/// How often what happened.
#[derive(Debug, Default)]
struct Counts {
    clean: usize,
    /// Of these, updates that exchanged one file alone.
    in_place: usize,
    refused: usize,
    conflicts: usize,
    in_the_way: usize,
}

struct Bench {
    machine: Machine,
    reference: Reference,
    counts: Counts,
}

impl Bench {
    fn check(&mut self, case: &Case) -> Result<(), String> {
        let (merging, aside): (Tree, Tree) =
            case.local.clone().into_iter().partition(|(path, _)| case.takes_part(path));
        self.reference.commit("base", "origin/boot", std::slice::from_ref(&case.base));
        self.reference.commit("upstream", "base", &case.upstream);
        self.reference.commit("local", "base", &[merging]);
        self.reference.push("base");
        self.machine.ok("pull");
        self.same("the new base", &case.base, &Tree::new())?;
        edit(&self.machine.conf, &case.base, &case.local);
        if case.is_added {
            self.machine.git(".", &["add", "--all"]);
        }
        self.save();
        self.reference.push("upstream");
        let expected = self.reference.merge("local", "upstream");
        let result = self.check_pull(case, &expected, &aside);
        let result = result.map_err(|why| format!("{why}\ngit: {}", expected.said));
        self.restore();
        edit(&self.machine.conf, &case.local, &case.base);
        self.machine.git(".", &["reset", "--quiet"]);
        result
    }

    fn check_pull(&mut self, case: &Case, expected: &Merged, aside: &Tree) -> Result<(), String> {
        let is_clean = expected.unmerged.is_empty();
        let before = self.tree();
        let said = self.pull("", is_clean)?;
        if is_clean {
            self.counts.clean += 1;
            self.counts.in_place += usize::from(self.tree() == before);
            return self.same("pull", &expected.tree, aside);
        }
        self.counts.refused += 1;
        self.counts.conflicts += expected.unmerged.len();
        self.same(&said, &case.local, &Tree::new())?;
        self.check_manual(case, expected, aside)?;
        for (option, favor) in [("--mine", "ours"), ("--theirs", "theirs")] {
            self.restore();
            let expected = self.reference.merge_favoring(favor, "local", "upstream");
            if expected.keys().any(|path| obstructs(&expected, path)) {
                self.pull(option, false)?;
                self.same(option, &case.local, &Tree::new())?;
            } else {
                self.pull(option, true)?;
                self.same(option, &expected, aside)?;
            }
        }
        Ok(())
    }

    fn check_manual(&mut self, case: &Case, expected: &Merged, aside: &Tree) -> Result<(), String> {
        let said = self.pull("--manual", false)?;
        if expected.said.contains("CONFLICT (file/directory)") {
            self.counts.in_the_way += 1;
            return self.same(&said, &case.local, &Tree::new());
        }
        let unmerged = self.machine.git(".", &["ls-files", "--unmerged", "-z"]);
        // Markers in a side that was merged itself are labelled otherwise, which gives another id.
        let is_nested = expected.said.contains("CONFLICT (rename/rename)")
            || expected.said.contains("CONFLICT (rename involved in collision)");
        let comparable = |line: &str| match is_nested {
            true => line.split_once(' ').unwrap().1[40..].to_owned(),
            false => line.to_owned(),
        };
        let unmerged: BTreeSet<_> = unmerged.split_terminator('\0').map(comparable).collect();
        if unmerged != expected.unmerged.iter().map(|line| comparable(line)).collect() {
            return Err(format!("{said}\nnot {:#?}", expected.unmerged));
        }
        let mut tree = expected.tree.clone();
        if is_nested {
            // In which style the inner markers are, too.
            let found = on_disk(&self.machine.conf);
            let is_open = |path: &str| unmerged.iter().any(|line| line.ends_with(path));
            tree.extend(found.into_iter().filter(|(path, _)| is_open(path)));
        }
        self.same("pull --manual", &tree, aside)
    }

    /// Which tree stands there.
    fn tree(&self) -> u64 {
        fs::metadata(&self.machine.conf).unwrap().ino()
    }

    fn pull(&self, option: &str, is_decided: bool) -> Result<String, String> {
        let code = if is_decided { 0 } else { 1 };
        let output = self.machine.run(&format!("pull {option}"));
        match output.status.code() == Some(code) {
            true => Ok(text(&output)),
            false => Err(format!("pull {option}, not {code}: {output:?}", output = text(&output))),
        }
    }

    fn same(&self, what: &str, expected: &Tree, aside: &Tree) -> Result<(), String> {
        let found = on_disk(&self.machine.conf);
        let mut expected = expected.clone();
        expected.extend(aside.clone());
        let mut wrong = String::new();
        let paths: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
        for path in paths {
            let (found, expected) = (found.get(path), expected.get(path));
            if found.map(without_labels) != expected.map(without_labels) {
                wrong += &format!("{path}\n  found    {found:?}\n  expected {expected:?}\n");
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(format!("{what}:\n{wrong}")) }
    }

    fn save(&self) {
        let (etc, saved) = (self.machine.etc(""), self.machine.root.join("saved"));
        let _ = fs::remove_dir_all(&saved);
        // eccfg never writes into a file that is there, so links will do.
        succeeds(Command::new("cp").arg("-al").args([etc, saved]).output().unwrap());
    }

    fn restore(&self) {
        let (etc, saved) = (self.machine.etc(""), self.machine.root.join("saved"));
        fs::remove_dir_all(&etc).unwrap();
        succeeds(Command::new("cp").arg("-al").args([saved, etc]).output().unwrap());
    }
}

/// What stands behind the markers is not the same.
fn without_labels(file: &File) -> File {
    let label = |line: &[u8]| {
        let size = line.iter().take_while(|byte| b"<|>".contains(byte)).count();
        if size >= 7 { size } else { line.len() }
    };
    let lines = file.content.split(|&byte| byte == b'\n');
    let lines: Vec<&[u8]> = lines.map(|line| &line[..label(line)]).collect();
    File { mode: file.mode, content: lines.join(&b'\n') }
}
