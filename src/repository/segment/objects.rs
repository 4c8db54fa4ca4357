//! The objects of a segment.

use std::collections::HashSet;
use std::path::Path;

use git2::{Oid, Repository};

use super::table::Table;
use crate::protocol::Filter;
use crate::repository::enumerate::{Selection, Wants};
use crate::repository::{Error, Snapshot, Spool, pack};

/// What some commits reach and others do not, with the names that tell which objects are alike.
#[derive(Default)]
pub(super) struct Objects {
    /// Commits, those whose parents are here first.
    pub(super) commits: Vec<Oid>,
    list: Vec<(Oid, Option<String>)>,
    ids: HashSet<Oid>,
}

impl Objects {
    /// Finds them, by comparing each commit's tree with its parents'.
    pub(super) fn between(
        repository: &Repository,
        bases: &[Oid],
        tips: &[Oid],
    ) -> Result<Self, Error> {
        let wants = Wants::commits(tips.to_vec());
        let selection = Selection {
            wants: &wants,
            common: bases,
            cut: None,
            client_ends: &HashSet::new(),
            filter: Filter::None,
            include_tag: false,
        };
        let mut objects = Self::default();
        objects.commits = selection.visit(repository, &Snapshot::default(), &mut |id, name| {
            objects.add(id, name);
            Ok(())
        })?;
        Ok(objects)
    }

    fn add(&mut self, id: Oid, name: Option<&str>) {
        if self.ids.insert(id) {
            self.list.push((id, name.map(str::to_owned)));
        }
    }

    /// Objects that are given by their ids alone.
    pub(super) fn of(ids: Vec<Oid>) -> Self {
        let mut objects = Self::default();
        ids.into_iter().for_each(|id| objects.add(id, None));
        objects
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn contains(&self, id: &Oid) -> bool {
        self.ids.contains(id)
    }

    /// The parents that are not among the commits, sorted.
    pub(super) fn boundary(&self, repository: &Repository) -> Result<Vec<Oid>, Error> {
        let mut parents = Vec::new();
        for &id in &self.commits {
            let commit = repository.find_commit(id)?;
            parents.extend(commit.parent_ids().filter(|parent| !self.ids.contains(parent)));
        }
        parents.sort();
        parents.dedup();
        Ok(parents)
    }

    /// Builds a pack of them, searching for deltas.
    pub(super) fn build(&self, repository: &Repository, spool_dir: &Path) -> Result<Spool, Error> {
        let mut builder = repository.packbuilder()?;
        for (id, name) in &self.list {
            builder.insert_object(*id, name.as_deref())?;
        }
        pack::spool(&mut builder, spool_dir, &|| true)
    }

    /// The table of a segment that holds them all.
    pub(super) fn table(&self, bases: Vec<Oid>, tips: Vec<Oid>) -> Table {
        let mut ids: Vec<Oid> = self.ids.iter().copied().collect();
        ids.sort();
        let mut inner = Vec::new();
        if !bases.is_empty() {
            inner = self.commits.clone();
            inner.retain(|commit| !tips.contains(commit));
        }
        Table { bases: sorted(bases), tips: sorted(tips), inner, ids, joined: 0 }
    }
}

pub(super) fn sorted(mut ids: Vec<Oid>) -> Vec<Oid> {
    ids.sort();
    ids.dedup();
    ids
}
