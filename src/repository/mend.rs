//! Mending a damaged repository for somebody who knows what should be in it: what is damaged is put
//! aside, objects come from another server, references and orders are written anew.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead};
use std::path::Path;
use std::sync::Arc;

use git2::Repository;

use super::create::init;
use super::snapshot::ref_on_disk;
use super::store::Slot;
use super::{
    Error, Name, Orders, Quarantine, Ref, RefUpdate, Store, apply, branch, check, damage, durable,
    restore,
};
use crate::libgit2;

/// What was wrong with the references of a repository.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// These led to nothing that is here.
    pub lost: Vec<String>,
    /// Somebody has moved these.
    pub by_hand: Vec<String>,
}

impl Store {
    /// Whether a repository is whole, and at these references and orders. Reads all of it, and changes
    /// nothing.
    pub fn is_whole(&self, name: &str, refs: &[Ref], orders: &Orders) -> Result<bool, Error> {
        let path = self.place_of(name)?;
        Ok(missing_files(&path).is_empty()
            && damage::files(&path)?.is_empty()
            && refs_here(&Repository::open_bare(&path)?, &[])? == refs
            && Orders::read(&path)? == *orders
            && damage::objects(&path)?.is_empty()
            && self.misses(name, refs)?.is_none())
    }

    /// Nobody is served from this repository before it has been brought back.
    pub fn keep_from_readers(&self, name: &str) -> Result<(), Error> {
        let known = self.known(name);
        let name = Name::new(name).ok_or_else(|| Error::NoSubcluster(name.to_owned()))?;
        self.slots_mut().insert(name, Slot::Mending(known));
        Ok(())
    }

    /// Puts aside what is damaged of a repository, and makes what is missing of its files, or all of
    /// it. Returns what was damaged, in words.
    pub fn put_aside_damage(&self, name: &str) -> Result<Vec<String>, Error> {
        let path = self.place_of(name)?;
        let mut damaged = match fs::symlink_metadata(&path) {
            // A link to nowhere may be a disk that is not mounted.
            Ok(_) if !path.is_dir() => {
                return Err(io::Error::from(io::ErrorKind::NotADirectory).into());
            }
            Ok(_) => Vec::new(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir(&path)?;
                vec!["all of it".to_owned()]
            }
            Err(error) => return Err(error.into()),
        };
        let found = [damage::files(&path)?, damage::objects(&path)?].concat();
        damaged.extend(damage::put_aside(&path, &found)?);
        damaged.extend(make_missing(&path)?);
        Ok(damaged)
    }

    /// What is missing in a repository of the history of these references, in words; none if it is
    /// whole. All of it is read.
    pub fn misses(&self, name: &str, refs: &[Ref]) -> Result<Option<String>, Error> {
        let ids = refs.iter().map(|(name, id)| (name.clone(), (*id).into()));
        let repository = Repository::open_bare(self.place_of(name)?)?;
        Ok(check::history_of(&repository, ids).err().map(|error| error.to_string()))
    }

    /// Takes a pack into a repository that may not be one that can be served yet.
    pub fn take_all(&self, name: &str, pack: impl BufRead) -> Result<(), Error> {
        let quarantine = Quarantine::receive_apart(self.dir(), pack)?;
        quarantine.take_in(&self.place_of(name)?.join("objects"))
    }

    /// Brings a repository whose objects are here to these references and orders, and to no others,
    /// and shows it to readers.
    pub fn bring_back(&self, name: &str, refs: &[Ref], orders: &Orders) -> Result<Moved, Error> {
        let name = Name::new(name).ok_or_else(|| Error::NoSubcluster(name.to_owned()))?;
        let (path, known) = (self.path(&name), self.known(name.as_str()));
        let mut moved = {
            let _one_at_a_time = known.as_ref().map(|known| known.writer());
            known.iter().for_each(|known| _ = known.show_none_ahead());
            orders.write(&path)?;
            set_refs(&libgit2::open(&path)?, refs)?
        };
        if let Some(known) = &known {
            // This program has moved those, where they led to nothing.
            let brought_back = known.take_brought_back();
            moved.lost.extend(moved.by_hand.extract_if(.., |name| brought_back.contains(name)));
        }
        let subcluster = match known {
            Some(known) => known.reread().map(|()| known)?,
            None => Arc::new(self.open_subcluster(&name)?),
        };
        self.slots_mut().insert(name, Slot::Open(subcluster));
        Ok(moved)
    }

    fn place_of(&self, name: &str) -> Result<std::path::PathBuf, Error> {
        let name = Name::new(name).ok_or_else(|| Error::NoSubcluster(name.to_owned()))?;
        Ok(self.path(&name))
    }
}

/// What a repository must have.
fn missing_files(path: &Path) -> Vec<String> {
    let needed = ["HEAD", "config", "objects", "objects/pack", "refs", "refs/heads", "refs/tags"];
    let missing = needed.iter().filter(|name| !path.join(name).exists());
    missing.map(|name| (*name).to_owned()).collect()
}

/// Makes what is missing of that, durably, and returns what it was.
fn make_missing(path: &Path) -> Result<Vec<String>, Error> {
    let missing = missing_files(path);
    if !missing.is_empty() {
        for dir in ["objects/pack", "objects/info", "refs/heads", "refs/tags"] {
            fs::create_dir_all(path.join(dir))?;
        }
        init(path, &path.file_name().unwrap_or_default().to_string_lossy())?;
        durable::sync_tree(path)?;
        durable::sync_dir(path.parent().expect("repositories lie in a directory"))?;
    }
    Ok(missing)
}

/// All branches and tags of a repository, and these names, with their values, sorted.
fn refs_here(repository: &Repository, names: &[Ref]) -> Result<Vec<Ref>, Error> {
    let mut names: BTreeSet<String> = names.iter().map(|(name, _)| name.clone()).collect();
    for reference in repository.references()? {
        let reference = reference?;
        let name = reference.name().unwrap_or_default();
        if branch::is_allowed(name) {
            names.insert(name.to_owned());
        }
    }
    let value = |name: String| {
        let value = ref_on_disk(repository, &name)?;
        Ok((name, value))
    };
    names.into_iter().map(value).collect()
}

fn set_refs(repository: &Repository, refs: &[Ref]) -> Result<Moved, Error> {
    let odb = repository.odb()?;
    let updates = restore::differences(&refs_here(repository, refs)?, refs);
    let transaction = apply::lock_and_compare(repository, &updates)?;
    let is_lost = |update: &RefUpdate| update.old.is_zero() || !odb.exists(update.old.into());
    let (lost, by_hand): (Vec<_>, Vec<_>) = updates.iter().partition(|update| is_lost(update));
    let names = |updates: &[&RefUpdate]| updates.iter().map(|u| u.name.clone()).collect();
    let moved = Moved { lost: names(&lost), by_hand: names(&by_hand) };
    apply::set(repository, transaction, &updates, &restore::restorer())?;
    Ok(moved)
}
