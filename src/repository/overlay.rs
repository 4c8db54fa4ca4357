//! The files of one subcluster laid over those of another.

use std::collections::{HashMap, HashSet};
use std::io::BufReader;
use std::path::Path;

use git2::{ObjectType, Oid, Repository};

use super::enumerate::{Selection, Wants};
use super::quarantine::add_objects;
use super::tree_rules::MAX_DEPTH;
use super::{
    Author, BOOT, Error, Head, Prepared, Quarantine, RefUpdate, Snapshot, Spool, Subcluster, pack,
};
use crate::protocol::{Filter, Id};

/// New objects are written there, and looked for, before the directories on disk.
const IN_FRONT: i32 = 1000;

impl Subcluster {
    /// Prepares a commit that lays the newest revision of `source` over this one's: files of the
    /// source win, what only this one has stays. `None` if that changes nothing. A large pack is
    /// spooled into `spool_dir`.
    pub fn overlay(
        &self,
        source: &Self,
        author: &Author,
        spool_dir: &Path,
    ) -> Result<Option<Prepared>, Error> {
        source.refuse_conflict()?;
        self.refuse_conflict()?;
        let (from, onto) = (source.head()?, self.snapshot().head);
        // Not a handle that others use: this one sees more than they may.
        let repository = Repository::open_bare(self.path())?;
        let odb = repository.odb()?;
        add_objects(&odb, &source.objects())?;
        odb.add_new_mempack_backend(IN_FRONT)?;

        let parent = onto.map(|head| Oid::from(head.commit));
        let message = message(source, from, self);
        let Some(commit) = commit(&repository, from.commit.into(), parent, author, &message)?
        else {
            return Ok(None);
        };
        let pack = pack_of(&repository, commit, parent, spool_dir)?;
        let quarantine = Quarantine::receive(self, BufReader::new(pack.reader()))?;
        let old = onto.map_or(Id::ZERO, |head| head.commit);
        let boot = RefUpdate { name: BOOT.into(), old, new: commit.into() };
        Ok(Some(Prepared::new(vec![boot], quarantine)))
    }
}

fn message(source: &Subcluster, from: Head, onto: &Subcluster) -> String {
    let (source, onto, Head { commit, revision }) = (source.name(), onto.name(), from);
    format!(
        "Copy revision {revision} of {source} over {onto}\n\n\
         Files of {source} (commit {commit}) replace those of the same names;\n\
         what only {onto} has stays.\n"
    )
}

fn commit(
    repository: &Repository,
    upper: Oid,
    parent: Option<Oid>,
    author: &Author,
    message: &str,
) -> Result<Option<Oid>, Error> {
    let upper = repository.find_commit(upper)?.tree_id();
    let parent = parent.map(|id| repository.find_commit(id)).transpose()?;
    let lower = parent.as_ref().map(git2::Commit::tree_id);
    let tree = match lower {
        None => upper,
        Some(lower) => Layers { repository, laid: HashMap::new() }.lay(upper, lower, MAX_DEPTH)?,
    };
    if lower == Some(tree) {
        return Ok(None);
    }
    let (who, tree) = (author.signature()?, repository.find_tree(tree)?);
    let parents = Vec::from_iter(&parent);
    Ok(Some(repository.commit(None, &who, &who, message, &tree, &parents)?))
}

/// Trees laid over others, each pair once: a few trees may stand for very many files.
struct Layers<'a> {
    repository: &'a Repository,
    laid: HashMap<(Oid, Oid), Oid>,
}

impl Layers<'_> {
    fn lay(&mut self, upper: Oid, lower: Oid, depth: usize) -> Result<Oid, Error> {
        if upper == lower {
            return Ok(upper);
        }
        if let Some(&laid) = self.laid.get(&(upper, lower)) {
            return Ok(laid);
        }
        let Some(depth) = depth.checked_sub(1) else {
            return Err(Error::BadRef(format!("directories lie more than {MAX_DEPTH} deep")));
        };
        let base = self.repository.find_tree(lower)?;
        let mut tree = self.repository.treebuilder(Some(&base))?;
        for entry in self.repository.find_tree(upper)?.iter() {
            let name = entry.name_bytes();
            let is_tree = |kind: Option<ObjectType>| kind == Some(ObjectType::Tree);
            let below = base.get_name_bytes(name).filter(|below| is_tree(below.kind()));
            let id = match below {
                Some(below) if is_tree(entry.kind()) => self.lay(entry.id(), below.id(), depth)?,
                _ => entry.id(),
            };
            tree.insert(name, id, entry.filemode())?;
        }
        let laid = tree.write()?;
        self.laid.insert((upper, lower), laid);
        Ok(laid)
    }
}

/// What the commit has that its parent has not.
fn pack_of(
    repository: &Repository,
    commit: Oid,
    parent: Option<Oid>,
    spool_dir: &Path,
) -> Result<Spool, Error> {
    let selection = Selection {
        wants: &Wants::sort(repository, [commit].into_iter())?,
        common: &Vec::from_iter(parent),
        cut: None,
        client_ends: &HashSet::new(),
        filter: Filter::None,
        include_tag: false,
    };
    let mut builder = repository.packbuilder()?;
    selection.visit(repository, &Snapshot::default(), &mut |id, name| {
        Ok(builder.insert_object(id, name)?)
    })?;
    pack::spool(&mut builder, spool_dir, &|| true)
}
