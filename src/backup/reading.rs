//! Taking an archive apart. Whatever is in it, only files that a backup has are written, each once,
//! into a directory that nobody else writes to.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use tar::{Archive, Entries, EntryType};

use super::Error;
use super::limits::MAX_ENTRIES;
use super::making::DIRECTORIES;
use super::manifest::{self, Format, Manifest};
use super::place::{self, in_repository, place};
use super::sums::{Sum, Summing};
use crate::repository::Name;

const NO_TAR: &str = "it is no tar archive; if it is compressed, unpack it first, as with zcat FILE | ecconfigd restore -";

/// An archive of which the first file has been read.
pub(super) struct Reader<'a, R: Read> {
    entries: Entries<'a, R>,
    pub(super) format: Format,
    files: BTreeMap<String, Sum>,
    count: usize,
}

impl<'a, R: Read> Reader<'a, R> {
    /// Reads what the archive is. Fails if it is none, or newer than this program.
    pub(super) fn new(archive: &'a mut Archive<R>) -> Result<Self, Error> {
        // Names and lengths stand in the head of each entry: what tells them otherwise is refused.
        let mut entries = archive.entries().map_err(Error::Read)?.raw(true);
        let not_ours = |what: &str| Error::NotABackup(what.into());
        let first = entries.next().ok_or_else(|| not_ours("it is empty"))?;
        let first = first.map_err(|error| match is_of_the_content(&error) {
            true => not_ours(NO_TAR),
            false => Error::Read(error),
        })?;
        if first.path_bytes()[..] != *place::FORMAT.as_bytes() {
            return Err(not_ours(&format!("it does not begin with {}", place::FORMAT)));
        }
        let (format, sum) = json::<serde_json::Value>(first, place::FORMAT)?;
        let version = |name: &str| format.get(name).cloned().unwrap_or_default();
        if let Some(newer) = version("format").as_u64().filter(|&n| n > u64::from(manifest::FORMAT))
        {
            let program = version("program").as_str().unwrap_or("?").escape_debug().to_string();
            return Err(Error::Newer { format: newer.try_into().unwrap_or(u32::MAX), program });
        }
        let format = serde_json::from_value(format)
            .map_err(|error| not_ours(&format!("{}: {error}", place::FORMAT)))?;
        let files = [(place::FORMAT.to_owned(), sum)].into();
        Ok(Self { entries, format, files, count: 1 })
    }

    /// Writes all files below `dir`, which must be empty, and compares them with the list at the end.
    pub(super) fn extract(mut self, dir: &Path) -> Result<Manifest, Error> {
        while let Some(entry) = self.entries.next() {
            let entry = entry.map_err(cannot_read)?;
            self.count += 1;
            if self.count > MAX_ENTRIES + 1 {
                return Err(Error::TooMany);
            }
            let path = entry.path_bytes().into_owned();
            let told = String::from_utf8_lossy(&path).escape_debug().to_string();
            let damaged = |what| Error::Damaged(format!("\"{told}\" {what}"));
            match entry.header().entry_type() {
                // They are made as files need them.
                EntryType::Directory => continue,
                EntryType::Regular => {}
                _ => return Err(damaged("is neither a file nor a directory")),
            }
            let path = String::from_utf8(path).map_err(|_| damaged("is no name in a backup"))?;
            if path == place::MANIFEST {
                let (manifest, _) = json::<Manifest>(entry, place::MANIFEST)?;
                return self.finish(manifest, dir);
            }
            let place = place(&path).ok_or_else(|| damaged("is no name in a backup"))?;
            if entry.size() > place.max_length {
                return Err(damaged("is too large"));
            }
            if self.files.contains_key(&path) {
                return Err(damaged("is in it twice"));
            }
            let length = entry.size();
            let sum = write(&dir.join(&path), entry, length, place.mode)?;
            self.files.insert(path, sum);
        }
        Err(Error::Damaged("it ends too early".into()))
    }

    fn finish(self, manifest: Manifest, dir: &Path) -> Result<Manifest, Error> {
        let differs = |path: &String| self.files.get(path) != manifest.files.get(path);
        if let Some(path) =
            self.files.keys().chain(manifest.files.keys()).find(|path| differs(path))
        {
            let path = path.escape_debug();
            return Err(Error::Damaged(format!(
                "\"{path}\" is not what it was when the backup was made"
            )));
        }
        for name in manifest.subclusters.keys() {
            let bad = || Error::Damaged(format!("\"{}\" is no name", name.escape_debug()));
            let name = Name::new(name).ok_or_else(bad)?;
            for directory in DIRECTORIES {
                make_dir(&dir.join(in_repository(&name, directory)))?;
            }
        }
        Ok(manifest)
    }
}

/// Whether what has been read is at fault, and not the reading.
fn is_of_the_content(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | Other | UnexpectedEof)
}

fn cannot_read(error: io::Error) -> Error {
    match is_of_the_content(&error) {
        true => Error::Damaged(error.to_string()),
        false => Error::Read(error),
    }
}

/// Reads a file of the archive that is JSON.
fn json<T: DeserializeOwned>(entry: impl Read, path: &str) -> Result<(T, Sum), Error> {
    let limit = place(path).map_or(0, |place| place.max_length);
    let mut content = Vec::new();
    entry.take(limit + 1).read_to_end(&mut content).map_err(cannot_read)?;
    let length = content.len() as u64;
    if length > limit {
        return Err(Error::Damaged(format!("\"{path}\" is too large")));
    }
    let mut summing = Summing::new(&content[..], length);
    io::copy(&mut summing, &mut io::sink()).map_err(Error::Read)?;
    let sum = summing.finish().map_err(Error::Read)?;
    let value = serde_json::from_slice(&content)
        .map_err(|error| Error::Damaged(format!("\"{path}\": {error}")))?;
    Ok((value, sum))
}

fn write(path: &Path, content: impl Read, length: u64, mode: u32) -> Result<Sum, Error> {
    make_dir(path.parent().unwrap_or(path))?;
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(path);
    let mut file = file.map_err(Error::file(path))?;
    // Whatever the umask is: clients on this machine need the certificate.
    file.set_permissions(Permissions::from_mode(mode)).map_err(Error::file(path))?;
    let mut summing = Summing::new(content, length);
    copy(&mut summing, &mut file, path)?;
    summing.finish().map_err(|_| Error::Damaged("it ends too early".into()))
}

/// Like [`io::copy`], which does not tell which side has failed.
fn copy(from: &mut impl Read, to: &mut impl io::Write, path: &Path) -> Result<(), Error> {
    let mut buffer = vec![0; 128 << 10];
    loop {
        match from.read(&mut buffer).map_err(cannot_read)? {
            0 => return Ok(()),
            read => to.write_all(&buffer[..read]).map_err(Error::file(path))?,
        }
    }
}

/// Makes a directory and those above it.
fn make_dir(path: &Path) -> Result<(), Error> {
    let path: PathBuf = path.components().collect();
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent() {
        make_dir(above)?;
    }
    let is_open = path.ends_with("ecconfigd/apache") || path.ends_with("ecconfigd");
    let mode = if is_open { 0o755 } else { 0o750 };
    DirBuilder::new().mode(mode).create(&path).map_err(Error::file(&path))?;
    fs::set_permissions(&path, Permissions::from_mode(mode)).map_err(Error::file(&path))
}
