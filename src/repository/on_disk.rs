//! A repository as it lies on the disk, which a server may be changing meanwhile.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use git2::{Oid, Repository};

use super::pack_index::PackIndex;
use super::reachable::{self, Files};
use super::restore::Ref;
use super::revisions::Revisions;
use super::snapshot::ref_on_disk;
use super::{BOOT, Error, Head, Name, RUNNING, branch, journal, orders, ref_log};
use crate::protocol::Id;

/// How often references are read, until two readings are the same and nobody is moving several.
const READINGS: u32 = 50;
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(5);
/// Files beside the objects and references that make a repository what it is.
const PLAIN: [&str; 4] = ["HEAD", "config", "description", orders::FILE];
/// What there is of a pack.
const PACK: [&str; 6] = ["pack", "idx", "rev", "keep", "promisor", "mtimes"];

/// A file of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A pack.
    Pack,
    /// An object, or what lies beside a pack.
    Object,
    /// Anything else.
    Other,
}

/// What a file is, by its name in the repository; none if a copy of a repository needs none of that
/// name. References are in `packed-refs`.
pub fn file_kind(file: &str) -> Option<FileKind> {
    let parts: Vec<&str> = file.split('/').collect();
    match parts[..] {
        [name] if PLAIN.contains(&name) || [journal::FILE, "packed-refs"].contains(&name) => {
            Some(FileKind::Other)
        }
        ["logs", "HEAD"] => Some(FileKind::Other),
        ["logs", ref name @ ..] => {
            let name = name.join("/");
            (branch::is_allowed(&name) && branch::is_valid(&name)).then_some(FileKind::Other)
        }
        ["objects", "pack", name] => {
            let (stem, ending) = name.strip_prefix("pack-")?.split_once('.')?;
            (is_hex(stem, 40) && PACK.contains(&ending)).then_some(match ending {
                "pack" => FileKind::Pack,
                _ => FileKind::Object,
            })
        }
        ["objects", two, rest] => (is_hex(two, 2) && is_hex(rest, 38)).then_some(FileKind::Object),
        _ => None,
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The objects of a pack, by the content of its index; none if that is damaged.
pub fn pack_ids(index: &[u8]) -> Option<Vec<Id>> {
    Some(PackIndex::parse(index)?.0.into_iter().map(|(id, _)| id.into()).collect())
}

/// A repository on the disk.
pub struct OnDisk {
    path: PathBuf,
}

/// Where its references stand at one moment.
pub struct Standing {
    /// Branches, tags and what else there is.
    pub refs: Vec<Ref>,
    /// Those that lead nowhere, which a server does not show either.
    pub nowhere: Vec<Ref>,
    /// The note of a change that a server has not finished, if it was killed: the next start does.
    pub note: Option<(&'static str, Vec<u8>)>,
}

impl OnDisk {
    /// What may be repositories in a directory, by name.
    pub fn names(dir: &Path) -> io::Result<Vec<Name>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if entry.path().is_dir() {
                names.extend(entry.file_name().to_str().and_then(Name::new));
            }
        }
        names.sort();
        Ok(names)
    }

    /// The one at `path`. Fails with [`Error::Subversion`] if it is one of the original's.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if path.join("format").is_file() && path.join("db").is_dir() {
            return Err(Error::Subversion);
        }
        Repository::open_bare(path)?;
        Ok(Self { path: path.to_owned() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A new handle: others may remember packs that are gone.
    fn handle(&self) -> Result<Repository, Error> {
        Ok(Repository::open_bare(&self.path)?)
    }

    /// Where its references stand. A change of several of them is in that as a whole or not at all.
    pub fn standing(&self) -> Result<Standing, Error> {
        let mut last = None;
        for _ in 0..READINGS {
            let before = self.note()?;
            let refs = self.refs()?;
            if before.is_none() && self.note()?.is_none() && last.as_ref() == Some(&refs) {
                return self.standing_of(refs, None);
            }
            last = Some(refs);
            thread::sleep(PAUSE);
        }
        // A note stays where a server was killed.
        let note = self.note()?;
        let refs = self.refs()?;
        self.standing_of(refs, note.map(|note| (journal::FILE, note)))
    }

    fn standing_of(
        &self,
        refs: Vec<Ref>,
        note: Option<(&'static str, Vec<u8>)>,
    ) -> Result<Standing, Error> {
        let repository = self.handle()?;
        let odb = repository.odb()?;
        let (refs, nowhere): (Vec<Ref>, Vec<Ref>) =
            refs.into_iter().partition(|(_, id)| odb.exists((*id).into()));
        match nowhere.iter().find(|(name, _)| branch::is_kept(name)) {
            Some((name, id)) => {
                Err(Error::Unsound(format!("{name} leads to {id}, which is not there")))
            }
            None => Ok(Standing { refs, nowhere, note }),
        }
    }

    fn refs(&self) -> Result<Vec<Ref>, Error> {
        let repository = self.handle()?;
        // libgit2 passes over references that it cannot read.
        for kept in [BOOT, RUNNING] {
            let log = self.path.join("logs").join(kept);
            let is_gone = ref_on_disk(&repository, kept)?.is_zero();
            if is_gone && fs::metadata(log).is_ok_and(|log| log.len() > 0) {
                return Err(Error::Unsound(format!("{kept} is gone")));
            }
        }
        let mut refs = Vec::new();
        for reference in repository.references()? {
            let reference = reference?;
            if let (Ok(name), Some(target)) = (reference.name(), reference.target()) {
                refs.push((name.to_owned(), target.into()));
            }
        }
        refs.sort();
        Ok(refs)
    }

    fn note(&self) -> Result<Option<Vec<u8>>, Error> {
        Ok(read(&self.path.join(journal::FILE))?)
    }

    /// The files beside objects and references, with their content.
    pub fn plain_files(&self) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut files = Vec::new();
        for file in PLAIN {
            let content = read(&self.path.join(file))?;
            files.extend(content.map(|content| (file.to_owned(), content)));
        }
        Ok(files)
    }

    /// The files of the objects that are there at this moment, by their names in the repository. They
    /// never change, but may go.
    pub fn object_files(&self) -> io::Result<Vec<String>> {
        let mut files = Vec::new();
        for directory in names(&self.path.join("objects"))? {
            if directory != "pack" && !is_hex(&directory, 2) {
                continue;
            }
            let directory = format!("objects/{directory}");
            let files_in = names(&self.path.join(&directory))?.into_iter();
            let all = files_in.map(|file| format!("{directory}/{file}"));
            files.extend(all.filter(|file| file_kind(file).is_some()));
        }
        Ok(files)
    }

    /// The logs of references, without the lines that name something else than what `is_there`.
    pub fn logs(&self, is_there: impl Fn(Id) -> bool) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut logs = Vec::new();
        let mut todo = vec!["logs".to_owned()];
        while let Some(path) = todo.pop() {
            match self.path.join(&path) {
                dir if dir.is_dir() => {
                    todo.extend(names(&dir)?.into_iter().map(|name| format!("{path}/{name}")));
                }
                file if file_kind(&path).is_some() => {
                    let log = read(&file)?.unwrap_or_default();
                    logs.push((path, ref_log::filtered(&log, |id| is_there(id.into()))));
                }
                _ => {}
            }
        }
        Ok(logs)
    }

    /// Reads all that references lead to. `is_there` tells of each object whether it is where it must
    /// be, too. Returns how many objects that is; fails with what is wrong.
    pub fn check(&self, refs: &[Ref], is_there: impl Fn(Id) -> bool) -> Result<usize, Error> {
        let mut count = 0;
        let tips = refs.iter().map(|(_, id)| Oid::from(*id));
        reachable::walk(&self.handle()?, tips, Files::AreRead, |id| {
            count += 1;
            match is_there(id.into()) {
                true => Ok(()),
                false => Err(Error::Unsound(format!("the object {id} is kept elsewhere"))),
            }
        })?;
        Ok(count)
    }

    /// The newest revision of these references.
    pub fn head(&self, refs: &[Ref]) -> Result<Option<Head>, Error> {
        let Some((_, boot)) = refs.iter().find(|(name, _)| name == BOOT) else { return Ok(None) };
        let mut revisions = Revisions::default();
        revisions.move_to(&self.handle()?, (*boot).into())?;
        Ok(revisions.head())
    }
}

/// The names in a directory that are text; none if it is not there.
fn names(dir: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
    Ok(names.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}
