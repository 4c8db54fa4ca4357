//! A pack that is small enough to stand in the log itself.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use super::{Error, Pushed, Quarantine};

/// Bytes of a pack and its index, together, that go into the log. A change of a few files has less.
const MOST: u64 = 24 << 10;
const HASH: usize = 20;

/// The pack and its index, as libgit2 has written them.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct SmallPack {
    objects: u32,
    length: u64,
    #[serde(with = "text")]
    pack: Vec<u8>,
    #[serde(with = "text")]
    index: Vec<u8>,
}

impl SmallPack {
    /// The pack of a quarantine, if it is small.
    pub fn of(quarantine: &Quarantine) -> Result<Option<Self>, Error> {
        let Some(Pushed { pack: name, objects, length }) = quarantine.pushed() else {
            return Ok(None);
        };
        if !Self::fits(quarantine) {
            return Ok(None);
        }
        let [pack, index] = ["pack", "idx"].map(|ending| fs::read(quarantine.file(ending)));
        let small = Self { objects: *objects, length: *length, pack: pack?, index: index? };
        // What the log has must be good for ever.
        small.check(name)?;
        Ok(Some(small))
    }

    /// Whether the pack of a quarantine is small.
    pub fn fits(quarantine: &Quarantine) -> bool {
        let files = ["pack", "idx"].map(|ending| fs::metadata(quarantine.file(ending)));
        files.iter().flatten().map(Metadata::len).sum::<u64>() <= MOST
    }

    /// Bytes of both.
    pub fn bytes(&self) -> usize {
        self.pack.len() + self.index.len()
    }

    /// One of so many bytes.
    #[cfg(test)]
    pub(crate) fn of_bytes(bytes: usize) -> Self {
        Self { objects: 0, length: 0, pack: vec![0; bytes], index: Vec::new() }
    }

    /// Fails unless this is the pack of that name, and undamaged.
    pub fn check(&self, name: &str) -> io::Result<()> {
        let is_sound = || {
            let (pack, hash) = self.pack.split_last_chunk::<HASH>()?;
            let (index, index_hash) = self.index.split_last_chunk::<HASH>()?;
            let is_named = hex(hash) == name && index.ends_with(hash);
            let is_whole =
                Sha1::digest(pack)[..] == *hash && Sha1::digest(index)[..] == *index_hash;
            Some(is_named && is_whole)
        };
        match is_sound() {
            Some(true) => Ok(()),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the pack {name} in the log is damaged"),
            )),
        }
    }

    pub(super) fn pushed(&self, name: &str) -> Pushed {
        Pushed { pack: name.to_owned(), objects: self.objects, length: self.length }
    }

    /// Writes the pack and the index, not durably.
    pub(super) fn write(&self, [pack, index]: &[PathBuf; 2]) -> io::Result<()> {
        for (file, content) in [(pack, &self.pack), (index, &self.index)] {
            let mut new = File::options().write(true).create_new(true).mode(0o440).open(file)?;
            new.write_all(content)?;
        }
        Ok(())
    }
}

/// Its bytes say nothing to people.
impl fmt::Debug for SmallPack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmallPack of {} objects", self.objects)
    }
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes in JSON.
mod text {
    use std::borrow::Cow;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = Cow::<'_, str>::deserialize(from)?;
        STANDARD.decode(text.as_bytes()).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn received(dir: &Path, content: &[u8]) -> Quarantine {
        let repository = git2::Repository::init_bare(dir.join("from")).unwrap();
        let mut builder = repository.packbuilder().unwrap();
        builder.insert_object(repository.blob(content).unwrap(), None).unwrap();
        let mut pack = git2::Buf::new();
        builder.write_buf(&mut pack).unwrap();
        Quarantine::receive_apart(dir, &pack[..]).unwrap()
    }

    #[test]
    fn it_comes_out_of_the_log_as_it_went_in() {
        let dir = tempfile::tempdir().unwrap();
        let quarantine = received(dir.path(), b"content");
        let small = SmallPack::of(&quarantine).unwrap().unwrap();
        let written = serde_json::to_string(&small).unwrap();
        let again: SmallPack = serde_json::from_str(&written).unwrap();
        again.check(quarantine.pack().unwrap()).unwrap();
        assert_eq!(again, small);
    }

    #[test]
    fn what_is_damaged_or_has_another_name_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let quarantine = received(dir.path(), b"content");
        let (name, small) = (quarantine.pack().unwrap(), SmallPack::of(&quarantine).unwrap());
        let small = small.unwrap();
        assert!(small.check(&"0".repeat(40)).is_err());
        for at in [0, 20, small.pack.len() - 1] {
            let mut damaged = small.clone();
            damaged.pack[at] ^= 1;
            assert!(damaged.check(name).is_err(), "byte {at} of the pack");
        }
        for at in [0, 1000, small.index.len() - 30, small.index.len() - 1] {
            let mut damaged = small.clone();
            damaged.index[at] ^= 1;
            assert!(damaged.check(name).is_err(), "byte {at} of the index");
        }
        assert!(SmallPack { pack: vec![1], ..small }.check(name).is_err());
    }

    #[test]
    fn a_large_pack_stays_out_of_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let mut noise = vec![0; MOST as usize];
        getrandom::fill(&mut noise).unwrap();
        assert!(SmallPack::of(&received(dir.path(), &noise)).unwrap().is_none());
    }
}
