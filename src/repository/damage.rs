//! Damaged files of a repository, found and put aside: what git needs to open it and to find its
//! references, and the packs.
//!
//! Nothing here knows what the right content is: whoever does writes it anew ([`super::mend`]).

use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use git2::{Config, Odb, Oid};
use sha1::{Digest, Sha1};

use super::orders::{self, Orders};
use super::{BOOT, durable, journal};

/// Where what is damaged lies from then on, in the repository. Of a name there is the last one.
const ASIDE: &str = "ecconfigd-damaged";
/// A larger file is no reference.
const MAX_REF: u64 = 4096;
/// The hash at the end of a pack, its index, and what else git keeps beside them.
const HASH_LEN: u64 = 20;
const HASHED: [&str; 5] = ["pack", "idx", "rev", "bitmap", "mtimes"];

/// What is written into the configuration ([`super::create`]), beside what must be there.
const CONFIG_WORDS: [&str; 2] = ["core.filemode", "core.logallrefupdates"];
const CONFIG_NUMBERS: [&str; 2] = ["core.bigfilethreshold", "pack.deltacachesize"];

/// Whether a file is what it should be.
type IsWhole = fn(&Path) -> bool;

/// The files of this repository that are damaged, but for its objects.
pub(super) fn files(repository: &Path) -> io::Result<Vec<PathBuf>> {
    let whole: [(&str, IsWhole); 5] = [
        ("HEAD", is_head),
        ("config", is_config),
        ("packed-refs", is_packed_refs),
        (journal::FILE, |path| journal::read(above(path)).is_ok()),
        (orders::FILE, |path| Orders::read(above(path)).is_ok()),
    ];
    let whole = whole.map(|(name, is_whole)| (repository.join(name), is_whole));
    let damaged = whole.into_iter().filter(|(path, is_whole)| path.exists() && !is_whole(path));
    let mut damaged: Vec<PathBuf> = damaged.map(|(path, _)| path).collect();
    references(&repository.join("refs"), &mut damaged)?;
    Ok(damaged)
}

/// The packs of this repository that are not what was written, and loose objects. Reads all of them.
pub(super) fn objects(repository: &Path) -> io::Result<Vec<PathBuf>> {
    let objects = repository.join("objects");
    let mut damaged = Vec::new();
    for dir in [objects.join("pack"), objects.join("info")] {
        for path in entries(&dir, |kind| !kind.is_dir())? {
            if is_damaged(&path)? {
                damaged.push(path);
            }
        }
    }
    loose(&objects, &mut damaged)?;
    Ok(damaged)
}

/// Moves these away, and returns their names in the repository.
pub(super) fn put_aside(repository: &Path, damaged: &[PathBuf]) -> io::Result<Vec<String>> {
    for path in damaged {
        aside(repository, path)?;
        if path.extension().is_some_and(|ending| ending == "pack" || ending == "idx") {
            // A pack is of no use without its index, nor the other way round.
            ["pack", "idx", "rev", "bitmap"]
                .iter()
                .try_for_each(|ending| aside(repository, &path.with_extension(ending)))?;
            // It may name a pack that is gone.
            remove_if_there(&repository.join("objects/pack/multi-pack-index"))?;
        }
    }
    let name = |path: &PathBuf| path.strip_prefix(repository).unwrap_or(path).to_owned();
    Ok(damaged.iter().map(|path| name(path).to_string_lossy().into_owned()).collect())
}

fn above(path: &Path) -> &Path {
    path.parent().expect("a file lies in a directory")
}

/// What [`super::create`] writes there: clones check out what it names, so any other name is damage.
fn is_head(path: &Path) -> bool {
    read_ref(path).is_some_and(|text| text == format!("ref: {BOOT}"))
}

/// git stops at a word that it cannot read, whoever wrote it.
fn is_config(path: &Path) -> bool {
    let Ok(config) = Config::open(path) else { return false };
    let version = config.get_i32("core.repositoryformatversion");
    config.get_bool("core.bare").is_ok()
        && version.is_ok_and(|version| (0..=1).contains(&version))
        && CONFIG_WORDS.iter().all(|name| can_be_read(config.get_bool(name)))
        && CONFIG_NUMBERS.iter().all(|name| can_be_read(config.get_i64(name)))
}

/// Or is not there.
fn can_be_read<T>(value: Result<T, git2::Error>) -> bool {
    value.err().is_none_or(|error| error.code() == git2::ErrorCode::NotFound)
}

/// What git writes there (gitrepository-layout(5)).
fn is_packed_refs(path: &Path) -> bool {
    let Ok(text) = fs::read_to_string(path) else { return false };
    let is_line = |line: &str| {
        line.starts_with('#')
            || line.strip_prefix('^').is_some_and(is_id)
            || line.split_once(' ').is_some_and(|(id, name)| is_id(id) && name.starts_with("refs/"))
    };
    text.lines().all(is_line) && (text.is_empty() || text.ends_with('\n'))
}

fn references(dir: &Path, damaged: &mut Vec<PathBuf>) -> io::Result<()> {
    for below in entries(dir, |kind| kind.is_dir())? {
        references(&below, damaged)?;
    }
    // git forbids names that end so.
    let is_lock = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "lock");
    let is_ref = |text: &String| is_id(text) || text.starts_with("ref: refs/");
    let files = entries(dir, |kind| !kind.is_dir())?.into_iter();
    // One that has gone meanwhile is not damaged.
    let wrong = |path: &PathBuf| path.exists() && read_ref(path).filter(is_ref).is_none();
    damaged.extend(files.filter(|path| !is_lock(path) && wrong(path)));
    Ok(())
}

/// The one line of a reference's file.
fn read_ref(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(MAX_REF).read_to_string(&mut text).ok()?;
    Some(text.trim_end().to_owned())
}

fn is_id(text: &str) -> bool {
    text.len() == 2 * HASH_LEN as usize && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Whether this is a file that ends with the hash of the rest, and does not. One that has gone
/// meanwhile, as packs do that become one, is none.
fn is_damaged(path: &Path) -> io::Result<bool> {
    let name = path.file_name().unwrap_or_default();
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if !HASHED.contains(&ending) && name != "multi-pack-index" && name != "commit-graph" {
        return Ok(false);
    }
    if ending == "idx" && !path.with_extension("pack").exists() {
        return Ok(path.exists());
    }
    match ends_with_its_hash(path) {
        Ok(does) => Ok(!does),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        // A disk that cannot read it has lost it.
        Err(error) if error.raw_os_error() == Some(nix::libc::EIO) => Ok(true),
        Err(error) => Err(error),
    }
}

fn ends_with_its_hash(path: &Path) -> io::Result<bool> {
    let file = File::open(path)?;
    let Some(length) = file.metadata()?.len().checked_sub(HASH_LEN) else { return Ok(false) };
    let mut input = BufReader::with_capacity(1 << 16, file);
    let mut hash = Sha1::new();
    io::copy(&mut input.by_ref().take(length), &mut HashWriter(&mut hash))?;
    let mut written = [0; HASH_LEN as usize];
    input.read_exact(&mut written)?;
    Ok(hash.finalize()[..] == written)
}

struct HashWriter<'a>(&'a mut Sha1);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn loose(objects: &Path, damaged: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut odb = None;
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let dirs = entries(objects, |kind| kind.is_dir())?;
    for dir in dirs.iter().filter(|dir| name(dir).len() == 2) {
        for path in entries(dir, |kind| !kind.is_dir())? {
            let Ok(id) = Oid::from_str(&(name(dir) + &name(&path))) else { continue };
            let odb = match &mut odb {
                Some(odb) => odb,
                none => none.insert(loose_objects(objects).map_err(io::Error::other)?),
            };
            // libgit2 compares the hash of what it reads with the name.
            if odb.read(id).is_err() && path.exists() {
                damaged.push(path);
            }
        }
    }
    Ok(())
}

/// The objects of this directory, without a repository, which may not be one now.
fn loose_objects(objects: &Path) -> Result<Odb<'static>, git2::Error> {
    let odb = Odb::new()?;
    let path = objects.to_str().ok_or_else(|| git2::Error::from_str("the path is no UTF-8"))?;
    odb.add_disk_alternate(path)?;
    Ok(odb)
}

fn entries(dir: &Path, is_meant: fn(&fs::FileType) -> bool) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if is_meant(&entry.file_type()?) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn aside(repository: &Path, path: &Path) -> io::Result<()> {
    let name = path.strip_prefix(repository).unwrap_or(path).to_string_lossy();
    let dir = repository.join(ASIDE);
    match fs::create_dir(&dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let to = dir.join(name.replace('/', "-"));
    if to.is_dir() {
        fs::remove_dir_all(&to)?;
    }
    match fs::rename(path, to) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        moved => moved.and_then(|()| durable::sync_dir(above(path))),
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::create::init;

    #[test]
    fn a_head_that_names_anything_but_what_clones_check_out_is_damaged() {
        let dir = tempfile::tempdir().unwrap();
        init(dir.path(), "default").unwrap();
        let path = dir.path().join("HEAD");
        assert!(files(dir.path()).unwrap().is_empty());
        for content in ["ref: refs/hecds/boot\n", "ref: refs/heads/bopt\n", "ref: refs/heads/b", ""]
        {
            fs::write(&path, content).unwrap();
            assert_eq!(files(dir.path()).unwrap(), std::slice::from_ref(&path), "{content}");
        }
    }

    #[test]
    fn a_configuration_that_git_cannot_read_is_damaged() {
        let dir = tempfile::tempdir().unwrap();
        init(dir.path(), "default").unwrap();
        let path = dir.path().join("config");
        let whole = fs::read_to_string(&path).unwrap();
        assert!(is_config(&path));
        for (from, to) in [
            ("true\n\tbigFileThreshold", "true?\tbigFileThreshold"),
            ("repositoryformatversion = 0", "repositoryformatversion = 8"),
            ("bare = true", "bare = tsue"),
            ("[core]", "[cnre]"),
            ("bigFileThreshold = 1", "bigFileThreshold = q"),
        ] {
            assert!(whole.contains(from), "{from} in {whole}");
            fs::write(&path, whole.replacen(from, to, 1)).unwrap();
            assert!(!is_config(&path), "{to}");
        }
    }
}
