//! Whether what lies somewhere is whole.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tar::Archive;

use super::manifest::{Format, Stand};
use super::reading::Reader;
use super::{Error, place};
use crate::accounts;
use crate::repository::{self, Name, OnDisk, Standing};

/// A server that runs may gather packs while they are read: what fails is looked at again.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// What has been found.
#[derive(Debug)]
pub struct Checked {
    /// What an archive says of itself.
    pub format: Option<Format>,
    /// Where each subcluster stands that is whole.
    pub whole: BTreeMap<String, Stand>,
    /// What is wrong, in a sentence each.
    pub wrong: Vec<String>,
}

/// Checks an archive: the sum of each file, and all that its references lead to. It is taken apart
/// below the directory for temporary files.
///
/// # Errors
/// With the first thing that is wrong.
pub fn check_archive(from: impl Read) -> Result<Checked, Error> {
    let temporary = std::env::temp_dir();
    let dir = tempfile::Builder::new().prefix("ecconfigd-verify-").tempdir_in(&temporary);
    let dir = dir.map_err(Error::file(&temporary))?;
    let mut archive = Archive::new(from);
    let reader = Reader::new(&mut archive)?;
    let format = reader.format.clone();
    let manifest = reader.extract(dir.path())?;
    let whole = check_extracted(dir.path(), &manifest.subclusters)?;
    Ok(Checked { format: Some(format), whole, wrong: Vec::new() })
}

/// Checks what has been extracted below `dir`.
pub(super) fn check_extracted(
    dir: &Path,
    stands: &BTreeMap<String, Stand>,
) -> Result<BTreeMap<String, Stand>, Error> {
    let state = dir.join(place::STATE);
    let accounts = accounts::File::at(state.join("accounts"));
    accounts.read().map_err(|error| Error::Damaged(error.to_string()))?;
    let repositories = state.join("repo");
    let names = match repositories.is_dir() {
        true => OnDisk::names(&repositories).map_err(Error::file(&repositories))?,
        false => Vec::new(),
    };
    let mut found = BTreeMap::new();
    for name in names {
        let stand = check_one(&repositories, &name)?;
        if stands.get(name.as_str()) != Some(&stand) {
            return Err(Error::Damaged(format!("subcluster {name} is not where the backup says")));
        }
        found.insert(name.to_string(), stand);
    }
    match stands.keys().find(|name| !found.contains_key(*name)) {
        Some(name) => Err(Error::Damaged(format!("there is no subcluster {name} in it"))),
        None => Ok(found),
    }
}

/// Checks what lies in a directory: the server's own, which may be running, one that was restored, or
/// an archive that was taken apart by hand. Nothing is written.
///
/// # Errors
/// If there is nothing to be checked. What is wrong with it stands in the answer.
pub fn check_directory(dir: &Path) -> Result<Checked, Error> {
    let state = state_of(dir)?;
    let repositories = state.join("repo");
    let (mut whole, mut wrong) = (BTreeMap::new(), Vec::new());
    let accounts = accounts::File::at(state.join("accounts"));
    wrong.extend(accounts.read().err().map(|error| error.to_string()));
    for name in OnDisk::names(&repositories).map_err(Error::file(&repositories))? {
        match check_again(&repositories, &name) {
            Ok(stand) => _ = whole.insert(name.to_string(), stand),
            Err(error) => wrong.push(error.to_string()),
        }
    }
    Ok(Checked { format: None, whole, wrong })
}

fn state_of(dir: &Path) -> Result<PathBuf, Error> {
    let candidates = [dir.to_owned(), dir.join(place::STATE)];
    candidates.into_iter().find(|state| state.join("repo").is_dir()).ok_or_else(|| {
        Error::Refused(format!(
            "there are no repositories to check: {} is no directory",
            dir.join("repo").display()
        ))
    })
}

fn check_again(repositories: &Path, name: &Name) -> Result<Stand, Error> {
    let mut tries = 1;
    loop {
        match check_one(repositories, name) {
            Err(_) if tries < TRIES => thread::sleep(PAUSE),
            checked => return checked,
        }
        tries += 1;
    }
}

fn check_one(repositories: &Path, name: &Name) -> Result<Stand, Error> {
    let check = || {
        let on_disk = OnDisk::open(&repositories.join(name.as_str()))?;
        let Standing { refs, nowhere, .. } = on_disk.standing()?;
        if let Some((reference, id)) = nowhere.first() {
            let told = format!("{reference} leads to {id}, which is not there");
            return Err(repository::Error::Unsound(told));
        }
        let objects = on_disk.check(&refs, |_| true)?;
        let head = on_disk.head(&refs)?;
        let (revision, commit) = (head.map(|head| head.revision), head.map(|head| head.commit));
        Ok(Stand { revision, commit, references: refs.len(), objects })
    };
    check().map_err(|source| Error::NotWhole { subcluster: name.to_string(), source })
}
