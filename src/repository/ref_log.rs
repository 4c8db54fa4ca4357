//! The logs of references (`logs` in gitrepository-layout(5)), which `git reflog` shows.
//!
//! They are for people, so they are not synced: a loss of power may take the last lines. libgit2
//! would sync them, each with its directory.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use git2::{Config, ConfigLevel, Oid, Repository, Signature};

use super::{Error, RefUpdate, durable};
use crate::protocol::Id;

/// Digits of an id.
const DIGITS: usize = Id::HEX_LEN;

/// Notes a move of a reference that has been made, where the repository keeps a log of it.
pub(super) fn note(repository: &Repository, update: &RefUpdate, who: &Signature<'_>) {
    if update.new.is_zero() || update.new == update.old {
        return;
    }
    // A damaged reference may have named anything, and git calls a log with that unsound.
    let is_there =
        update.old.is_zero() || repository.odb().is_ok_and(|odb| odb.exists(update.old.into()));
    let update = &RefUpdate { old: if is_there { update.old } else { Id::ZERO }, ..update.clone() };
    let head = repository.find_reference("HEAD").ok();
    let is_head = head.is_some_and(|head| head.symbolic_target().ok() == Some(Some(&update.name)));
    for name in [Some(update.name.as_str()), is_head.then_some("HEAD")].into_iter().flatten() {
        let log = repository.path().join("logs").join(name);
        if (log.is_file() || begins(repository, name))
            && let Err(error) = append(&log, &line(update, who))
        {
            tracing::warn!("a change of {name} is not noted in {}: {error}", log.display());
        }
    }
}

/// What a reference has been, oldest first, as far as its log tells: none if there is no log. A line
/// that is no line of a log, as one that was copied while it was written, is passed over.
pub(super) fn values(repository: &Repository, name: &str) -> Vec<Oid> {
    let log = fs::read(repository.path().join("logs").join(name)).unwrap_or_default();
    let mut values: Vec<Oid> = log.split(|&byte| byte == b'\n').flat_map(ids).flatten().collect();
    values.retain(|id| !id.is_zero());
    values.dedup();
    values
}

/// Takes the lines out of the logs of a reference that name what is not there: git takes them for
/// damage.
pub(super) fn forget_missing(repository: &Repository, name: &str) -> Result<(), Error> {
    let odb = repository.odb()?;
    for name in [name, "HEAD"] {
        let path = repository.path().join("logs").join(name);
        let Ok(log) = fs::read(&path) else { continue };
        durable::write_file(&path, &filtered(&log, |id| odb.exists(id)))?;
    }
    Ok(())
}

/// The lines of a log that name only what is there.
pub(super) fn filtered(log: &[u8], is_there: impl Fn(Oid) -> bool) -> Vec<u8> {
    let is_known = |id: &Option<Oid>| id.is_some_and(|id| id.is_zero() || is_there(id));
    let lines = log.split_inclusive(|&byte| byte == b'\n');
    lines.filter(|line| ids(line).iter().all(is_known)).collect::<Vec<_>>().concat()
}

/// The old value and the new one in a line of a log.
fn ids(line: &[u8]) -> [Option<Oid>; 2] {
    let id = |bytes: Option<&[u8]>| Oid::from_str(std::str::from_utf8(bytes?).ok()?).ok();
    [id(line.get(..DIGITS)), id(line.get(DIGITS + 1..2 * DIGITS + 1))]
}

/// Whether a log is begun for this one (`core.logAllRefUpdates` in git-config(1)).
fn begins(repository: &Repository, name: &str) -> bool {
    let config = repository.config().and_then(|config| config.open_level(ConfigLevel::Local));
    let value = config.and_then(|config| config.get_string("core.logAllRefUpdates"));
    match value.as_deref() {
        Ok("always") => true,
        Ok(value) => {
            Config::parse_bool(value).unwrap_or(false)
                && (name == "HEAD" || name.starts_with("refs/heads/"))
        }
        Err(_) => false,
    }
}

fn line(update: &RefUpdate, who: &Signature<'_>) -> Vec<u8> {
    let mut line = format!("{} {} ", update.old, update.new).into_bytes();
    line.extend_from_slice(who.name_bytes());
    line.extend_from_slice(b" <");
    line.extend_from_slice(who.email_bytes());
    line.extend_from_slice(format!("> {} +0000\tpush\n", who.when().seconds()).as_bytes());
    line
}

fn append(log: &Path, line: &[u8]) -> io::Result<()> {
    let open = || File::options().append(true).create(true).open(log);
    let mut file = match open() {
        Err(e) if e.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(log.parent().expect("a log lies in a directory"))?;
            open()?
        }
        // References below this name have gone, their directories have stayed.
        Err(e) if e.kind() == ErrorKind::IsADirectory => {
            remove_empty(log)?;
            open()?
        }
        other => other?,
    };
    file.write_all(line)
}

/// Removes a directory that has nothing but such directories in it.
fn remove_empty(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        remove_empty(&entry?.path())?;
    }
    fs::remove_dir(dir)
}
