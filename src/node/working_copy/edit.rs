//! Single files of a working copy: deleted, brought back, settled.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use git2::{Index, Oid};

use super::build::{inherit, put, with_execution};
use super::disk;
use super::listing::{LINK, Leaf, directories, index_entry};
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
        let path = self.file(change);
        let Some(metadata) = disk::metadata(&path)? else { return Ok(None) };
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
            let mut index = part.index(self.generation)?;
            let top = part.top(&self.paths.tree);
            for path in paths {
                let (position, path) = self.position(path);
                if position == number {
                    let file = disk::below(&top, path);
                    remove(&top, &file)?;
                    index.remove_path(&disk::below("".as_ref(), path))?;
                }
            }
            index.write()?;
        }
        Ok(())
    }

    /// Puts a file back as it was checked out. What was added stays on disk, and unknown.
    pub fn revert(&self, _lock: &Lock, change: &Change) -> Result<(), Error> {
        let part = &self.parts[change.part];
        let (top, file) = (part.top(&self.paths.tree), self.file(change));
        match change.before {
            Some(leaf) => {
                self.make_way(part, &change.path)?;
                restore(part, &file, leaf)?;
            }
            None if change.letter == Letter::Conflict => remove(&top, &file)?,
            None => {}
        }
        self.renote(part, change)
    }

    /// Takes what stands on disk for what is meant, be it a new file or none.
    pub fn settle(&self, _lock: &Lock, change: &Change) -> Result<(), Error> {
        let mut index = self.parts[change.part].index(self.generation)?;
        forget(&mut index, &change.path)?;
        if let Some(now) = self.store(change)? {
            let leaf = change.before.unwrap_or(now);
            index.add(&index_entry(change.path.clone(), leaf, 0))?;
        }
        Ok(index.write()?)
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
        let mut index = part.index(self.generation)?;
        forget(&mut index, &change.path)?;
        if let Some(leaf) = change.before {
            index.add(&index_entry(change.path.clone(), leaf, 0))?;
        }
        Ok(index.write()?)
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

/// Whoever reads the file sees the one content or the other.
fn restore(part: &Part, file: &Path, leaf: Leaf) -> Result<(), Error> {
    let parent = file.parent().expect("a file of a tree lies in a directory");
    fs::create_dir_all(parent).map_err(Error::file(parent))?;
    let new = file.with_added_extension("eccfg-new");
    let blob = part.repository.find_blob(leaf.id)?;
    let before = disk::metadata(file)?.filter(fs::Metadata::is_file);
    let place = || {
        // A command that was killed may have left it.
        remove_if_present(&new)?;
        put(&new, blob.content(), leaf.mode)?;
        if let Some(before) = before {
            let mode = std::os::unix::fs::MetadataExt::mode(&before);
            inherit(&new, &before, with_execution(mode, leaf.mode))?;
        }
        fs::rename(&new, file)
    };
    place().map_err(Error::file(file))
}

/// Removes a file, and the directories that are empty then. What lies behind a link is not the
/// tree's.
fn remove(top: &Path, file: &Path) -> Result<(), Error> {
    let above = || file.ancestors().skip(1).take_while(|directory| *directory != top);
    if above().any(Path::is_symlink) {
        return Ok(());
    }
    remove_if_present(file).map_err(Error::file(file))?;
    for directory in above() {
        if fs::remove_dir(directory).is_err() {
            break;
        }
    }
    Ok(())
}

fn remove_if_present(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if !disk::is_absent(&error) => Err(error),
        _ => Ok(()),
    }
}
