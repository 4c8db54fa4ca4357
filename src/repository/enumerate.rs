//! Which objects go into a pack.

use std::collections::HashSet;

use git2::{ObjectType, Odb, Oid, Repository, Tree, TreeEntry};

use super::shallow::{self, Cut};
use super::trees::{self, Visit};
use super::{Error, Snapshot};
use crate::protocol::Filter;

/// What is wanted, sorted by what it is.
#[derive(Default)]
pub(super) struct Wants {
    /// Commits, those behind tags included.
    pub(super) commits: Vec<Oid>,
    /// The tags on the way to them.
    pub(super) tags: Vec<Oid>,
    trees: Vec<Oid>,
    blobs: Vec<Oid>,
}

impl Wants {
    /// Nothing but these commits.
    pub(super) fn commits(commits: Vec<Oid>) -> Self {
        Self { commits, ..Self::default() }
    }

    /// Whether nothing but commits and tags is wanted.
    pub(super) fn are_histories(&self) -> bool {
        self.trees.is_empty() && self.blobs.is_empty()
    }

    /// Looks the objects up.
    pub(super) fn sort(
        repository: &Repository,
        ids: impl Iterator<Item = Oid>,
    ) -> Result<Self, Error> {
        let mut wants = Self::default();
        let odb = repository.odb()?;
        let mut seen = HashSet::new();
        for id in ids {
            // A tag may lead to a tag, and so on for longer than a stack is deep.
            let mut next = Some(id);
            while let Some(id) = next.take_if(|id| seen.insert(*id)) {
                next = wants.add(repository, &odb, id)?;
            }
        }
        Ok(wants)
    }

    /// Adds one object, and returns what it leads to if it is a tag.
    fn add(
        &mut self,
        repository: &Repository,
        odb: &Odb<'_>,
        id: Oid,
    ) -> Result<Option<Oid>, Error> {
        // git's own words, which its client looks for.
        let unknown = |_| Error::NotFound(format!("upload-pack: not our ref {id}"));
        let (_, kind) = odb.read_header(id).map_err(unknown)?;
        match kind {
            ObjectType::Commit => self.commits.push(id),
            ObjectType::Tree => self.trees.push(id),
            ObjectType::Tag => {
                self.tags.push(id);
                return Ok(Some(repository.find_tag(id)?.target_id()));
            }
            _ => self.blobs.push(id),
        }
        Ok(None)
    }
}

/// What is next for a commit on the way through a history, parents first.
enum Step {
    Parents(Oid),
    Itself(Oid),
}

/// The commits to send, and which of their parents the client has or gets.
struct Commits {
    /// Parents before their children, as [`trees::walk_new`] needs it.
    send: Vec<Oid>,
    /// With a cut history, parents outside of these are not there to be built upon.
    there: Option<HashSet<Oid>>,
}

impl Commits {
    fn select(
        repository: &Repository,
        wants: &[Oid],
        common: &[Oid],
        cut: Option<&Cut>,
        client_ends: &HashSet<Oid>,
    ) -> Result<Self, Error> {
        match cut {
            None => Self::whole(repository, wants, common),
            Some(cut) => Self::cut(repository, wants, common, cut, client_ends),
        }
    }

    fn whole(repository: &Repository, wants: &[Oid], common: &[Oid]) -> Result<Self, Error> {
        let mut walk = repository.revwalk()?;
        walk.set_sorting(trees::PARENTS_FIRST)?;
        wants.iter().try_for_each(|&id| walk.push(id))?;
        for &id in common {
            // What both have may be a tag or a blob; hiding it is of no use then.
            let _ = walk.hide(id);
        }
        Ok(Self { send: walk.collect::<Result<_, _>>()?, there: None })
    }

    fn cut(
        repository: &Repository,
        wants: &[Oid],
        common: &[Oid],
        cut: &Cut,
        client_ends: &HashSet<Oid>,
    ) -> Result<Self, Error> {
        let odb = repository.odb()?;
        let is_commit = |&id: &Oid| matches!(odb.read_header(id), Ok((_, ObjectType::Commit)));
        let common: Vec<Oid> = common.iter().copied().filter(is_commit).collect();
        let mut there = shallow::ancestors(repository, &common, client_ends)?;
        let mut send = Vec::new();
        let starts = wants.iter().chain(&cut.uncovered);
        let mut stack: Vec<Step> = starts.map(|&id| Step::Parents(id)).collect();
        while let Some(step) = stack.pop() {
            match step {
                Step::Itself(id) => send.push(id),
                Step::Parents(id) if there.insert(id) => {
                    stack.push(Step::Itself(id));
                    if !cut.ends.contains(&id) {
                        stack.extend(repository.find_commit(id)?.parent_ids().map(Step::Parents));
                    }
                }
                Step::Parents(_) => {}
            }
        }
        Ok(Self { send, there: Some(there) })
    }

    fn is_there(&self, parent: Oid) -> bool {
        self.there.as_ref().is_none_or(|there| there.contains(&parent))
    }
}

/// Everything that decides upon the content of a pack.
pub(super) struct Selection<'a> {
    pub(super) wants: &'a Wants,
    pub(super) common: &'a [Oid],
    pub(super) cut: Option<&'a Cut>,
    pub(super) client_ends: &'a HashSet<Oid>,
    pub(super) filter: Filter,
    pub(super) include_tag: bool,
}

impl Selection<'_> {
    /// Hands each object to `add`, with its name if it has one, and returns the commits among them.
    /// What a commit shares with its parents is left out, so the work grows with what is sent and
    /// not with what there is. An object may come twice.
    pub(super) fn visit(
        &self,
        repository: &Repository,
        snapshot: &Snapshot,
        add: &mut Add<'_>,
    ) -> Result<Vec<Oid>, Error> {
        let commits = Commits::select(
            repository,
            &self.wants.commits,
            self.common,
            self.cut,
            self.client_ends,
        )?;
        for &id in self.wants.tags.iter().chain(&self.wants.blobs).chain(&commits.send) {
            add(id, None)?;
        }
        if self.include_tag {
            let sent: HashSet<Oid> = commits.send.iter().copied().collect();
            let tags = annotated_tags(repository, snapshot).into_iter();
            for (tag, _) in tags.filter(|(_, commit)| sent.contains(commit)) {
                add(tag, None)?;
            }
        }
        let mut insert = Insert { odb: repository.odb()?, filter: self.filter, add };
        let mut seen = trees::Seen::new();
        for &tree in &self.wants.trees {
            trees::walk_new(repository, tree, &[], &mut seen, &mut insert)?;
        }
        if self.filter == Filter::NoTrees {
            return Ok(commits.send);
        }
        for &id in &commits.send {
            let commit = repository.find_commit(id)?;
            let there = commit.parent_ids().filter(|&parent| commits.is_there(parent));
            let bases = there
                .map(|parent| Ok(repository.find_commit(parent)?.tree_id()))
                .collect::<Result<Vec<_>, Error>>()?;
            trees::walk_new(repository, commit.tree_id(), &bases, &mut seen, &mut insert)?;
        }
        Ok(commits.send)
    }
}

/// The annotated tags, and those that they name on the way, with the commits they lead to.
pub(super) fn annotated_tags(repository: &Repository, snapshot: &Snapshot) -> Vec<(Oid, Oid)> {
    let mut tags = Vec::new();
    for reference in snapshot.refs() {
        let Some(peeled) = reference.peeled else { continue };
        let mut next = Some(Oid::from(reference.target));
        while let Some(tag) = next.and_then(|id| repository.find_tag(id).ok()) {
            tags.push((tag.id(), peeled.into()));
            next = Some(tag.target_id());
        }
    }
    tags
}

/// Takes an object in, with the name of its file or directory.
pub(super) type Add<'a> = dyn FnMut(Oid, Option<&str>) -> Result<(), Error> + 'a;

struct Insert<'a, 'p, 'f> {
    odb: Odb<'a>,
    filter: Filter,
    add: &'p mut Add<'f>,
}

impl Visit for Insert<'_, '_, '_> {
    fn tree(&mut self, tree: &Tree<'_>, path: &[u8]) -> Result<(), Error> {
        // The name tells libgit2 which trees are likely to be alike.
        (self.add)(tree.id(), name(path))
    }

    fn leaf(&mut self, entry: &TreeEntry<'_>, path: &[u8]) -> Result<(), Error> {
        let wanted = match self.filter {
            Filter::None => true,
            Filter::NoBlobs | Filter::NoTrees => false,
            Filter::BlobLimit(limit) => (self.odb.read_header(entry.id())?.0 as u64) < limit,
        };
        // A submodule's commit is not in this repository.
        if wanted && entry.kind() == Some(ObjectType::Blob) {
            (self.add)(entry.id(), name(path))?;
        }
        Ok(())
    }
}

fn name(path: &[u8]) -> Option<&str> {
    let path = std::str::from_utf8(path).ok()?;
    path.rsplit('/').next()
}
