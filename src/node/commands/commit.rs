//! `eccfg commit`.

use crate::node::args;
use crate::node::output::shown;
use crate::node::path_argument::is_within;
use crate::node::publish::{Work, publish};
use crate::node::remote::Remote;
use crate::node::session::Session;
use crate::node::working_copy::{
    BOOT, Change, Edits, Leaf, Letter, Listing, Lock, Part, WorkingCopy, obstacle,
};
use crate::node::{Error, message, notes};

pub fn run(session: &Session, options: &args::Commit) -> Result<(), Error> {
    let (lock, working_copy) = session.change()?;
    notes::no_conflicts(&working_copy)?;
    let changes = chosen(session, options, &working_copy)?;
    if changes.is_empty() {
        session.output.say("Nothing to commit");
        return Ok(());
    }
    let message = message::ask(session, options.message.as_deref())?;
    let mut remote = session.connect(&working_copy)?;
    for number in 0..working_copy.parts.len() {
        let of_part: Vec<&Change> = changes.iter().filter(|c| c.part == number).collect();
        if !of_part.is_empty() {
            commit_part(session, &lock, &mut remote, &working_copy, &of_part, &message)?;
        }
    }
    Ok(())
}

/// The changes without those that nobody wants.
fn chosen(
    session: &Session,
    options: &args::Commit,
    working_copy: &WorkingCopy,
) -> Result<Vec<Change>, Error> {
    let mut chosen = Vec::new();
    let mut asked: Option<(Vec<u8>, bool)> = None;
    for change in working_copy.changes()? {
        let path = working_copy.path_of(&change);
        let wanted = match change.letter {
            Letter::Unknown if options.add_all => true,
            Letter::Missing if options.delete_all => true,
            Letter::Unknown => match &asked {
                Some((directory, wanted)) if is_within(&path, directory) => *wanted,
                _ => {
                    let new = working_copy.new_directory_of(&change)?.unwrap_or(path.clone());
                    let wanted = ask(session, "Add", &new, "--add-all");
                    asked = Some((new, wanted));
                    wanted
                }
            },
            Letter::Missing => ask(session, "Delete", &path, "--delete-all"),
            _ => true,
        };
        if wanted {
            chosen.push(change);
        }
    }
    Ok(chosen)
}

/// Where nobody is there to be asked, what was not asked for is left and told.
fn ask(session: &Session, what: &str, path: &[u8], option: &str) -> bool {
    let path = shown(path);
    session.output.ask(format_args!("{what} {path}?")).unwrap_or_else(|| {
        session.output.warn(format_args!("{path} is left out: {option} would take it"));
        false
    })
}

fn commit_part(
    session: &Session,
    lock: &Lock,
    remote: &mut Remote,
    working_copy: &WorkingCopy,
    changes: &[&Change],
    message: &str,
) -> Result<(), Error> {
    let part = &working_copy.parts[changes[0].part];
    let base = part.files(Some(working_copy.head(part)?))?;
    let edits = edits(working_copy, changes)?;
    let author = session.author();
    let work = Work { part, branch: BOOT, author, message };
    let mut is_told = false;
    let published = publish(session, remote, &work, |newest| {
        let files = apply(part, &base, newest, &edits)?;
        if !std::mem::replace(&mut is_told, true) && files != *newest {
            tell(session, working_copy, changes);
        }
        Ok(files)
    })?;
    let Some(published) = published else {
        session.output.say("Nothing to commit: the server has these changes already");
        return working_copy.committed(lock, part, &edits, None);
    };
    // Others' changes come with the next pull: until then this node has its own on top of the old.
    let head = (published.before == base).then_some(published.commit);
    working_copy.committed(lock, part, &edits, head)?;
    if let Some(revision) = published.revision {
        let of = if part.prefix.is_empty() { "" } else { " of global" };
        session.output.say(format_args!("Committed revision {revision}{of}."));
    }
    if head.is_none() {
        session.output.say("Others have committed as well: eccfg pull brings their changes here.");
    }
    Ok(())
}

fn tell(session: &Session, working_copy: &WorkingCopy, changes: &[&Change]) {
    for change in changes {
        let path = working_copy.path_of(change);
        session.output.say(format_args!("{:<15}{}", verb(change.letter), shown(&path)));
    }
    session.output.say("Transmitting file data.");
}

fn verb(letter: Letter) -> &'static str {
    match letter {
        Letter::Added | Letter::Unknown => "Adding",
        Letter::Deleted | Letter::Missing => "Deleting",
        _ => "Sending",
    }
}

/// Their content goes into the repository.
fn edits(working_copy: &WorkingCopy, changes: &[&Change]) -> Result<Edits, Error> {
    let edit = |change: &&Change| Ok((change.path.clone(), working_copy.store(change)?));
    changes.iter().map(edit).collect()
}

/// The newest files with the edits, unless somebody else changed the same ones.
fn apply(part: &Part, base: &Listing, newest: &Listing, edits: &Edits) -> Result<Listing, Error> {
    let overlaps = |(path, wanted): (&Vec<u8>, &Option<Leaf>)| {
        let now = newest.get(path);
        let is_theirs = now != wanted.as_ref() && now != base.get(path);
        let stands = |other: &[u8]| !matches!(edits.get(other), Some(None));
        let is_obstructed = wanted.is_some() && obstacle(newest, path).is_some_and(stands);
        (is_theirs || is_obstructed).then(|| part.path(path))
    };
    let overlapping: Vec<Vec<u8>> = edits.iter().filter_map(overlaps).collect();
    if !overlapping.is_empty() {
        return Err(Error::Refused(format!(
            "nothing was committed, for the server has newer changes to the same files: {}; eccfg pull \
             brings them here",
            notes::list(overlapping.iter().map(Vec::as_slice))
        )));
    }
    let mut files = newest.clone();
    for (path, wanted) in edits {
        match wanted {
            Some(leaf) => _ = files.insert(path.clone(), *leaf),
            None => _ = files.remove(path),
        }
    }
    Ok(files)
}
