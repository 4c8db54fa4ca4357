//! `eccfg pull`.

use git2::Oid;

use crate::momentum::AutoUpdate;
use crate::node::output::shown;
use crate::node::remote::{Head, Remote};
use crate::node::session::Session;
use crate::node::working_copy::{Conflict, Letter, Outcome, Strategy, Updated, WorkingCopy};
use crate::node::{Error, args, notes, reload};

const HOW_TO_GO_ON: &str = "the working copy is as it was, for local changes overlap with new ones: \
                            revert them, or pull with --mine, --theirs or --manual";

pub fn run(session: &Session, options: &args::Pull) -> Result<(), Error> {
    let here = std::env::current_dir().ok();
    let boot = session.cluster_boot()?;
    let autoupdate = boot.as_ref().map_or(AutoUpdate::Always, |boot| boot.autoupdate);
    if options.auto && autoupdate == AutoUpdate::Never {
        session.output.say("cluster.boot says autoupdate=false: nothing was done.");
        return Ok(());
    }
    let working_copy = session.working_copy()?;
    notes::other_subcluster(session.output, boot.as_ref(), &working_copy);
    let mut remote = session.connect_as(&working_copy, options.auto)?;
    let (mut heads, mut targets) = newest(session, &working_copy, &mut remote)?;
    let is_reloading = boot.is_none_or(|boot| boot.reload_config_on_update);
    let is_owed = |copy: &WorkingCopy| is_reloading && reload::is_owed(&copy.paths);
    if working_copy.is_at(&targets)? && !is_owed(&working_copy) {
        tell_nothing_new(session, options, &heads);
        return Ok(());
    }
    let seen = working_copy.heads()?;
    drop(working_copy);
    let Some((lock, mut working_copy)) = session.change_unless_busy(options.auto)? else {
        return Ok(());
    };
    if working_copy.heads()? != seen {
        // Another one was at it meanwhile, and what was newest may be old by now.
        (heads, targets) = newest(session, &working_copy, &mut remote)?;
    }
    let was_owed = is_owed(&working_copy);
    if working_copy.is_at(&targets)? && !was_owed {
        tell_nothing_new(session, options, &heads);
        return Ok(());
    }
    notes::no_conflicts(&working_copy)?;
    if working_copy.is_at(&targets)? {
        tell_nothing_new(session, options, &heads);
        return reload::run(session, &working_copy.paths);
    }
    if options.auto && autoupdate == AutoUpdate::IfUnchanged && has_changes(&working_copy)? {
        session
            .output
            .say("There are local changes, and cluster.boot says autoupdate=ifunchanged.");
        return Ok(());
    }
    for (part, &target) in working_copy.parts.iter().zip(&targets) {
        session.fetch(part, &mut remote, target)?;
        part.set_upstream(target)?;
    }
    drop(remote);
    if is_reloading {
        reload::owe(&working_copy.paths)?;
    }
    match working_copy.update(&lock, &targets, strategy(options))? {
        Outcome::Refused(conflicts) => {
            if !was_owed {
                reload::settle(&working_copy.paths)?;
            }
            refuse(session, &conflicts)
        }
        Outcome::Updated(updated) => {
            tell(session, &updated);
            if updated.conflicts.is_empty() {
                tell_revision(session, &heads);
            }
            notes::invalidated_directory(session.output, &working_copy, here.as_deref());
            let is_owed = was_owed || is_reloading && !updated.files.is_empty();
            finish(session, &working_copy, &updated, is_owed)
        }
    }
}

/// Where the server stands. One request.
fn newest(
    session: &Session,
    working_copy: &WorkingCopy,
    remote: &mut Remote,
) -> Result<(Vec<Head>, Vec<Oid>), Error> {
    let names: Vec<&str> = working_copy.parts.iter().map(|part| part.subcluster.as_str()).collect();
    let heads = session.ask(remote, &names)?;
    let targets = targets(working_copy, &heads)?;
    Ok((heads, targets))
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

fn refuse(session: &Session, conflicts: &[Conflict]) -> Result<(), Error> {
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
