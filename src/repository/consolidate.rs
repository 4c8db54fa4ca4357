//! Many packs become one: libgit2 looks for each object in one pack after the other.
//!
//! Nothing is ever lost on the way, whatever happens when: the new pack has every object of the old
//! ones, is durable and has been compared with them before the first of them goes. `git gc`, which
//! does the same, may run at the same time. What no reference reaches any more stays, as somebody
//! may be about to push a reference to it; only git removes such objects.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use git2::{ObjectType, Oid, Repository, Tree, TreeEntry};

use super::pack_list::{self, PackFile};
use super::trees::{self, Seen, Visit};
use super::{Error, Subcluster, durable, segment};

/// More objects than this are written together only when nothing else happens.
const LARGE: u64 = 20_000;
/// With so many packs they are written whatever happens.
const FAR_TOO_MANY: usize = 100;
/// How long old packs wait for those who may use them. After that they stay until the next time.
const IN_USE: Duration = Duration::from_secs(60);

/// What has come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consolidated {
    /// There is nothing to do any more.
    Done,
    /// There will be, when nobody pushes.
    Later,
}

impl Subcluster {
    /// Makes few packs of many. `is_quiet`: nobody has changed anything for a while.
    pub(super) fn consolidate(&self, is_quiet: bool) -> Result<Consolidated, Error> {
        let packs = pack_list::list(&self.objects())?;
        let many = packs.len();
        let old = pack_list::to_join(packs);
        if old.is_empty() {
            return Ok(Consolidated::Done);
        }
        let objects: u64 = old.iter().map(|pack| u64::from(pack.objects)).sum();
        if objects > LARGE && many < FAR_TOO_MANY && !is_quiet {
            return Ok(Consolidated::Later);
        }
        let new = self.read(|repository| join(repository, &self.objects(), &old))?;
        if !self.handles().renew().ends_within(IN_USE) || !new.is_there() {
            return Ok(Consolidated::Later);
        }
        old.iter().filter(|pack| **pack != new).try_for_each(PackFile::remove)?;
        tracing::debug!(subcluster = %self.name(), "{} packs have become one", old.len());
        Ok(Consolidated::Done)
    }
}

/// Writes one pack with the objects of these, durably.
fn join(repository: &Repository, objects: &Path, old: &[PackFile]) -> Result<PackFile, Error> {
    let mut wanted: HashMap<Oid, Option<String>> = HashMap::new();
    for pack in old {
        wanted.extend(pack.index()?.0.into_iter().map(|(id, _)| (id, None)));
    }
    name(repository, &mut wanted)?;
    let mut builder = repository.packbuilder()?;
    for (id, name) in &wanted {
        builder.insert_object(*id, name.as_deref())?;
    }
    // Not where readers look for packs.
    let apart = repository.path().join(segment::DIR);
    segment::make_dir(&apart)?;
    let dir = tempfile::Builder::new().prefix(segment::UNFINISHED).tempdir_in(apart)?;
    builder.write(dir.path(), 0o440)?;
    let name = builder.name().ok().flatten().map(str::to_owned);
    let stem = format!("pack-{}", name.ok_or_else(|| git2::Error::from_str("a pack has no name"))?);
    let new = PackFile::at(dir.path().join(&stem))?;
    let is_whole = new.index()?.0.iter().filter(|(id, _)| wanted.contains_key(id)).count();
    if is_whole != wanted.len() {
        return Err(git2::Error::from_str("a new pack lacks objects").into());
    }
    let target = objects.join("pack");
    // libgit2 and git look for the index first, so the pack must be there before it.
    for ending in ["pack", "idx"] {
        let name = format!("{stem}.{ending}");
        fs::rename(dir.path().join(&name), target.join(name))?;
    }
    durable::sync_dir(&target)?;
    Ok(PackFile::at(target.join(stem))?)
}

/// Gives files and directories the names that they have in the commits among these objects: they
/// tell which are alike.
fn name(repository: &Repository, wanted: &mut HashMap<Oid, Option<String>>) -> Result<(), Error> {
    let odb = repository.odb()?;
    let mut commits = Vec::new();
    for &id in wanted.keys() {
        if odb.read_header(id)?.1 == ObjectType::Commit {
            commits.push(repository.find_commit(id)?);
        }
    }
    let mut seen = Seen::new();
    for commit in commits {
        let bases: Vec<Oid> = commit.parents().map(|parent| parent.tree_id()).collect();
        trees::walk_new(repository, commit.tree_id(), &bases, &mut seen, &mut Names(wanted))?;
    }
    Ok(())
}

struct Names<'a>(&'a mut HashMap<Oid, Option<String>>);

impl Names<'_> {
    fn set(&mut self, id: Oid, path: &[u8]) {
        if let (Some(name), Ok(path)) = (self.0.get_mut(&id), std::str::from_utf8(path)) {
            *name = path.rsplit('/').next().map(str::to_owned);
        }
    }
}

impl Visit for Names<'_> {
    fn tree(&mut self, tree: &Tree<'_>, path: &[u8]) -> Result<(), Error> {
        self.set(tree.id(), path);
        Ok(())
    }

    fn leaf(&mut self, entry: &TreeEntry<'_>, path: &[u8]) -> Result<(), Error> {
        self.set(entry.id(), path);
        Ok(())
    }
}
