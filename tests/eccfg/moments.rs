//! Moments in the run of an eccfg, told by what it does to the files around a working copy.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use inotify::{EventMask, Inotify, WatchMask};
use nix::sys::signal::Signal::{SIGCONT, SIGSTOP};
use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::fixture::PATIENCE;
use crate::machine::{ECCFG, Machine};

/// The file whose exchange is told, where it is the only one that an update changes.
pub const ONE: &str = "one.conf";

/// How often to try to stop one in time: on a busy machine the signal mostly comes late.
pub const ATTEMPTS: usize = 100;

/// Something that an update has just done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It has looked at the old tree, and begins a new one, or what is new in it.
    Builds,
    /// The new tree or file is complete, and about to take the place of the old one.
    IsAboutToExchange,
    /// They have changed places; the old one was not looked at again yet.
    HasExchanged,
    /// All is done but for the removal of the old tree.
    Removes,
}

impl Moment {
    pub const ALL: [Self; 4] =
        [Self::Builds, Self::IsAboutToExchange, Self::HasExchanged, Self::Removes];

    fn is_told_by(self, mask: EventMask, name: &str) -> bool {
        match self {
            Self::Builds => mask.contains(EventMask::CREATE) && name == ".conf.new",
            // Not before it is written to its end.
            Self::IsAboutToExchange => mask.contains(EventMask::CLOSE_WRITE) && name == "pending",
            Self::HasExchanged => {
                mask.contains(EventMask::MOVED_TO) && ["conf", ONE].contains(&name)
            }
            Self::Removes => mask.contains(EventMask::DELETE) && name == "pending",
        }
    }
}

/// An eccfg without anything around it, so that a signal meets it and nobody else.
pub fn alone(machine: &Machine, words: &[&str]) -> Command {
    let with_timeout = machine.eccfg(words);
    let mut command = Command::new(ECCFG);
    for (name, value) in with_timeout.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.args(with_timeout.get_args().skip(2));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// One that runs, and is watched.
pub struct Watched {
    pub child: Child,
    events: Inotify,
}

impl Watched {
    pub fn begin(machine: &Machine, words: &[&str]) -> Self {
        let events = Inotify::init().unwrap();
        let mask =
            WatchMask::CREATE | WatchMask::CLOSE_WRITE | WatchMask::MOVED_TO | WatchMask::DELETE;
        for directory in ["", ".eccfg/conf", "conf/default"] {
            events.watches().add(machine.etc(directory), mask).unwrap();
        }
        Self { child: alone(machine, words).spawn().unwrap(), events }
    }

    /// Waits for this moment; false if it ended and there was none.
    pub fn wait_for(&mut self, moment: Moment) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut buffer = [0; 4096];
        loop {
            let is_over = self.child.try_wait().unwrap().is_some();
            let found = match self.events.read_events(&mut buffer) {
                Ok(mut all) => all.any(|event| {
                    let name = event.name.and_then(|name| name.to_str()).unwrap_or_default();
                    moment.is_told_by(event.mask, name)
                }),
                Err(_) => false,
            };
            if found || is_over {
                return found;
            }
            assert!(Instant::now() < deadline, "this never came: {moment:?}");
        }
    }
}

/// One that stands still.
pub struct Stopped {
    child: Child,
}

impl Stopped {
    /// Begins a command and stops it at a moment; `None` if it has gone further until the signal
    /// came, or never did such a thing.
    pub fn at(machine: &Machine, words: &[&str], moment: Moment) -> Option<Self> {
        let before = place(machine);
        let mut watched = Watched::begin(machine, words);
        if !watched.wait_for(moment) {
            return None;
        }
        // It may have ended since, with what it has done seen and told late.
        kill(pid(&watched.child), SIGSTOP).ok()?;
        wait_until_it_stands(&watched.child);
        let this = Self { child: watched.child };
        this.is_still_at(machine, moment, before).then_some(this)
    }

    fn is_still_at(&self, machine: &Machine, moment: Moment, before: [u64; 2]) -> bool {
        let is_exchanged = place(machine) != before;
        let pending = machine.etc(".eccfg/conf/pending").exists();
        let other_tree = machine.etc(".conf.new").exists();
        match moment {
            Moment::Builds => !is_exchanged && !pending && other_tree,
            Moment::IsAboutToExchange => !is_exchanged && pending,
            Moment::HasExchanged => is_exchanged && pending,
            Moment::Removes => is_exchanged && !pending && other_tree,
        }
    }

    /// Lets it go on to its end.
    pub fn go_on(mut self) -> Output {
        kill(pid(&self.child), SIGCONT).unwrap();
        let (out, err) = (self.child.stdout.take().unwrap(), self.child.stderr.take().unwrap());
        let (stdout, stderr) = (all_of(out), all_of(err));
        Output { status: self.child.wait().unwrap(), stdout, stderr }
    }
}

/// SIGKILL meets one that stands still as well.
impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn all_of(mut stream: impl std::io::Read) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    all
}

/// Which tree stands there, and which file.
pub fn place(machine: &Machine) -> [u64; 2] {
    let file = machine.conf.join("default").join(ONE);
    [&machine.conf, &file].map(|path| fs::metadata(path).map_or(0, |metadata| metadata.ino()))
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

fn wait_until_it_stands(child: &Child) {
    let stat = format!("/proc/{}/stat", child.id());
    crate::fixture::eventually("the process stands still", || {
        let text = fs::read_to_string(&stat).unwrap_or_default();
        let state = text.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        matches!(state, None | Some('T' | 'Z'))
    });
}
