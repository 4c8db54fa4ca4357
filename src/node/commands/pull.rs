//! `eccfg pull`.

use std::path::Path;
use std::time::Duration;

use git2::Oid;

use crate::momentum::AutoUpdate;
use crate::node::debug::step;
use crate::node::output::shown;
use crate::node::remote::{Head, News, Question, Remote};
use crate::node::session::Session;
use crate::node::working_copy::{Conflict, Letter, Lock, Outcome, Strategy, Updated, WorkingCopy};
use crate::node::{Error, args, notes, reload, report};

const NEVER: &str = "cluster.boot says autoupdate=false: nothing was done.";

const HOW_TO_GO_ON: &str = "the working copy is as it was, for local changes overlap with new ones: \
                            revert them, or pull with --mine, --theirs or --manual";

pub fn run(session: &Session, options: &args::Pull) -> Result<(), Error> {
    let boot = session.cluster_boot()?;
    if options.auto && boot.is_some_and(|boot| boot.autoupdate == AutoUpdate::Never) {
        session.output.say(NEVER);
        return Ok(());
    }
    let working_copy = session.working_copy()?;
    let mut remote = session.connect_as(&working_copy, options.auto)?;
    let heads = newest(session, &working_copy, &mut remote)?;
    drop(working_copy);
    let gives_way = options.auto;
    match update(session, options, &mut remote, heads, gives_way) {
        Ok(Done::Nothing | Done::Later) => Ok(()),
        Ok(Done::Updated) => {
            tell_server(session, &mut remote);
            Ok(())
        }
        Err(error) => {
            tell_server(session, &mut remote);
            Err(error)
        }
    }
}

/// What came of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// There was nothing to do.
    Nothing,
    /// All has been done.
    Updated,
    /// It was not the time for it.
    Later,
}

/// Brings the working copy to where the server stands.
pub fn update(
    session: &Session,
    options: &args::Pull,
    remote: &mut Remote,
    heads: Vec<Head>,
    gives_way: bool,
) -> Result<Done, Error> {
    let boot = session.cluster_boot()?;
    let autoupdate = boot.as_ref().map_or(AutoUpdate::Always, |boot| boot.autoupdate);
    if options.auto && autoupdate == AutoUpdate::Never {
        session.output.say(NEVER);
        return Ok(Done::Later);
    }
    let working_copy = session.working_copy()?;
    notes::other_subcluster(session.output, boot.as_ref(), &working_copy);
    let targets = targets(&working_copy, &heads)?;
    let is_reloading = boot.is_none_or(|boot| boot.reload_config_on_update);
    if working_copy.is_at(&targets)? && !(is_reloading && reload::is_owed(&working_copy.paths)) {
        report::note_success(&working_copy.paths);
        tell_nothing_new(session, options, &heads);
        return Ok(Done::Nothing);
    }
    let seen = working_copy.heads()?;
    drop(working_copy);
    let here = std::env::current_dir().ok();
    let Some((lock, working_copy)) = session.change_unless_busy(gives_way)? else {
        return Ok(Done::Later);
    };
    let paths = working_copy.paths.clone();
    let is_old = working_copy.heads()? != seen;
    let update = Update { session, options, lock, working_copy, heads, autoupdate, is_reloading };
    let done = update.run(remote, is_old, here.as_deref());
    report::note(&paths, &done);
    done
}

/// Nobody else is at the working copy.
struct Update<'a> {
    session: &'a Session,
    options: &'a args::Pull,
    lock: Lock,
    working_copy: WorkingCopy,
    heads: Vec<Head>,
    autoupdate: AutoUpdate,
    is_reloading: bool,
}

impl Update<'_> {
    /// `is_old` says that another one was at it meanwhile, and what was newest may be old by now.
    fn run(
        mut self,
        remote: &mut Remote,
        is_old: bool,
        here: Option<&Path>,
    ) -> Result<Done, Error> {
        let Self { session, options, .. } = self;
        if is_old {
            self.heads = newest(session, &self.working_copy, remote)?;
        }
        let targets = targets(&self.working_copy, &self.heads)?;
        let was_owed = self.is_reloading && reload::is_owed(&self.working_copy.paths);
        let is_at = self.working_copy.is_at(&targets)?;
        if is_at && !was_owed {
            tell_nothing_new(session, options, &self.heads);
            return Ok(Done::Nothing);
        }
        notes::no_conflicts(&self.working_copy)?;
        if is_at {
            tell_nothing_new(session, options, &self.heads);
            reload::run(session, &self.working_copy.paths)?;
            return Ok(Done::Updated);
        }
        if options.auto
            && self.autoupdate == AutoUpdate::IfUnchanged
            && has_changes(&self.working_copy)?
        {
            session
                .output
                .say("There are local changes, and cluster.boot says autoupdate=ifunchanged.");
            return Ok(Done::Later);
        }
        self.fetch(remote, &targets)?;
        self.exchange(&targets, was_owed, here)
    }

    fn fetch(&self, remote: &mut Remote, targets: &[Oid]) -> Result<(), Error> {
        for (part, &target) in self.working_copy.parts.iter().zip(targets) {
            self.session.fetch(part, remote, target)?;
            part.set_upstream(target)?;
        }
        Ok(())
    }

    fn exchange(
        &mut self,
        targets: &[Oid],
        was_owed: bool,
        here: Option<&Path>,
    ) -> Result<Done, Error> {
        let Self { session, options, ref lock, ref mut working_copy, .. } = *self;
        if self.is_reloading {
            reload::owe(&working_copy.paths)?;
        }
        match working_copy.update(lock, targets, strategy(options))? {
            Outcome::Refused(conflicts) => {
                if !was_owed {
                    reload::settle(&working_copy.paths)?;
                }
                refuse(session, &conflicts)
            }
            Outcome::Updated(updated) => {
                tell(session, &updated);
                if updated.conflicts.is_empty() {
                    tell_revision(session, &self.heads);
                }
                let here = here.filter(|_| updated.is_new_tree);
                notes::invalidated_directory(session.output, working_copy, here);
                let is_owed = was_owed || self.is_reloading && !updated.files.is_empty();
                finish(session, working_copy, &updated, is_owed)?;
                Ok(Done::Updated)
            }
        }
    }
}

/// Where the server stands. One request, which also says what this node has.
fn newest(
    session: &Session,
    working_copy: &WorkingCopy,
    remote: &mut Remote,
) -> Result<Vec<Head>, Error> {
    match ask(session, working_copy, remote, None, Duration::ZERO)? {
        News::Heads { heads, .. } => Ok(heads),
        News::Nothing { .. } => Err(Error::Refused(format!(
            "{} says that nothing is newer than what it was not told: it is no ecconfigd",
            remote.address()
        ))),
    }
}

/// Asks the server about the subclusters of the working copy.
pub fn ask(
    session: &Session,
    working_copy: &WorkingCopy,
    remote: &mut Remote,
    known: Option<&str>,
    wait: Duration,
) -> Result<News, Error> {
    let names: Vec<&str> = working_copy.parts.iter().map(|part| part.subcluster.as_str()).collect();
    let word = session.report(working_copy)?;
    let question = Question { names: &names, known, wait, word: &word };
    step(format_args!("ask for {}", names.join(" and ")), || Ok(remote.question(&question)?))
}

/// Says what this node has now. The next question does, too, so nothing is lost if this is.
fn tell_server(session: &Session, remote: &mut Remote) {
    let told = session.working_copy().and_then(|copy| newest(session, &copy, remote));
    if let Err(error) = told {
        tracing::debug!("the server was not told what came of the update: {error}");
    }
}

/// What is to be checked out, one commit for each part.
pub fn targets(working_copy: &WorkingCopy, heads: &[Head]) -> Result<Vec<Oid>, Error> {
    let target = |name: &String| {
        let head = heads.iter().find(|head| head.name == *name);
        head.and_then(|head| head.commit).ok_or_else(|| {
            Error::Refused(format!("the subcluster {name} has no revision yet at this server"))
        })
    };
    working_copy.parts.iter().map(|part| target(&part.subcluster)).collect()
}

fn has_changes(working_copy: &WorkingCopy) -> Result<bool, Error> {
    Ok(working_copy.changes()?.iter().any(|change| change.letter != Letter::Unknown))
}

fn strategy(options: &args::Pull) -> Strategy {
    match options {
        args::Pull { mine: true, .. } => Strategy::Mine,
        args::Pull { theirs: true, .. } => Strategy::Theirs,
        args::Pull { manual: true, .. } => Strategy::Manual,
        _ => Strategy::Refuse,
    }
}

fn refuse(session: &Session, conflicts: &[Conflict]) -> Result<Done, Error> {
    notes::conflicts(session.output, conflicts);
    Err(Error::Refused(HOW_TO_GO_ON.to_owned()))
}

/// One line for each file but those in conflict, of which there is more to tell.
pub fn tell(session: &Session, updated: &Updated) {
    let settled = updated.files.iter().filter(|(letter, _)| *letter != Letter::Conflict);
    for (letter, path) in settled {
        session.output.say(format_args!("{letter}    {}", shown(path)));
    }
    for path in &updated.put_aside {
        session.output.alarm(notes::put_aside(path));
    }
}

/// A timer need not tell each minute that there is nothing to tell.
fn tell_nothing_new(session: &Session, options: &args::Pull, heads: &[Head]) {
    if !options.auto {
        tell_revision(session, heads);
    }
}

fn tell_revision(session: &Session, heads: &[Head]) {
    let one = |head: &Head| Some(format!("{} at revision {}", head.name, head.revision?));
    let all: Vec<String> = heads.iter().filter_map(one).collect();
    session.output.say(format_args!("OK: {}.", all.join(", ")));
}

/// A configuration with markers in it is not loaded.
fn finish(
    session: &Session,
    working_copy: &WorkingCopy,
    updated: &Updated,
    is_owed: bool,
) -> Result<(), Error> {
    if !updated.conflicts.is_empty() {
        notes::conflicts(session.output, &updated.conflicts);
        return Err(Error::Refused(
            "some files are in conflict: mend them, then eccfg resolve FILE; the running process was \
             not told to reload"
                .to_owned(),
        ));
    }
    match is_owed {
        true => reload::run(session, &working_copy.paths),
        false => reload::settle(&working_copy.paths),
    }
}
