//! An archive that is being written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{Gid, Group, Uid, User};
use serde::Serialize;
use tar::{Builder, EntryType, Header};

use super::limits::MAX_ENTRIES;
use super::place::place;
use super::sums::{Sum, Summing};
use super::{Error, manifest::Manifest, place};

/// The archive.
pub(super) struct Writer<W: Write> {
    tar: Builder<W>,
    files: BTreeMap<String, Sum>,
    entries: usize,
    /// What all entries have in common.
    header: Header,
}

impl<W: Write> Writer<W> {
    /// An archive whose files are those of the owner of `state`, as for people who open it by hand.
    pub(super) fn new(to: W, state: &Path, made: i64) -> Result<Self, Error> {
        let owner = std::fs::metadata(state).map_err(Error::file(state))?;
        let mut header = Header::new_ustar();
        header.set_mtime(made.try_into().unwrap_or_default());
        header.set_uid(owner.uid().into());
        header.set_gid(owner.gid().into());
        // A name that cannot be looked up, or does not fit, is no loss: the numbers are there.
        if let Ok(Some(user)) = User::from_uid(Uid::from_raw(owner.uid())) {
            let _ = header.set_username(&user.name);
        }
        if let Ok(Some(group)) = Group::from_gid(Gid::from_raw(owner.gid())) {
            let _ = header.set_groupname(&group.name);
        }
        Ok(Self { tar: Builder::new(to), files: BTreeMap::new(), entries: 0, header })
    }

    /// Adds a directory.
    pub(super) fn directory(&mut self, path: &str, mode: u32) -> Result<(), Error> {
        let mut header = self.entry(&format!("{path}/"), mode, 0)?;
        header.set_entry_type(EntryType::Directory);
        header.set_cksum();
        self.tar.append(&header, std::io::empty()).map_err(Error::Write)
    }

    /// Adds a file with this content.
    pub(super) fn bytes(&mut self, path: &str, content: &[u8]) -> Result<(), Error> {
        self.stream(path, content, content.len() as u64).map(drop)
    }

    pub(super) fn json(&mut self, path: &str, content: &impl Serialize) -> Result<(), Error> {
        let content = serde_json::to_vec_pretty(content).map_err(|e| Error::Write(e.into()))?;
        self.bytes(path, &content)
    }

    /// Adds a file as it is now; it may grow. Returns the hash at its end, if it is one of what is
    /// before it.
    pub(super) fn file(&mut self, path: &str, file: &File) -> Result<Option<Vec<u8>>, Error> {
        let length = file.metadata().map_err(Error::file(Path::new(path)))?.len();
        self.stream(path, file, length)
    }

    fn stream(
        &mut self,
        path: &str,
        content: impl Read,
        length: u64,
    ) -> Result<Option<Vec<u8>>, Error> {
        let place =
            place(path).ok_or_else(|| Error::Refused(format!("{path} is no file of a backup")))?;
        if length > place.max_length {
            let limit = place.max_length;
            return Err(Error::Refused(format!(
                "{path} is too large for a backup: it has {length} bytes, the limit is {limit}"
            )));
        }
        let mut header = self.entry(path, place.mode, length)?;
        header.set_entry_type(EntryType::Regular);
        header.set_cksum();
        let mut content = Summing::new(content, length);
        self.tar.append(&header, &mut content).map_err(Error::Write)?;
        let trailer = content.trailer().map(<[u8]>::to_vec);
        let sum = content.finish().map_err(Error::file(Path::new(path)))?;
        self.files.insert(path.to_owned(), sum);
        Ok(trailer)
    }

    fn entry(&mut self, path: &str, mode: u32, length: u64) -> Result<Header, Error> {
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return Err(Error::TooMany);
        }
        let mut header = self.header.clone();
        header.set_path(path).map_err(Error::file(Path::new(path)))?;
        header.set_mode(mode);
        header.set_size(length);
        Ok(header)
    }

    /// Whether an archive can have a file of this name: it must fit into the head of an entry.
    pub(super) fn takes(&self, path: &str) -> bool {
        place(path).is_some() && self.header.clone().set_path(path).is_ok()
    }

    /// Adds the list of all files, and ends.
    pub(super) fn finish(
        mut self,
        subclusters: BTreeMap<String, super::Stand>,
    ) -> Result<W, Error> {
        let files = std::mem::take(&mut self.files);
        self.json(place::MANIFEST, &Manifest { subclusters, files })?;
        let mut to = self.tar.into_inner().map_err(Error::Write)?;
        to.flush().map_err(Error::Write)?;
        Ok(to)
    }
}
