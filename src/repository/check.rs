//! Whether a repository is whole, as far as that can be found out in little time.

use git2::{Commit, ErrorCode, ObjectType, Odb, Repository, Tree, TreeEntry};

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
            let nowhere = |_| wrong(format!("{name} leads to {target}, which is no commit here"));
            let object = self.repository.find_object(target, None).map_err(nowhere)?;
            let commit = object.peel_to_commit().map_err(nowhere)?;
            tips.push(Tip { name: name.to_owned(), commit });
        }
        Ok(tips)
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
        for tip in tips {
            let mut files = Files { odb: self.repository.odb()?, tip: &tip.name };
            let tree = tip.commit.tree_id();
            let walked = trees::walk_new(self.repository, tree, &[], &mut seen, &mut files);
            walked.map_err(|error| match error {
                Error::Git(e) => missing(e, || format!("a directory of {} is missing", tip.name)),
                error => error,
            })?;
        }
        Ok(())
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
