//! Clearing away what a killed server left in a repository.

use std::path::Path;
use std::{fs, io};

use super::{journal, orders, quarantine, segment};

/// Removes quarantines and locks. Only the one server of these repositories may call this, and only
/// before it serves: then nobody can hold them.
pub(super) fn tidy(repository: &Path) -> io::Result<()> {
    let packs = repository.join("objects/pack");
    remove_all(&repository.join("objects"), quarantine::PREFIX, &packs)?;
    let cache = repository.join(segment::DIR);
    if cache.exists() {
        remove_all(&cache, segment::UNFINISHED, &packs)?;
    }
    remove_lone_indexes(&packs)?;
    for file in ["HEAD", "packed-refs", "config", journal::FILE, orders::FILE] {
        remove_if_there(&repository.join(format!("{file}.lock")))?;
    }
    remove_locks(&repository.join("refs"))
}

/// Removes what has a name that begins so, and of a pack the half that has been moved to `packs`.
fn remove_all(dir: &Path, prefix: &str, packs: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            match entry.file_type()?.is_dir() {
                true => {
                    remove_half_moved(&entry.path(), packs)?;
                    remove_half_moved(&entry.path().join("pack"), packs)?;
                    fs::remove_dir_all(entry.path())?;
                }
                false => fs::remove_file(entry.path())?,
            }
        }
    }
    Ok(())
}

/// A pack moves before its index. One whose index has stayed behind is nobody's.
fn remove_half_moved(from: &Path, packs: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(from) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let index = entry?.path();
        let is_index = index.extension().is_some_and(|ending| ending == "idx");
        if let (true, Some(name)) = (is_index, index.file_name())
            && !index.with_extension("pack").exists()
            && !packs.join(name).exists()
        {
            remove_if_there(&packs.join(name).with_extension("pack"))?;
        }
    }
    Ok(())
}

/// A pack that has been put into another goes before its index.
fn remove_lone_indexes(packs: &Path) -> io::Result<()> {
    for entry in fs::read_dir(packs)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "idx")
            && !path.with_extension("pack").exists()
        {
            remove_if_there(&path)?;
        }
    }
    Ok(())
}

fn remove_locks(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            remove_locks(&path)?;
        } else if path.extension().is_some_and(|ending| ending == "lock") {
            // git forbids names of references that end so.
            remove_if_there(&path)?;
        }
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moved_half_of_a_pack_goes_with_its_index_and_no_other_pack() {
        let dir = tempfile::tempdir().unwrap();
        let packs = dir.path().join("objects/pack");
        let incoming = dir.path().join("objects").join(format!("{}1/pack", quarantine::PREFIX));
        for path in [&packs, &incoming, &dir.path().join("refs")] {
            fs::create_dir_all(path).unwrap();
        }
        let touch = |path: &Path, name: &str| fs::write(path.join(name), "").unwrap();
        touch(&packs, "half.pack");
        touch(&incoming, "half.idx");
        for ending in ["pack", "idx"] {
            touch(&packs, &format!("again.{ending}"));
            touch(&incoming, &format!("not.{ending}"));
        }
        touch(&incoming, "again.idx");
        touch(&packs, "somebodys.pack");
        tidy(dir.path()).unwrap();
        let left = fs::read_dir(&packs).unwrap().map(|entry| entry.unwrap().file_name());
        let mut left: Vec<_> = left.map(|name| name.into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, ["again.idx", "again.pack", "somebodys.pack"]);
        assert_eq!(fs::read_dir(dir.path().join("objects")).unwrap().count(), 1);
    }
}
