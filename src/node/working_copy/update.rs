//! Brings a working copy to other commits: all of it, or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use git2::{IndexTime, Oid};

use super::build::Builder;
use super::disk;
use super::exchange::{exchange, sync_exchange};
use super::generation::Generation;
use super::late;
use super::listing::{
    Leaf, Listing, directories, index_entry, is_of_git, listing, obstacle, write_tree,
};
use super::merge::{Conflict, Merged, Strategy, merge};
use super::part::Part;
use super::pending::{Pending, Seen};
use super::remove::remove_tree;
use super::scan::{Disk, OnDisk, now};
use super::{Letter, Lock, WorkingCopy};
use crate::node::Error;
use crate::node::debug::{self, step};

/// What came of an update.
#[derive(Debug)]
pub enum Outcome {
    /// Changes overlap, and nothing was changed.
    Refused(Vec<Conflict>),
    /// The files are others now.
    Updated(Updated),
}

/// A tree that is another one, or has another file.
#[derive(Debug, Default)]
pub struct Updated {
    /// What became of which file.
    pub files: Vec<(Letter, Vec<u8>)>,
    /// What is left for a person to decide.
    pub conflicts: Vec<Conflict>,
    /// Edits made meanwhile that could not be merged: the files where they are kept.
    pub put_aside: Vec<Vec<u8>>,
    /// The tree itself was exchanged, not one file in it.
    pub is_new_tree: bool,
}

/// What an update will do.
pub struct Plan {
    steps: Vec<Step>,
    /// What overlaps.
    pub conflicts: Vec<Conflict>,
}

/// One part on its way.
struct Step {
    target: Oid,
    base: Listing,
    upstream: Listing,
    disk: Disk,
    /// What the merge took for the local side.
    local: Oid,
    local_files: Listing,
    merged: Merged,
}

impl WorkingCopy {
    /// Checks `targets` out, one for each part, and merges local changes into them.
    pub fn update(
        &mut self,
        lock: &Lock,
        targets: &[Oid],
        strategy: Strategy,
    ) -> Result<Outcome, Error> {
        if let Some(updated) = self.update_one_file(targets)? {
            return Ok(Outcome::Updated(updated));
        }
        let plan = self.plan(targets, strategy)?;
        match strategy == Strategy::Refuse && !plan.conflicts.is_empty() {
            true => Ok(Outcome::Refused(plan.conflicts)),
            false => Ok(Outcome::Updated(self.carry_out(lock, plan)?)),
        }
    }

    /// What an update will do. Changes nothing that anybody sees.
    pub fn plan(&self, targets: &[Oid], strategy: Strategy) -> Result<Plan, Error> {
        let steps: Vec<Step> = (self.parts.iter().zip(targets))
            .map(|(part, &target)| self.step(part, target, strategy))
            .collect::<Result<_, _>>()?;
        let below = |part: &Part, step: &Step| {
            let prefix = part.prefix.as_bytes().to_vec();
            step.merged.conflicts.clone().into_iter().map(move |c| c.below(&prefix))
        };
        let conflicts: Vec<Conflict> =
            self.parts.iter().zip(&steps).flat_map(|(part, step)| below(part, step)).collect();
        Ok(Plan { steps, conflicts })
    }

    /// Does what was planned, all of it or nothing.
    pub fn carry_out(&mut self, _lock: &Lock, plan: Plan) -> Result<Updated, Error> {
        let Plan { steps, conflicts } = plan;
        let told = self.parts.iter().zip(&steps).flat_map(|(part, step)| told(part, step));
        let files: Vec<_> = told.collect();
        let put_aside = self.replace(&steps)?;
        Ok(Updated { files, conflicts, put_aside, is_new_tree: true })
    }

    fn step(&self, part: &Part, target: Oid, strategy: Strategy) -> Result<Step, Error> {
        let head = part.head(self.generation)?;
        let base = part.files(head)?;
        let upstream = part.files(Some(target))?;
        only_tree_of_global(part, &upstream)?;
        let index = part.index(self.generation)?;
        let mut disk = step(format_args!("look at the files of {}", part.subcluster), || {
            part.scan(&self.paths.tree, &base, &index)
        })?;
        let local_files = local_files(self, part, &base, &upstream, &mut disk)?;
        let tree = |files: &Listing| write_tree(&part.repository, files);
        let base_tree = head.map_or_else(|| Ok(tree(&Listing::new())?), |id| part.tree(id))?;
        let local = if local_files == base { base_tree } else { tree(&local_files)? };
        let trees = [base_tree, local, part.tree(target)?];
        let merged =
            step(format_args!("merge into {target}"), || merge(&part.repository, trees, strategy))?;
        if strategy != Strategy::Refuse || merged.conflicts.is_empty() {
            no_file_in_the_way(part, &merged, &disk)?;
        }
        Ok(Step { target, base, upstream, disk, local, local_files, merged })
    }

    /// Builds the new tree and puts it in the place of the old one.
    fn replace(&mut self, steps: &[Step]) -> Result<Vec<Vec<u8>>, Error> {
        let generation = self.generation.map_or(Generation::A, Generation::other);
        let seen = |step: &Step| Seen { local: step.local, untracked: step.disk.untracked.clone() };
        let seen: Vec<Seen> = steps.iter().map(seen).collect();
        let pending = Pending::Trees { generation, seen: seen.clone() };
        let exchanged = self.build(steps, generation).and_then(|()| pending.write(&self.paths));
        if let Err(error) =
            exchanged.and_then(|()| step("exchange the trees", || exchange(&self.paths)))
        {
            // The next command tidies if this cannot.
            let _ = remove_tree(&self.paths.other_tree);
            let _ = Pending::done(&self.paths);
            return Err(error);
        }
        self.generation = Some(generation);
        sync_exchange(&self.paths)?;
        let put_aside = step("look for late edits", || self.carry_over(&seen))?;
        Pending::done(&self.paths)?;
        remove_tree(&self.paths.other_tree)?;
        Ok(put_aside)
    }

    fn build(&self, steps: &[Step], generation: Generation) -> Result<(), Error> {
        let new = &self.paths.other_tree;
        remove_tree(new)?;
        for (part, step) in self.parts.iter().zip(steps) {
            let (old, new) = (part.top(&self.paths.tree), part.top(new));
            let builder = Builder::new(&part.repository, &old, &new, &step.disk);
            debug::step(format_args!("build the new tree of {}", part.subcluster), || {
                let placed = builder.build(&step.merged.files)?;
                self.note(part, step, generation, &placed)
            })?;
        }
        Ok(())
    }

    /// Writes what git keeps of the new tree.
    fn note(
        &self,
        part: &Part,
        step: &Step,
        generation: Generation,
        placed: &BTreeMap<Vec<u8>, OnDisk>,
    ) -> Result<(), Error> {
        let before = part.index(self.generation)?;
        let (repository, tree) = (part.repository.path(), part.top(&self.paths.tree));
        let link = part.top(&self.paths.other_tree).join(".git");
        let mut index = generation.make(repository, step.target, &tree, &link)?;
        let now = now();
        let open: BTreeSet<&[u8]> =
            step.merged.conflicts.iter().flat_map(Conflict::paths).collect();
        for (path, &leaf) in &step.upstream {
            let is_scheduled_for_deletion = step.base.contains_key(path)
                && !placed.contains_key(path)
                && before.get_path(&disk::below("".as_ref(), path), 0).is_none();
            if !open.contains(&path[..]) && !is_scheduled_for_deletion {
                index.add(&entry(path, leaf, placed.get(path), now))?;
            }
        }
        for conflict in &step.merged.conflicts {
            let sides = [&conflict.base, &conflict.local, &conflict.upstream];
            for (stage, side) in (1..).zip(sides) {
                if let Some((path, leaf)) = side {
                    index.add(&index_entry(path.clone(), *leaf, stage))?;
                }
            }
        }
        Ok(index.write()?)
    }
}

/// Of a file that is as upstream has it git may know how to recognise it.
fn entry(path: &[u8], leaf: Leaf, placed: Option<&OnDisk>, now: Duration) -> git2::IndexEntry {
    let mut entry = index_entry(path.to_vec(), leaf, 0);
    if let Some(OnDisk { leaf: there, stamp: Some(stamp) }) = placed
        && *there == leaf
        && stamp.is_settled(now)
    {
        let (seconds, nanoseconds) = stamp.modified;
        entry.mtime = IndexTime::new(seconds as i32, nanoseconds as u32);
        entry.ino = stamp.inode as u32;
        entry.file_size = stamp.size as u32;
    }
    entry
}

/// The local side of the merge: what git knows, as it is on disk, and what stands where upstream has
/// something: from then on it counts as known to git.
fn local_files(
    working_copy: &WorkingCopy,
    part: &Part,
    base: &Listing,
    upstream: &Listing,
    disk: &mut Disk,
) -> Result<Listing, Error> {
    let top = part.top(&working_copy.paths.tree);
    for (path, file) in &mut disk.tracked {
        if base.get(path) != Some(&file.leaf) {
            file.leaf = disk::store(&part.repository, &disk::below(&top, path), file.leaf.mode)?;
        }
    }
    let untracked = std::mem::take(&mut disk.untracked).into_iter();
    let (met, others): (BTreeMap<_, _>, _) =
        untracked.partition(|(path, _)| !is_of_git(path) && meets(path, upstream));
    disk.untracked = others;
    for path in met.into_keys() {
        let file = disk::below(&top, &path);
        let mode = disk::metadata(&file)?.and_then(|metadata| disk::mode(&metadata));
        let mode = mode.ok_or_else(|| special_file(&part.path(&path)))?;
        let leaf = disk::store(&part.repository, &file, mode)?;
        disk.tracked.insert(path, OnDisk { leaf, stamp: None });
    }
    Ok(disk.listing())
}

/// Whether upstream has a file here, or one that cannot stand beside one here.
fn meets(path: &[u8], upstream: &Listing) -> bool {
    upstream.contains_key(path) || obstacle(upstream, path).is_some()
}

fn special_file(path: &[u8]) -> Error {
    Error::Refused(format!(
        "{} is neither a file nor a link, and upstream has a file there: move it away",
        String::from_utf8_lossy(path)
    ))
}

/// Where one side has a file and the other a directory, only one can stand.
fn no_file_in_the_way(part: &Part, merged: &Merged, disk: &Disk) -> Result<(), Error> {
    for path in merged.files.keys().chain(disk.untracked.keys()) {
        if let Some(file) = directories(path).find(|path| merged.files.contains_key(*path)) {
            return Err(Error::Refused(format!(
                "{} is a directory on one side and a file on the other: move it away, pull, and put \
                 back what you need",
                String::from_utf8_lossy(&part.path(file))
            )));
        }
    }
    Ok(())
}

fn only_tree_of_global(part: &Part, upstream: &Listing) -> Result<(), Error> {
    let Some(apart) = part.apart() else { return Ok(()) };
    let inside = format!("{apart}/").into_bytes();
    match upstream.keys().find(|path| path.starts_with(&inside) || *path == apart.as_bytes()) {
        None => Ok(()),
        Some(path) => Err(Error::Refused(format!(
            "the subcluster {} holds {}, but {apart} in a working copy is the subcluster of that \
             name: an administrator must delete it there",
            part.subcluster,
            String::from_utf8_lossy(path)
        ))),
    }
}

/// What the update does to each file on disk.
fn told(part: &Part, step: &Step) -> Vec<(Letter, Vec<u8>)> {
    let mut lines = Vec::new();
    let (local, merged) = (&step.local_files, &step.merged.files);
    let open: BTreeSet<&[u8]> = step.merged.conflicts.iter().flat_map(Conflict::paths).collect();
    let all: BTreeSet<&Vec<u8>> = local.keys().chain(merged.keys()).collect();
    for path in all {
        let letter = match (local.get(path), merged.get(path)) {
            _ if open.contains(&path[..]) => Letter::Conflict,
            (before, after) if before == after => continue,
            (None, _) => Letter::Added,
            (_, None) => Letter::Deleted,
            (_, after) if after == step.upstream.get(path) => Letter::Updated,
            _ => Letter::Merged,
        };
        lines.push((letter, part.path(path)));
    }
    lines
}

impl WorkingCopy {
    /// Takes edits over that were made in the tree that was replaced, after it had been looked at.
    pub(super) fn carry_over(&self, seen: &[Seen]) -> Result<Vec<Vec<u8>>, Error> {
        let mut put_aside = Vec::new();
        for (part, seen) in self.parts.iter().zip(seen) {
            let known = listing(&part.repository, Some(seen.local))?;
            put_aside.extend(late::carry_over(&self.paths, part, &known, &seen.untracked)?);
        }
        Ok(put_aside)
    }
}
