//! Putting a backup back.
//!
//! Everything is taken apart and checked in a directory below `/var/ecconfigd`, so that a disk that
//! is mounted there will do. When it is whole that directory gets its last name, and what is in it is
//! moved up; who is killed meanwhile has that done at the next start.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tar::Archive;

use super::Error;
use super::checking::check_extracted;
use super::manifest::{Format, Stand};
use super::place::STATE;
use super::reading::Reader;
use crate::layout::Layout;
use crate::momentum::is_same_node;

/// What is being taken apart.
const UNFINISHED: &str = ".restoring";
/// What is whole, and only has to be moved.
const WHOLE: &str = ".restored";
/// What may be in a directory that has nothing.
const NOTHING: [&str; 4] = ["lock", "lost+found", UNFINISHED, WHOLE];

/// What the server is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// It stands alone, as it did.
    Alone,
    /// The member that it was, of a cluster whose others live: it takes another number and gets
    /// everything from them.
    Member,
    /// The first of a new cluster, for the old one is lost.
    NewCluster,
}

/// Restores an archive into the directory of a server that is not running and has nothing. `host` is
/// this server's name among others. Returns where each subcluster stands.
///
/// # Errors
/// In words for the administrator. The directory has nothing then, as before.
pub fn restore(
    layout: &Layout,
    from: impl Read,
    form: Form,
    host: &str,
) -> Result<BTreeMap<String, Stand>, Error> {
    finish(layout)?;
    let state = layout.state();
    refuse_something(&state)?;
    let mut archive = Archive::new(from);
    let reader = Reader::new(&mut archive)?;
    may_become(form, &reader.format, host)?;
    let unfinished = state.join(UNFINISHED);
    fs::create_dir(&unfinished).map_err(Error::file(&unfinished))?;
    let restored = take_apart(reader, &unfinished, form);
    if restored.is_err() {
        // What cannot be removed is not taken for anything, and removed at the next start.
        let _ = fs::remove_dir_all(&unfinished);
    }
    let stands = restored?;
    let whole = state.join(WHOLE);
    fs::rename(&unfinished, &whole).and_then(|()| sync(&state)).map_err(Error::file(&whole))?;
    finish(layout)?;
    Ok(stands)
}

fn take_apart(
    reader: Reader<'_, impl Read>,
    dir: &Path,
    form: Form,
) -> Result<BTreeMap<String, Stand>, Error> {
    let manifest = reader.extract(dir)?;
    let stands = check_extracted(dir, &manifest.subclusters)?;
    // A member gets its repositories from the others; one that begins anew knows nobody.
    let superfluous = match form {
        Form::Member => "repo",
        Form::Alone | Form::NewCluster => "cluster",
    };
    let superfluous = dir.join(STATE).join(superfluous);
    if superfluous.is_dir() {
        fs::remove_dir_all(&superfluous).map_err(Error::file(&superfluous))?;
    }
    sync_tree(dir).map_err(Error::file(dir))?;
    Ok(stands)
}

/// Does what a restoration that was killed has left: moves what is whole, removes what is not. Nobody
/// else may be using the directory.
///
/// # Errors
/// If a file cannot be moved or removed.
pub fn finish(layout: &Layout) -> Result<(), Error> {
    let state = layout.state();
    for leftover in [state.join(WHOLE), state.join(UNFINISHED)] {
        let from = leftover.join(STATE);
        if leftover.ends_with(WHOLE) && from.is_dir() {
            for entry in fs::read_dir(&from).map_err(Error::file(&from))? {
                let entry = entry.map_err(Error::file(&from))?;
                let to = state.join(entry.file_name());
                fs::rename(entry.path(), &to).map_err(Error::file(&to))?;
            }
            sync(&state).map_err(Error::file(&state))?;
        }
        match fs::remove_dir_all(&leftover) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Error::file(&leftover)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn refuse_something(state: &Path) -> Result<(), Error> {
    let device = fs::metadata(state).map_err(Error::file(state))?.dev();
    let mut found = Vec::new();
    for entry in fs::read_dir(state).map_err(Error::file(state))? {
        let entry = entry.map_err(Error::file(state))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        // A link, or a file system that is mounted there, cannot be replaced.
        let is_plain =
            || fs::symlink_metadata(&path).is_ok_and(|it| it.is_dir() && it.dev() == device);
        let is_empty = || fs::read_dir(&path).is_ok_and(|mut dir| dir.next().is_none());
        let is_nothing = NOTHING.contains(&name.as_str()) || is_plain() && is_empty();
        if !is_nothing {
            found.push(name);
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    found.sort();
    let state = state.display();
    Err(Error::Refused(format!(
        "{state} has something already ({}), and nothing is written over it: move that away (mv {state} {state}.old) and keep it until you have looked at what is restored",
        found.join(", "),
    )))
}

/// Whether the server of this name can be what it is to be.
fn may_become(form: Form, archive: &Format, host: &str) -> Result<(), Error> {
    let refused = |what: String| Err(Error::Refused(what));
    match (form, &archive.member) {
        (Form::Alone | Form::NewCluster, None) | (Form::NewCluster, Some(_)) => Ok(()),
        (Form::Alone, Some(member)) => refused(format!(
            "this backup is of {}, a member of a cluster with {}: say --member if others of them live, from whom this server then gets everything, or --force-new-cluster if all are lost for good",
            member.name,
            member.members.join(", "),
        )),
        (Form::Member, None) => refused(
            "this backup is of a server that stood alone, so it can be no member again: restore it without --member, or let a new server in with eccfg join".into(),
        ),
        (Form::Member, Some(member)) if !is_same_node(&member.name, host) => refused(format!(
            "this backup is of {}, and this server is {host}: two with one key would be taken for each other; install this one anew and let it in with eccfg join",
            member.name,
        )),
        (Form::Member, Some(_)) => Ok(()),
    }
}

fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Makes a directory durable with all that is in it.
fn sync_tree(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => sync_tree(&entry.path())?,
            false => File::open(entry.path())?.sync_all()?,
        }
    }
    sync(dir)
}
