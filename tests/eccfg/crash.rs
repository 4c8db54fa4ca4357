//! eccfg is killed. The working copy is one revision or another with the local edits, whoever looks
//! and whenever; nothing is lost, and the next command works.
//!
//! `ECCONFIGD_TEST_ROUNDS` tells how often a pull is killed at random, `ECCONFIGD_TEST_SEED` from which number
//! the moments are drawn.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::fixture::{Clone, Random, Server, setting, succeeds, text};
use crate::machine::Machine;
use crate::moments::{ATTEMPTS, Moment, Stopped, Watched, alone, place};

const ROUNDS: u64 = 30;
/// Files of which a revision changes all.
const MARKED: usize = 40;
/// The file that a revision changes alone.
const ONE: &str = "default/one.conf";
/// A revision in so many is one of that file.
const ONE_IN: u64 = 3;
/// The writer makes a new file each so many times.
const NEW: usize = 100;

#[test]
fn a_killed_pull_leaves_one_revision_and_all_local_edits() {
    let rounds = setting("ROUNDS").unwrap_or(ROUNDS);
    let mut random = Random::new();
    let site = Site::new();
    let (ends, reads) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut phases = BTreeMap::new();
    let written = thread::scope(|scope| {
        // However this ends, the others must not go on for ever.
        let _end = AtTheEnd(&ends);
        scope.spawn(|| read_until(&site.machine.conf, &ends, &reads));
        let writer = scope.spawn(|| write_until(&site.machine, &ends));
        let mut latest = site.usual_time();
        for round in 0..rounds {
            match round % ONE_IN {
                0 => site.publish_one(),
                _ => site.publish(),
            }
            let before = place(&site.machine);
            let mut pull = Watched::begin(&site.machine, &["pull"]);
            // Most of the time it talks with the server and writes nothing yet.
            if round % 4 > 0 {
                pull.wait_for(Moment::Builds);
            }
            let part = if round % 4 > 0 { 0.4 } else { 1.0 };
            // There is nothing to wait for: this is the moment that nobody chose.
            thread::sleep(latest.mul_f64(random.fraction() * part));
            let is_over = pull.child.try_wait().unwrap().is_some();
            pull.child.kill().unwrap();
            pull.child.wait().unwrap();
            *phases.entry(phase(&site.machine, before, is_over)).or_insert(0) += 1;
            let start = Instant::now();
            site.check_next_pull(&format!("round {round}"));
            // Others may take the machine's time, or give it back.
            latest = latest.mul_f64(0.7) + start.elapsed().mul_f64(0.3);
        }
        drop(_end);
        writer.join().unwrap()
    });
    written.check(&site.machine);
    println!("{rounds} kills: {phases:?}; {} trees read; {written:?}", reads.load(Relaxed));
    assert!(reads.load(Relaxed) as u64 > rounds);
}

#[test]
fn a_pull_killed_at_each_of_its_steps_is_ended_by_the_next_command() {
    let site = Site::new();
    for moment in Moment::ALL {
        for next in ["pull", "status", "commit --add-all -m Mine", "revert default/late.conf"] {
            let what = format!("{moment:?}, {next}");
            site.machine.write("default/late.conf", "before\n");
            site.machine.run("commit --add-all -m Before");
            site.kill_at(moment);
            let edited = format!("late {what}\n");
            let tree = if moment == Moment::HasExchanged { ".conf.new" } else { "conf" };
            let late = site.machine.etc(tree).join("default/late.conf");
            replace(&site.machine, &late, &edited);
            let output = site.machine.run(next);
            assert!(output.status.success(), "{what}: {}", text(&output));
            if next != "status" {
                site.machine.assert_tidy();
            }
            site.check_next_pull(&what);
            let expected = if next.starts_with("revert") { "before\n" } else { &edited };
            assert_eq!(site.machine.read("default/late.conf"), *expected, "{what}");
        }
    }
}

#[test]
fn a_note_that_was_not_written_to_its_end_goes_with_the_next_command() {
    let site = Site::new();
    for torn in ["", "{\"generation\":"] {
        site.machine.write_etc(".eccfg/conf/pending", torn);
        site.machine.ok("revert .");
        site.machine.assert_tidy();
    }
}

#[test]
fn commands_that_were_killed_can_be_given_again() {
    let rounds = setting("ROUNDS").unwrap_or(ROUNDS) / 3;
    let mut random = Random::new();
    let site = Site::new();
    let machine = &site.machine;
    let mut latest = BTreeMap::new();
    for round in 0..rounds {
        machine.write("default/mine.conf", format!("mine {round}\n"));
        machine.write(&format!("default/mine-{round}"), "mine\n");
        for words in [
            &["commit", "--add-all", "--delete-all", "-m", "Mine"][..],
            &["delete", "default/mine.conf"],
            &["revert", "default/mine.conf"],
        ] {
            let latest = latest.entry(words[0]).or_insert(Duration::ZERO);
            kill_at_random(machine, words, *latest, &mut random);
            let what = format!("round {round}, {words:?}");
            let start = Instant::now();
            let output = machine.eccfg(words).output().unwrap();
            *latest = (*latest).max(start.elapsed());
            let said = text(&output);
            // A file that has been deleted is not deleted again.
            let is_done = output.status.success() || words[0] == "delete";
            assert!(is_done, "{what}: {said}");
        }
        assert_eq!(machine.read("default/mine.conf"), format!("mine {round}\n"));
        machine.assert_tidy();
        machine.ok("pull");
    }
    site.server.fsck("default");
}

#[test]
fn a_killed_resolve_can_be_given_again() {
    let rounds = setting("ROUNDS").unwrap_or(ROUNDS) / 3;
    let mut random = Random::new();
    let site = Site::new();
    let machine = &site.machine;
    let mut latest = Duration::ZERO;
    for round in 0..rounds {
        site.upstream.push_file("default/both.conf", format!("theirs {round}\n"));
        machine.write("default/both.conf", format!("mine {round}\n"));
        assert_eq!(machine.run("pull --manual").status.code(), Some(1));
        machine.write("default/both.conf", format!("mended {round}\n"));
        let words = ["resolve", "default/both.conf"];
        kill_at_random(machine, &words, latest, &mut random);
        let start = Instant::now();
        machine.ok("resolve default/both.conf");
        latest = latest.max(start.elapsed());
        machine.warns("commit -m Mended");
        succeeds(site.upstream.git(&["pull", "--quiet", "--rebase"]));
        assert_eq!(site.upstream.read("default/both.conf"), format!("mended {round}\n"));
    }
}

#[test]
fn a_killed_bootstrap_can_be_given_again() {
    let rounds = setting("ROUNDS").unwrap_or(ROUNDS) / 3;
    let mut random = Random::new();
    let site = Site::new();
    let mut phases = BTreeMap::new();
    let mut latest = Duration::from_millis(300);
    for round in 0..rounds {
        let machine = Machine::new(&site.server);
        let words = ["bootstrap", "--fingerprint", &machine.fingerprint, &machine.server];
        kill_at_random(&machine, &words, latest, &mut random);
        *phases.entry(machine.conf.exists()).or_insert(0) += 1;
        let start = Instant::now();
        let output = machine.eccfg(&words).output().unwrap();
        if output.status.success() {
            latest = latest.mul_f64(0.5) + start.elapsed().mul_f64(0.5);
        }
        let said = text(&output);
        let was_done = said.contains("there is a working copy") && machine.has("default/39.conf");
        assert!(output.status.success() || was_done, "round {round}: {said}");
        machine.ok("pull");
        machine.assert_clean();
        let boot = fs::read_to_string(machine.etc("cluster.boot")).unwrap();
        assert!(boot.contains("cluster_name=default"), "round {round}: {boot}");
    }
    println!("{rounds} kills; was there a working copy: {phases:?}");
}

/// A server, somebody who commits, and a machine with local edits of all kinds.
struct Site {
    server: Server,
    upstream: Clone,
    machine: Machine,
    revision: AtomicUsize,
}

impl Site {
    fn new() -> Self {
        let server = Server::start();
        let upstream = server.git().clone_of("default");
        upstream.write("default/edited.conf", "revision 0\n\n\n\n\nlast\n");
        upstream.write("default/appended.conf", "");
        upstream.write("default/replaced.conf", "0\n");
        upstream.write("default/both.conf", "0\n");
        upstream.write(ONE, one(0));
        let machine = Machine::new(&server);
        let site = Self { server, upstream, machine, revision: AtomicUsize::new(0) };
        site.publish();
        site.machine.bootstrap("");
        let edited = site.machine.read("default/edited.conf").replace("last", "last, edited here");
        site.machine.write("default/edited.conf", edited);
        site.machine.write("default/untracked", "untracked\n");
        site
    }

    /// A new revision, which changes all marked files and no others.
    fn publish(&self) {
        let revision = self.revision.fetch_add(1, Relaxed) + 1;
        let upstream = &self.upstream;
        if revision > 1 {
            succeeds(upstream.git(&["pull", "--quiet", "--rebase"]));
        }
        for number in 0..MARKED {
            upstream.write(&format!("default/{number:02}.conf"), marker(revision));
        }
        let edited = upstream.read("default/edited.conf");
        let (_, rest) = edited.split_once('\n').unwrap();
        upstream.push_file("default/edited.conf", marker(revision) + rest);
    }

    /// A new revision, which changes one file.
    fn publish_one(&self) {
        let revision = self.revision.fetch_add(1, Relaxed) + 1;
        succeeds(self.upstream.git(&["pull", "--quiet", "--rebase"]));
        self.upstream.push_file(ONE, one(revision));
    }

    /// How long it takes from one revision to the next.
    fn usual_time(&self) -> Duration {
        self.publish();
        let start = Instant::now();
        let output = self.machine.run("pull");
        assert!(output.status.success(), "{}", text(&output));
        start.elapsed()
    }

    #[track_caller]
    fn check_next_pull(&self, what: &str) {
        let output = self.machine.run("pull");
        assert!(output.status.success(), "{what}: {}", text(&output));
        let tree = File::open(&self.machine.conf).unwrap();
        let marker = read_tree(&self.machine.conf, &tree).unwrap();
        assert_eq!(marker, self.upstream.read("default/00.conf").trim(), "{what}");
        assert_eq!(self.machine.read(ONE), self.upstream.read(ONE), "{what}");
        self.machine.assert_tidy();
    }

    fn kill_at(&self, moment: Moment) {
        for _ in 0..ATTEMPTS {
            self.publish();
            if Stopped::at(&self.machine, &["pull"], moment).is_some() {
                return;
            }
        }
        panic!("no pull could be stopped in time: {moment:?}");
    }
}

fn marker(revision: usize) -> String {
    format!("revision {revision}\n")
}

/// More than is written at once.
fn one(revision: usize) -> String {
    marker(revision).repeat(5000)
}

/// `latest` is how long the command takes if it is left alone.
fn kill_at_random(machine: &Machine, words: &[&str], latest: Duration, random: &mut Random) {
    let mut child = alone(machine, words).spawn().unwrap();
    thread::sleep(latest.mul_f64(random.fraction()));
    child.kill().unwrap();
    child.wait().unwrap();
}

fn replace(machine: &Machine, path: &Path, content: &str) {
    let beside = machine.root.join("replacement");
    fs::write(&beside, content).unwrap();
    until_found(|| fs::rename(&beside, path));
}

/// Who has looked a directory of the old tree up, and uses it after it was removed, is told so by the
/// system, and tries again.
fn until_found<T>(mut work: impl FnMut() -> io::Result<T>) -> T {
    const TRIES: usize = 5;
    for _ in 1..TRIES {
        match work() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => return done.unwrap(),
        }
    }
    work().unwrap()
}

/// How far a killed pull came.
fn phase(machine: &Machine, before: [u64; 2], is_over: bool) -> &'static str {
    let is_exchanged = place(machine) != before;
    let pending = machine.etc(".eccfg/conf/pending").exists();
    match (is_exchanged, pending, machine.etc(".conf.new").exists()) {
        _ if is_over => "6 was over",
        (false, false, false) => "1 before it wrote",
        (false, false, true) => "2 built",
        (false, true, _) => "3 was about to exchange",
        (true, true, _) => "4 had exchanged",
        (true, false, _) => "5 removed",
    }
}

struct AtTheEnd<'a>(&'a AtomicBool);

impl Drop for AtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

fn read_until(conf: &Path, ends: &AtomicBool, reads: &AtomicUsize) {
    while !ends.load(Relaxed) {
        let tree = File::open(conf).expect("there is always a tree");
        if read_tree(conf, &tree).is_some() {
            reads.fetch_add(1, Relaxed);
        }
    }
}

/// Reads all of one tree, and returns its marker; `None` if another one took its place meanwhile,
/// so that it may be gone.
fn read_tree(conf: &Path, tree: &File) -> Option<String> {
    let top = Path::new("/proc/self/fd").join(tree.as_raw_fd().to_string()).join("default");
    let is_current = || fs::metadata(conf).unwrap().ino() == tree.metadata().unwrap().ino();
    let mut markers = BTreeSet::new();
    let names = (0..MARKED).map(|number| format!("{number:02}.conf"));
    for name in names.chain(["edited.conf".to_owned()]) {
        match fs::read_to_string(top.join(&name)) {
            Ok(text) => markers.extend(text.lines().next().map(str::to_owned)),
            Err(error) => {
                assert!(!is_current(), "{name}: {error}");
                return None;
            }
        }
    }
    match fs::read_to_string(top.join("one.conf")) {
        Ok(text) => {
            let first = text.lines().next().expect("it is never empty");
            assert!(text == format!("{first}\n").repeat(5000), "half of {first}");
        }
        Err(error) => {
            assert!(!is_current(), "one.conf: {error}");
            return None;
        }
    }
    let edits = ["edited.conf", "untracked"].map(|name| fs::read_to_string(top.join(name)));
    let [Ok(edited), Ok(untracked)] = edits else {
        assert!(!is_current(), "{edits:?}");
        return None;
    };
    assert_eq!(markers.len(), 1, "a tree of several revisions");
    assert!(edited.ends_with("\nlast, edited here\n"), "{edited}");
    assert_eq!(untracked, "untracked\n");
    markers.pop_first()
}

/// What was written while pulls ran and were killed.
#[derive(Debug)]
struct Written {
    last: usize,
}

/// Writes as people, editors and programs do.
fn write_until(machine: &Machine, ends: &AtomicBool) -> Written {
    let mut number = 0;
    while !ends.load(Relaxed) {
        number += 1;
        let appended = machine.conf.join("default/appended.conf");
        let mut file = until_found(|| File::options().append(true).open(&appended));
        writeln!(file, "{number}").unwrap();
        let replaced = machine.conf.join("default/replaced.conf");
        replace(machine, &replaced, &format!("{number}\n"));
        if number % NEW == 0 {
            let new = machine.conf.join("default/new");
            until_found(|| {
                fs::create_dir_all(&new)?;
                fs::write(new.join(number.to_string()), number.to_string())
            });
        }
        thread::sleep(Duration::from_millis(1));
    }
    Written { last: number }
}

impl Written {
    #[track_caller]
    fn check(&self, machine: &Machine) {
        let numbers = (1..=self.last).map(|number| format!("{number}\n"));
        assert_eq!(machine.read("default/appended.conf"), numbers.collect::<String>());
        assert_eq!(machine.read("default/replaced.conf"), format!("{}\n", self.last));
        for number in (NEW..=self.last).step_by(NEW) {
            assert_eq!(machine.read(&format!("default/new/{number}")), number.to_string());
        }
    }
}
