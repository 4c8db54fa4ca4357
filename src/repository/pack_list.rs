//! The packs of a repository, and which of them should become one.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::pack_index::PackIndex;

/// More packs than this make every look for an object slow.
const MAX_PACKS: usize = 12;
/// Those that stay beside the new one, at the most.
const STAY: usize = 3;
/// git keeps such packs apart: by order (`keep`), for what nothing reaches (`mtimes`), for what can
/// be fetched again (`promisor`).
const APART: [&str; 3] = ["keep", "mtimes", "promisor"];

/// A pack and its index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PackFile {
    /// The path without an ending.
    stem: PathBuf,
    pub(super) objects: u32,
}

impl PackFile {
    pub(super) fn at(stem: PathBuf) -> io::Result<Self> {
        let objects = PackIndex::count(&stem.with_added_extension("idx"))?;
        Ok(Self { stem, objects })
    }

    /// Whether both files end as they should: others have lost their content with the power, and git
    /// passes over them.
    fn is_sound(&self) -> io::Result<bool> {
        let hash = |ending: &str, from_end: u64| -> io::Result<[u8; 20]> {
            let file = fs::File::open(self.stem.with_added_extension(ending))?;
            let start = file.metadata()?.len().checked_sub(from_end);
            let mut hash = [0; 20];
            file.read_exact_at(&mut hash, start.ok_or(io::ErrorKind::UnexpectedEof)?)?;
            Ok(hash)
        };
        match (hash("pack", 20), hash("idx", 40)) {
            (Ok(pack), Ok(index)) => Ok(pack == index && pack != [0; 20]),
            (Err(error), _) | (_, Err(error)) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => Ok(false),
                _ => Err(error),
            },
        }
    }

    pub(super) fn index(&self) -> io::Result<PackIndex> {
        PackIndex::read(&self.stem.with_added_extension("idx"))
    }

    pub(super) fn is_there(&self) -> bool {
        ["pack", "idx"].iter().all(|ending| self.stem.with_added_extension(ending).is_file())
    }

    /// Removes it. The index goes after the pack: without one it is known to be of no use.
    pub(super) fn remove(&self) -> io::Result<()> {
        for ending in ["pack", "rev", "bitmap", "idx"] {
            match fs::remove_file(self.stem.with_added_extension(ending)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The packs that may be put together with others. None, if git keeps a common index of them.
pub(super) fn list(objects: &Path) -> io::Result<Vec<PackFile>> {
    let dir = objects.join("pack");
    if dir.join("multi-pack-index").exists() {
        return Ok(Vec::new());
    }
    let mut packs = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let stem = path.with_extension("");
        let is_apart = || APART.iter().any(|ending| stem.with_added_extension(ending).exists());
        if path.extension().is_some_and(|ending| ending == "idx") && !is_apart() {
            let mut pack = PackFile { stem, objects: 0 };
            if pack.is_sound()? {
                pack.objects = PackIndex::count(&path)?;
                packs.push(pack);
            }
        }
    }
    Ok(packs)
}

/// Whether all packs that there are can be read and have not lost their content.
pub(super) fn are_all_sound(objects: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(objects.join("pack"))? {
        let path = entry?.path();
        let is_pack = path.extension().is_some_and(|ending| ending == "pack");
        let stem = path.with_extension("");
        if is_pack && !(PackFile { stem, objects: 0 }.is_sound()?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The packs that should become one. A pack that stays has more objects than all smaller ones
/// together, so that each object is written again only as often as its pack doubles.
pub(super) fn to_join(mut packs: Vec<PackFile>) -> Vec<PackFile> {
    if packs.len() <= MAX_PACKS {
        return Vec::new();
    }
    packs.sort_by_key(|pack| (pack.objects, pack.stem.clone()));
    let mut joined = packs.len() - STAY;
    let mut objects: u64 = packs[..joined].iter().map(|pack| u64::from(pack.objects)).sum();
    while let Some(next) = packs.get(joined).filter(|next| u64::from(next.objects) < 2 * objects) {
        objects += u64::from(next.objects);
        joined += 1;
    }
    packs.truncate(joined);
    packs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packs(objects: &[u32]) -> Vec<PackFile> {
        let named = objects.iter().enumerate();
        named.map(|(n, &objects)| PackFile { stem: n.to_string().into(), objects }).collect()
    }

    #[test]
    fn few_packs_stay() {
        assert_eq!(to_join(packs(&[5; MAX_PACKS])), []);
    }

    #[test]
    fn large_packs_stay_until_the_small_ones_have_gathered() {
        let many = [[5; MAX_PACKS].as_slice(), &[100_000, 1000, 40]].concat();
        let joined: Vec<u32> = to_join(packs(&many)).iter().map(|pack| pack.objects).collect();
        assert_eq!(joined, [[5; MAX_PACKS].as_slice(), &[40]].concat());
    }

    #[test]
    fn packs_that_lost_their_content_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let repository = git2::Repository::init_bare(dir.path()).unwrap();
        let mut stems = Vec::new();
        for content in ["one", "other", "third"] {
            let mut builder = repository.packbuilder().unwrap();
            builder.insert_object(repository.blob(content.as_bytes()).unwrap(), None).unwrap();
            builder.write(&dir.path().join("objects/pack"), 0o640).unwrap();
            let name = builder.name().unwrap().unwrap().to_owned();
            stems.push(dir.path().join(format!("objects/pack/pack-{name}")));
        }
        let found = || list(&dir.path().join("objects")).unwrap().len();
        assert_eq!(found(), 3);
        let length = fs::metadata(stems[0].with_added_extension("idx")).unwrap().len();
        fs::write(stems[0].with_added_extension("idx"), vec![0; length as usize]).unwrap();
        assert_eq!(found(), 2);
        fs::write(stems[1].with_added_extension("pack"), "").unwrap();
        assert_eq!(found(), 1);
    }
}
