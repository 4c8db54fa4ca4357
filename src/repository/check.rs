//! Whether a repository is whole, as far as that can be found out in little time.

use git2::{Commit, ErrorCode, ObjectType, Odb, Oid, Repository, Tree, TreeEntry};

use super::snapshot::ref_on_disk;
use super::trees::{self, Seen, Visit};
use super::{BOOT, Error, RUNNING, Subcluster, branch};

impl Subcluster {
    /// Checks that all references lead to commits, that their history is there, and the trees and
    /// files of the newest ones; then reads the references again. Fails with what is wrong, in words
    /// for clients.
    pub fn check(&self) -> Result<(), Error> {
        // A new handle: others may remember objects that are gone.
        let check = Check { repository: &Repository::open_bare(self.path())? };
        check.kept_branches(self)?;
        let tips = check.tips()?;
        check.history(&tips)?;
        check.trees(&tips)?;
        self.reread()
    }
}

/// Whether the whole history of these references is there, with all its trees and files.
pub(super) fn history_of(
    repository: &Repository,
    refs: impl Iterator<Item = (String, Oid)>,
) -> Result<(), Error> {
    let check = Check { repository };
    let mut seen = Seen::new();
    for (name, id) in refs {
        let tip = check.tip(&name, id)?;
        let mut walk = repository.revwalk()?;
        walk.set_sorting(trees::PARENTS_FIRST)?;
        let broken = |error| missing(error, || format!("the history of {name} has a gap"));
        walk.push(tip.commit.id()).map_err(broken)?;
        for commit in walk {
            let commit = repository.find_commit(commit.map_err(broken)?).map_err(broken)?;
            check.tree(&name, commit.tree_id(), &mut seen)?;
        }
    }
    Ok(())
}

struct Check<'a> {
    repository: &'a Repository,
}

struct Tip<'a> {
    name: String,
    commit: Commit<'a>,
}

impl<'a> Check<'a> {
    /// What is shown must be there still.
    fn kept_branches(&self, subcluster: &Subcluster) -> Result<(), Error> {
        let snapshot = subcluster.snapshot();
        for name in [BOOT, RUNNING] {
            let on_disk = ref_on_disk(self.repository, name)
                .map_err(|_| wrong(format!("{name} cannot be read")))?;
            if on_disk.is_zero() && snapshot.get(name).is_some() {
                return Err(wrong(format!("{name} is gone")));
            }
        }
        Ok(())
    }

    fn tips(&self) -> Result<Vec<Tip<'a>>, Error> {
        let mut tips = Vec::new();
        for reference in self.repository.references()? {
            let reference = reference?;
            let Ok(name) = reference.name() else { continue };
            let (true, Some(target)) = (branch::is_allowed(name), reference.target()) else {
                continue;
            };
            tips.push(self.tip(name, target)?);
        }
        Ok(tips)
    }

    fn tip(&self, name: &str, target: Oid) -> Result<Tip<'a>, Error> {
        let nowhere = |_| wrong(format!("{name} leads to {target}, which is no commit here"));
        let object = self.repository.find_object(target, None).map_err(nowhere)?;
        let commit = object.peel_to_commit().map_err(nowhere)?;
        Ok(Tip { name: name.to_owned(), commit })
    }

    fn history(&self, tips: &[Tip<'_>]) -> Result<(), Error> {
        let mut walk = self.repository.revwalk()?;
        for tip in tips {
            let broken =
                |error| missing(error, || format!("the history of {} has a gap", tip.name));
            walk.push(tip.commit.id()).map_err(broken)?;
        }
        let broken = |error| missing(error, || "the history has a gap".into());
        walk.try_for_each(|commit| commit.map(drop).map_err(broken))
    }

    fn trees(&self, tips: &[Tip<'_>]) -> Result<(), Error> {
        let mut seen = Seen::new();
        tips.iter().try_for_each(|tip| self.tree(&tip.name, tip.commit.tree_id(), &mut seen))
    }

    fn tree(&self, tip: &str, tree: Oid, seen: &mut Seen) -> Result<(), Error> {
        let mut files = Files { odb: self.repository.odb()?, tip };
        let walked = trees::walk_new(self.repository, tree, &[], seen, &mut files);
        walked.map_err(|error| match error {
            Error::Git(e) => missing(e, || format!("a directory of {tip} is missing")),
            error => error,
        })
    }
}

struct Files<'a> {
    odb: Odb<'a>,
    tip: &'a str,
}

impl Visit for Files<'_> {
    fn tree(&mut self, _: &Tree<'_>, _: &[u8]) -> Result<(), Error> {
        Ok(())
    }

    fn leaf(&mut self, entry: &TreeEntry<'_>, path: &[u8]) -> Result<(), Error> {
        match entry.kind() {
            Some(ObjectType::Blob) if !self.odb.exists(entry.id()) => {
                let path = String::from_utf8_lossy(path);
                Err(wrong(format!("\"{}\" of {} is missing", path.escape_default(), self.tip)))
            }
            _ => Ok(()),
        }
    }
}

fn missing(error: git2::Error, what: impl FnOnce() -> String) -> Error {
    match error.code() {
        ErrorCode::NotFound => wrong(what()),
        _ => error.into(),
    }
}

fn wrong(what: String) -> Error {
    Error::Unsound(what)
}
