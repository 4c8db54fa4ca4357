//! Policy: which pushed changes are allowed.

use std::collections::HashSet;

use git2::{ErrorClass, ErrorCode, ObjectType, Oid, Repository, Tag};

use super::branch::{self, BOOT, RUNNING};
use super::changed_paths::changed_paths;
use super::tree_rules::TreeRules;
use super::{Error, Quarantine, Snapshot, Subcluster, headers, trees};
use crate::protocol::{Id, RefCommand};

/// Bytes of a commit or a tag: whoever asks for anything at that commit has it read.
const MAX_HEADER: usize = 1 << 20;
/// Paths remembered of one change, for the log.
const MAX_PATHS: usize = 20;

/// What somebody may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Everything.
    All,
    /// The branch `running` only.
    Running,
}

/// The judgement on one reference.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may change; these are the first paths that differ, and how many more do.
    Allowed {
        /// Paths in the repository.
        paths: Vec<String>,
        /// Those not listed.
        more: usize,
    },
    /// It may not, for this reason, told to the client.
    Refused(String),
}

/// Judges each command of a push by itself. The objects are looked for in quarantine too. Ends early
/// when nobody waits for it any more.
pub fn judge(
    subcluster: &Subcluster,
    quarantine: Option<&Quarantine>,
    commands: &[RefCommand],
    rights: Rights,
    is_wanted: &dyn Fn() -> bool,
) -> Result<Vec<Verdict>, Error> {
    let snapshot = subcluster.snapshot();
    let judge_all = |repository: &Repository| {
        let bench = Bench { repository, snapshot: &snapshot, rights, is_wanted };
        let mut names = HashSet::new();
        commands
            .iter()
            .map(|command| match names.insert(&command.name) {
                true => bench.judge(command),
                false => refused("it is named twice in one push"),
            })
            .collect()
    };
    match quarantine {
        Some(quarantine) => judge_all(&quarantine.repository(subcluster)?),
        None => subcluster.read(judge_all),
    }
}

/// Whether libgit2 could not make sense of an object.
fn is_unreadable(error: &git2::Error) -> bool {
    use ErrorClass::{Invalid, Object, Tag, Tree};
    matches!(error.class(), Invalid | Object | Tag | Tree)
}

struct Bench<'a> {
    repository: &'a Repository,
    snapshot: &'a Snapshot,
    rights: Rights,
    is_wanted: &'a dyn Fn() -> bool,
}

fn refused(reason: impl Into<String>) -> Result<Verdict, Error> {
    Ok(Verdict::Refused(reason.into()))
}

impl Bench<'_> {
    fn judge(&self, command: &RefCommand) -> Result<Verdict, Error> {
        let name = command.name.as_str();
        if !branch::is_allowed(name) {
            return refused("only branches and tags are kept here");
        }
        if !branch::is_valid(name) {
            return refused("no branch or tag can have this name");
        }
        if self.rights == Rights::Running && name != RUNNING {
            return refused("this account may write the branch running only");
        }
        if command.new.is_zero() {
            return match branch::is_kept(name) {
                true => refused("this branch cannot be deleted"),
                false => Ok(Verdict::Allowed { paths: Vec::new(), more: 0 }),
            };
        }
        // One that is there already can still be deleted.
        if branch::is_misleading(name) {
            return refused("git would take this name for another thing, or another thing for it");
        }
        match self.judge_objects(command) {
            Err(Error::Git(e)) if e.code() == ErrorCode::NotFound => {
                refused("the push is incomplete: objects are missing")
            }
            // What has been taken in can be read, so this came with the push.
            Err(Error::Git(e)) if is_unreadable(&e) => refused("the push holds a damaged object"),
            Err(Error::BadPack(reason)) => refused(reason),
            other => other,
        }
    }

    fn judge_objects(&self, command: &RefCommand) -> Result<Verdict, Error> {
        let target = self.repository.find_object(command.new.into(), None)?;
        self.check_tags(target.as_tag().cloned())?;
        if command.name.starts_with("refs/heads/") && target.kind() != Some(ObjectType::Commit) {
            return refused("a branch must point to a commit");
        }
        let tip = match target.peel_to_commit() {
            Ok(commit) => commit.id(),
            Err(_) => return refused("a tag must lead to a commit"),
        };
        if branch::is_kept(&command.name) {
            // A value that is not here is not the branch's.
            if !command.old.is_zero() && self.repository.find_commit(command.old.into()).is_err() {
                return refused("fetch first");
            }
            if !self.is_fast_forward(command.old, tip)? {
                return refused("non-fast forward");
            }
        }
        self.check_content(tip)?;
        match command.name.as_str() {
            BOOT | RUNNING => self.changed_paths(command.old, tip),
            _ => Ok(Verdict::Allowed { paths: Vec::new(), more: 0 }),
        }
    }

    fn is_fast_forward(&self, old: Id, tip: Oid) -> Result<bool, Error> {
        let old = Oid::from(old);
        // Nearly always it is the commit before, and no history has to be walked.
        if old.is_zero()
            || old == tip
            || self.repository.find_commit(tip)?.parent_ids().any(|id| id == old)
        {
            return Ok(true);
        }
        Ok(self.repository.graph_descendant_of(tip, old)?)
    }

    /// Every commit that no reference reaches yet must have its parents, trees and blobs, and the
    /// trees must be fit for a working copy.
    fn check_content(&self, tip: Oid) -> Result<(), Error> {
        let mut seen = trees::Seen::new();
        let mut rules = TreeRules::new(self.repository, self.is_wanted)?;
        for commit in self.new_commits(tip)? {
            self.check_header(commit, headers::check_commit)?;
            let commit = self.repository.find_commit(commit)?;
            let parents = commit.parents().map(|parent| parent.tree_id()).collect::<Vec<_>>();
            if parents.len() != commit.parent_count() {
                return Err(Error::BadPack("the push is incomplete: a parent is missing".into()));
            }
            trees::walk_new(self.repository, commit.tree_id(), &parents, &mut seen, &mut rules)?;
            rules.check_extent(commit.tree_id())?;
        }
        Ok(())
    }

    /// The commits that no reference reaches yet, parents first.
    fn new_commits(&self, tip: Oid) -> Result<Vec<Oid>, Error> {
        let kept = || self.snapshot.refs().iter().map(|r| Oid::from(r.peeled.unwrap_or(r.target)));
        let is_kept = |id: Oid| kept().any(|kept| kept == id);
        let commit = self.repository.find_commit(tip)?;
        // Nearly always there is one, and no history has to be walked.
        if !is_kept(tip) && commit.parent_count() > 0 && commit.parent_ids().all(is_kept) {
            return Ok(vec![tip]);
        }
        let mut walk = self.repository.revwalk()?;
        walk.set_sorting(trees::PARENTS_FIRST)?;
        walk.push(tip)?;
        for commit in kept() {
            // A tag may lead to something that is no commit.
            let _ = walk.hide(commit);
        }
        Ok(walk.collect::<Result<_, _>>()?)
    }

    /// Checks a tag and those that it names.
    fn check_tags(&self, mut next: Option<Tag<'_>>) -> Result<(), Error> {
        while let Some(tag) = next {
            self.check_header(tag.id(), headers::check_tag)?;
            next = tag.target()?.into_tag().ok();
        }
        Ok(())
    }

    fn check_header(
        &self,
        id: Oid,
        check: fn(&[u8]) -> Result<(), &'static str>,
    ) -> Result<(), Error> {
        if !(self.is_wanted)() {
            return Err(Error::Unwanted);
        }
        let odb = self.repository.odb()?;
        let (length, kind) = odb.read_header(id)?;
        if length > MAX_HEADER {
            return Err(Error::BadPack(format!(
                "{kind} {id} is too large: it has {length} bytes, the limit is {MAX_HEADER}"
            )));
        }
        let object = odb.read(id)?;
        check(object.data())
            .map_err(|what| Error::BadPack(format!("{} {id} {what}", object.kind())))
    }

    fn changed_paths(&self, old: Id, tip: Oid) -> Result<Verdict, Error> {
        let tree = |id: Oid| Ok::<_, Error>(self.repository.find_commit(id)?.tree_id());
        let old = match old.is_zero() || !self.repository.odb()?.exists(old.into()) {
            true => None,
            false => Some(tree(old.into())?),
        };
        let mut paths = changed_paths(self.repository, old, Some(tree(tip)?))?;
        let more = paths.len().saturating_sub(MAX_PATHS);
        paths.truncate(MAX_PATHS);
        Ok(Verdict::Allowed { paths, more })
    }
}
