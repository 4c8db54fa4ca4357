//! Single files of a working copy: deleted, brought back, settled.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use git2::{Index, Oid};

use super::disk;
use super::listing::{LINK, Leaf, directories, index_entry};
use super::new_file::{inherit, put, with_execution};
use super::{Change, Conflict, GLOBAL, Letter, Lock, Part, WorkingCopy};
use crate::node::Error;
use crate::node::output::shown;

impl WorkingCopy {
    /// The part that a path of the whole tree lies in, and the path in there.
    pub fn locate<'p>(&self, path: &'p [u8]) -> (&Part, &'p [u8]) {
        let (number, path) = self.position(path);
        (&self.parts[number], path)
    }

    fn position<'p>(&self, path: &'p [u8]) -> (usize, &'p [u8]) {
        match path.strip_prefix(GLOBAL.as_bytes()) {
            Some([]) if self.parts.len() > 1 => (1, b""),
            Some([b'/', rest @ ..]) if self.parts.len() > 1 => (1, rest),
            _ => (0, path),
        }
    }

    /// The commit that is checked out of a part.
    pub fn head(&self, part: &Part) -> Result<Oid, Error> {
        Ok(part.head(self.generation)?.expect("a working copy that is there has a commit"))
    }

    /// All files that were checked out or added, as paths of the whole tree.
    pub fn known_files(&self) -> Result<Vec<Vec<u8>>, Error> {
        let mut files = Vec::new();
        for (part, base) in self.parts.iter().zip(self.base()?) {
            files.extend(base.keys().map(|path| part.path(path)));
        }
        Ok(files)
    }

    /// Whether anything stands at this path of the whole tree.
    pub fn has(&self, path: &[u8]) -> bool {
        disk::below(&self.paths.tree, path).symlink_metadata().is_ok()
    }

    /// What stands on disk; `None` if nothing does.
    pub fn content(&self, change: &Change) -> Result<Option<Vec<u8>>, Error> {
        let (top, path) = (self.parts[change.part].top(&self.paths.tree), self.file(change));
        let Some(metadata) = disk::found(&top, &change.path)? else { return Ok(None) };
        let content = match disk::mode(&metadata) {
            Some(LINK) => fs::read_link(&path).map(|to| to.into_os_string().into_encoded_bytes()),
            Some(_) => fs::read(&path),
            None => return Ok(None),
        };
        content.map(Some).map_err(Error::file(&path))
    }

    /// Where the file of a change is.
    pub fn file(&self, change: &Change) -> std::path::PathBuf {
        disk::below(&self.parts[change.part].top(&self.paths.tree), &change.path)
    }

    /// Removes files and notes that it was meant.
    pub fn delete(&self, _lock: &Lock, paths: &[Vec<u8>]) -> Result<(), Error> {
        for (number, part) in self.parts.iter().enumerate() {
            let top = part.top(&self.paths.tree);
            let paths = paths.iter().map(|path| self.position(path));
            let mut of_part = paths.filter(|(position, _)| *position == number);
            part.change_index(self.generation, |index| {
                of_part.try_for_each(|(_, path)| {
                    remove(&top, path)?;
                    Ok(index.remove_path(&disk::below("".as_ref(), path))?)
                })
            })?;
        }
        Ok(())
    }

    /// Puts a file back as it was checked out. What was added stays on disk, and unknown.
    pub fn revert(&self, _lock: &Lock, change: &Change) -> Result<(), Error> {
        let part = &self.parts[change.part];
        match change.before {
            Some(leaf) => self.restore(part, &change.path, leaf)?,
            None if change.letter == Letter::Conflict => {
                remove(&part.top(&self.paths.tree), &change.path)?;
            }
            None => {}
        }
        self.renote(part, change)
    }

    /// Takes what stands on disk for what is meant, be it a new file or none.
    pub fn settle(&self, _lock: &Lock, change: &Change) -> Result<(), Error> {
        self.parts[change.part].change_index(self.generation, |index| {
            forget(index, &change.path)?;
            if let Some(now) = self.store(change)? {
                let leaf = change.before.unwrap_or(now);
                index.add(&index_entry(change.path.clone(), leaf, 0))?;
            }
            Ok(())
        })
    }

    /// Makes sure that a file can stand at this path.
    fn make_way(&self, part: &Part, path: &[u8]) -> Result<(), Error> {
        let top = part.top(&self.paths.tree);
        let is_no_directory = |above: &&[u8]| {
            let metadata = fs::symlink_metadata(disk::below(&top, above));
            metadata.is_ok_and(|metadata| !metadata.is_dir())
        };
        let file = disk::below(&top, path);
        let above = directories(path).find(is_no_directory);
        // One that is empty goes.
        let is_in_the_way =
            || !file.is_symlink() && file.is_dir() && fs::remove_dir(&file).is_err();
        match above.or_else(|| is_in_the_way().then_some(path)) {
            None => Ok(()),
            Some(other) => Err(Error::Refused(format!(
                "{} cannot be put back, for {} is {} now: move it away first",
                shown(&part.path(path)),
                shown(&part.path(other)),
                if other == path { "a directory" } else { "no directory" }
            ))),
        }
    }

    /// Forgets a conflict, a deletion or an addition of this file.
    fn renote(&self, part: &Part, change: &Change) -> Result<(), Error> {
        part.change_index(self.generation, |index| {
            forget(index, &change.path)?;
            if let Some(leaf) = change.before {
                index.add(&index_entry(change.path.clone(), leaf, 0))?;
            }
            Ok(())
        })
    }

    /// Whoever reads the file sees the one content or the other.
    fn restore(&self, part: &Part, path: &[u8], leaf: Leaf) -> Result<(), Error> {
        self.make_way(part, path)?;
        let top = part.top(&self.paths.tree);
        let before = disk::found(&top, path)?.filter(Metadata::is_file);
        self.paths.clear_beside()?;
        let (beside, file) = (&self.paths.beside, disk::below(&top, path));
        let blob = part.repository.find_blob(leaf.id)?;
        let place = || {
            fs::create_dir_all(file.parent().expect("a file of a tree lies in a directory"))?;
            put(beside, blob.content(), leaf.mode)?;
            if let Some(before) = before {
                inherit(beside, &file, &before, with_execution(before.mode(), leaf.mode))?;
            }
            fs::rename(beside, &file)
        };
        place().map_err(Error::file(&file))
    }
}

/// Removes every stage of a path, and the other names that its conflict has.
fn forget(index: &mut Index, path: &[u8]) -> Result<(), Error> {
    let open = super::merge::conflicts(index)?;
    let names = open.iter().filter(|conflict| conflict.path() == path).flat_map(Conflict::paths);
    let names: BTreeSet<&[u8]> = names.chain([path]).collect();
    for name in names {
        let file = disk::below("".as_ref(), name);
        for stage in 0..=3 {
            if index.get_path(&file, stage).is_some() {
                index.remove(&file, stage)?;
            }
        }
    }
    Ok(())
}

/// Removes a file, and the directories that are empty then. What lies behind a link is not the
/// tree's.
fn remove(top: &Path, path: &[u8]) -> Result<(), Error> {
    if disk::found(top, path)?.is_none_or(|found| found.is_dir()) {
        return Ok(());
    }
    let file = disk::below(top, path);
    match fs::remove_file(&file) {
        Err(error) if !disk::is_absent(&error) => return Err(Error::file(&file)(error)),
        _ => {}
    }
    for directory in file.ancestors().skip(1).take_while(|directory| *directory != top) {
        if fs::remove_dir(directory).is_err() {
            break;
        }
    }
    Ok(())
}
