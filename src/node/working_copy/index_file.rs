//! One entry of git's index changed, in the bytes of its file (gitformat-index(5)).
//!
//! libgit2 makes objects of all entries, and hashes the file with a guard against collisions when it
//! reads and when it writes it: for one file of two thousand that took longer than all else together.

use sha1::{Digest, Sha1};

use super::listing::Leaf;

const HEADER: usize = 12;
const HASH: usize = 20;
/// Where an entry has its mode, its id, its flags and its path.
const MODE: usize = 24;
const ID: usize = 40;
const FLAGS: usize = 60;
const PATH: usize = 62;
/// Flags of which a plain entry has none: assumed unchanged, extended, stages of a conflict.
const NOT_PLAIN: u8 = 0xf0;

/// The index with this content at `path`, of which nothing on disk is known. `None` if it has no
/// plain entry there, is damaged or of another version, or holds something that must be understood
/// to be kept: then it is for libgit2.
pub fn with(index: &[u8], path: &[u8], leaf: Leaf) -> Option<Vec<u8>> {
    let (content, hash) = index.split_at_checked(index.len().checked_sub(HASH)?)?;
    if Sha1::digest(content)[..] != *hash {
        return None;
    }
    let (entries, entry) = find(content, path)?;
    // What comes behind may be left out, and may be of what was before.
    let mut changed = content[..entries].to_vec();
    changed[entry..entry + FLAGS].fill(0);
    changed[entry + MODE..][..4].copy_from_slice(&leaf.mode.to_be_bytes());
    changed[entry + ID..][..HASH].copy_from_slice(leaf.id.as_bytes());
    let hash = Sha1::digest(&changed);
    changed.extend_from_slice(&hash);
    Some(changed)
}

/// Where the entries end, and where that of this path begins.
fn find(content: &[u8], path: &[u8]) -> Option<(usize, usize)> {
    if content.get(..8)? != b"DIRC\0\0\0\x02" {
        return None;
    }
    let count = number(content, 8)?;
    let (mut at, mut found) = (HEADER, None);
    for _ in 0..count {
        let name = content.get(at + PATH..)?;
        let length = name.iter().position(|&byte| byte == 0)?;
        if name[..length] == *path {
            let is_plain = content[at + FLAGS] & NOT_PLAIN == 0;
            found = Some(is_plain.then_some(at)?);
        }
        // At least one zero, up to a multiple of eight.
        at += (PATH + length + 8) & !7;
    }
    only_optional(content, at)?;
    Some((at, found?))
}

/// Extensions with a capital first letter may be left out.
fn only_optional(content: &[u8], mut at: usize) -> Option<()> {
    while at < content.len() {
        content[at].is_ascii_uppercase().then_some(())?;
        at = at.checked_add(8)?.checked_add(number(content, at + 4)?)?;
    }
    (at == content.len()).then_some(())
}

fn number(content: &[u8], at: usize) -> Option<usize> {
    let bytes = content.get(at..at + 4)?.try_into().ok()?;
    Some(u32::from_be_bytes(bytes) as usize)
}

#[cfg(test)]
mod tests {
    use git2::{Index, IndexTime, Oid};
    use tempfile::TempDir;

    use super::super::listing::{EXECUTABLE, FILE, index_entry};
    use super::*;

    const PATHS: [&str; 6] = ["a", "dir/bcdefgh", "dir/i", "dir.conf", "ü and a space", "z"];

    fn leaf(number: usize) -> Leaf {
        Leaf { id: Oid::from_str(&format!("{number:040x}")).unwrap(), mode: FILE }
    }

    /// An index as libgit2 writes it, with a long path too.
    fn index(change: impl FnOnce(&mut Index)) -> (TempDir, Vec<u8>) {
        let dir = tempfile::tempdir().unwrap();
        let mut index = Index::open(&dir.path().join("index")).unwrap();
        let long = "long/".repeat(1000) + "file";
        for (number, path) in PATHS.into_iter().chain([&long[..]]).enumerate() {
            let mut entry = index_entry(path.into(), leaf(number), 0);
            (entry.mtime, entry.ino, entry.file_size) = (IndexTime::new(1, 2), 3, 4);
            index.add(&entry).unwrap();
        }
        change(&mut index);
        index.write().unwrap();
        let bytes = std::fs::read(dir.path().join("index")).unwrap();
        (dir, bytes)
    }

    #[test]
    fn libgit2_reads_the_one_change_and_nothing_else() {
        let (dir, bytes) = index(|_| {});
        let new = Leaf { mode: EXECUTABLE, ..leaf(99) };
        let before = Index::open(&dir.path().join("index")).unwrap();
        for path in before.iter().map(|entry| entry.path) {
            let file = dir.path().join("changed");
            std::fs::write(&file, with(&bytes, &path, new).unwrap()).unwrap();
            let changed = Index::open(&file).unwrap();
            assert_eq!(changed.len(), before.len());
            for (now, then) in changed.iter().zip(before.iter()) {
                assert_eq!(now.path, then.path);
                let is_changed = now.path == path;
                let expected = if is_changed { (new.id, new.mode) } else { (then.id, then.mode) };
                assert_eq!((now.id, now.mode), expected);
                assert_eq!(now.ino, if is_changed { 0 } else { then.ino });
                assert_eq!(now.flags, then.flags);
            }
        }
    }

    #[test]
    fn what_it_does_not_know_is_left_to_libgit2() {
        let (_dir, bytes) = index(|_| {});
        assert_eq!(with(&bytes, b"dir", leaf(1)), None);
        assert_eq!(with(&bytes, b"", leaf(1)), None);
        let mut damaged = bytes.clone();
        damaged[HEADER + ID] ^= 1;
        assert_eq!(with(&damaged, b"a", leaf(1)), None);
        for length in 0..bytes.len().min(400) {
            assert_eq!(with(&bytes[..length], b"a", leaf(1)), None);
        }
        let (_dir, open) = index(|index| {
            index.remove("a".as_ref(), 0).unwrap();
            index.add(&index_entry("a".into(), leaf(1), 2)).unwrap();
        });
        assert_eq!(with(&open, b"a", leaf(1)), None);
        assert!(with(&open, b"z", leaf(1)).is_some());
    }

    #[test]
    fn extensions_are_left_out_where_that_may_be() {
        let (_dir, bytes) = index(|_| {});
        let content = &bytes[..bytes.len() - HASH];
        let with_extension = |name: &[u8; 4]| {
            let mut longer = [content, name, &[0, 0, 0, 2], b"xy"].concat();
            let hash = Sha1::digest(&longer);
            longer.extend_from_slice(&hash);
            longer
        };
        let plain = with(&bytes, b"a", leaf(9)).unwrap();
        assert_eq!(with(&with_extension(b"TREX"), b"a", leaf(9)), Some(plain));
        assert_eq!(with(&with_extension(b"link"), b"a", leaf(9)), None);
    }
}
