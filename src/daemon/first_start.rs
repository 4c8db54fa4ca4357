//! Making what is missing, and only that. Every step can be done again after it was interrupted.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::sys::stat::{Mode, umask};

use super::failure::Failure;
use crate::layout::Layout;
use crate::replication::{self, Log};
use crate::repository::{Author, Change, Entry, Name, Prepared, Store};

/// The repositories that every installation has.
const REPOSITORIES: [&str; 2] = ["global", "default"];

/// Makes the directories. The certificate's is for everybody to read, as clients on this machine
/// need it; the repositories are not.
pub(super) fn make_directories(layout: &Layout) -> Result<(), Failure> {
    make_state(layout)?;
    make_directory(&layout.certificates(), 0o755, false)?;
    make_directory(&layout.repositories(), 0o750, false)?;
    make_directory(&layout.spool(), 0o700, false)
}

/// Everybody may pass through the directory of the service's files, to the certificate.
pub(super) fn make_state(layout: &Layout) -> Result<(), Failure> {
    let state = layout.state();
    if let Some(above) = state.parent() {
        make_directory(above, 0o750, true)?;
    }
    make_directory(&state, 0o755, false)
}

/// Each is made with its mode at once: one that gets it afterwards would keep a wrong one for ever if
/// the start were killed between.
fn make_directory(path: &Path, mode: u32, with_those_above: bool) -> Result<(), Failure> {
    let usual = umask(Mode::empty());
    let made = DirBuilder::new().recursive(with_those_above).mode(mode).create(path);
    umask(usual);
    match made {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made.map_err(|e| cannot_make(path, e)),
    }
}

fn cannot_make(path: &Path, error: std::io::Error) -> Failure {
    Failure::cannot_create(format!(
        "cannot make the directory {}: {error}; make it for the user of this service, or give --root",
        path.display(),
    ))
}

/// Removes what a killed server left on its way in or out.
pub(super) fn empty_spool(layout: &Layout) -> Result<(), Failure> {
    let spool = layout.spool();
    let failed = |e| Failure::cannot_create(format!("cannot empty {}: {e}", spool.display()));
    for entry in fs::read_dir(&spool).map_err(failed)? {
        fs::remove_file(entry.map_err(failed)?.path()).map_err(failed)?;
    }
    Ok(())
}

/// What a server that joins a cluster had before gives way to what the others have.
pub(super) fn put_aside(layout: &Layout) -> Result<(), Failure> {
    let failed = |e| {
        let path = layout.repositories();
        Failure::cannot_create(format!(
            "cannot put aside the repositories in {} for those of the cluster: {e}",
            path.display(),
        ))
    };
    if let Some(aside) = replication::put_aside(layout).map_err(failed)? {
        tracing::warn!(
            "this server joins a cluster and gets its repositories from the others; those it had are kept in {}",
            aside.display(),
        );
    }
    Ok(())
}

/// Makes the repositories of an installation that has none of that name.
pub(super) fn make_repositories(store: &Store, log: &Log) -> Result<(), Failure> {
    if log.is_member() {
        return Ok(());
    }
    for name in REPOSITORIES {
        let name = Name::new(name).expect("the names above are lower-case words");
        if store.is_taken(&name) {
            continue;
        }
        let author = this_program();
        let failed = |e| Failure::repositories(store.dir(), e);
        let Prepared { change, quarantine } =
            store.from_templates(&name, &author).map_err(failed)?;
        let (subcluster, change) = (name.to_string(), Change::Create(change));
        log.propose(&Entry { subcluster, change, author }, Some(&quarantine)).map_err(failed)?;
    }
    Ok(())
}

fn this_program() -> Author {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Author { who: "ecconfigd".into(), from: "localhost".into(), when: now.as_secs() as i64 }
}
