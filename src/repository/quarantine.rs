//! Where a pushed pack waits to be judged: invisible to readers, gone if it is refused.

use std::fs;
use std::io::{self, BufRead, BufWriter};
use std::path::{Path, PathBuf};

use git2::{ErrorClass, Indexer, Odb, Repository};
use tempfile::TempDir;

use super::handles::Use;
use super::pack_copy::{PackCopy, write_error};
use super::segment::Pushed;
use super::store::UNFINISHED;
use super::{Error, Subcluster, durable};

/// Names of quarantine directories begin so, below `objects/`, as git's own do.
pub(super) const PREFIX: &str = "incoming-";
/// Bytes handed to the indexer at a time.
const CHUNK: usize = 64 << 10;

/// A pack that has been received and indexed, but not taken in. Dropping it deletes it.
pub struct Quarantine {
    dir: Place,
    pack: Option<Pushed>,
    /// Packs that what is here may build upon must not go.
    _packs: Option<Use>,
}

/// Where it lies.
enum Place {
    /// Gone when it is dropped.
    Own(TempDir),
    /// In the inbox, which keeps it: the path of both files without their endings.
    Inbox(PathBuf),
}

impl Place {
    fn path(&self) -> &Path {
        match self {
            Self::Own(dir) => dir.path(),
            Self::Inbox(path) => path,
        }
    }
}

impl Quarantine {
    /// A pack that lies in the inbox.
    pub(super) fn in_inbox(stem: PathBuf, pack: Pushed) -> Self {
        Self { dir: Place::Inbox(stem), pack: Some(pack), _packs: None }
    }

    /// The same, of which another member knows how much was pushed.
    pub(super) fn with_pushed(mut self, pushed: Pushed) -> Self {
        self.pack = Some(pushed);
        self
    }

    /// The pack's file with this ending, `pack` or `idx`.
    pub(super) fn file(&self, ending: &str) -> PathBuf {
        match &self.dir {
            Place::Own(dir) => {
                let pack = self.pack().unwrap_or_default();
                dir.path().join(format!("pack/pack-{pack}.{ending}"))
            }
            Place::Inbox(stem) => stem.with_added_extension(ending),
        }
    }

    /// Receives a pack, completing a thin one from the objects that are there. Memory does not grow
    /// with the pack: whole blobs go through in pieces, and the objects' connections are checked by
    /// policy, not by libgit2's `verify`, which would keep each object as a whole.
    pub fn receive(subcluster: &Subcluster, input: impl BufRead) -> Result<Self, Error> {
        let packs = subcluster.handles().enter();
        let odb = Odb::new()?;
        add_objects(&odb, &subcluster.objects())?;
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(subcluster.objects())?;
        Self::receive_in(Place::Own(dir), &odb, input, Some(packs))
    }

    /// Receives the pack of a subcluster that is not there yet, beside the others.
    pub(super) fn receive_apart(repositories: &Path, input: impl BufRead) -> Result<Self, Error> {
        let dir = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(repositories)?;
        Self::receive_in(Place::Own(dir), &Odb::new()?, input, None)
    }

    fn receive_in(
        dir: Place,
        odb: &Odb<'_>,
        input: impl BufRead,
        packs: Option<Use>,
    ) -> Result<Self, Error> {
        let pack_dir = dir.path().join("pack");
        fs::create_dir(&pack_dir)?;
        let pack = PackCopy::new(input)?;
        if pack.is_empty() {
            return Ok(Self { dir, pack: None, _packs: packs });
        }
        let indexer = Indexer::new(Some(odb), &pack_dir, 0o440, false)?;
        let pushed = index(indexer, pack).map_err(|error| match error {
            Error::Git(error) => bad_pack(error),
            other => other,
        })?;
        let file = |ending: &str| pack_dir.join(format!("pack-{}.{ending}", pushed.pack));
        durable::sync_both(&file("pack"), &file("idx"))?;
        Ok(Self { dir, pack: Some(pushed), _packs: packs })
    }

    /// The pack's name, made from its content.
    pub fn pack(&self) -> Option<&str> {
        self.pack.as_ref().map(|pushed| pushed.pack.as_str())
    }

    /// The part of the pack that was pushed.
    pub fn pushed(&self) -> Option<&Pushed> {
        self.pack.as_ref()
    }

    /// A repository without references that sees the objects in quarantine and those taken in.
    pub(super) fn repository(&self, subcluster: &Subcluster) -> Result<Repository, Error> {
        let odb = Odb::new()?;
        add_objects(&odb, &subcluster.objects())?;
        add_objects(&odb, self.dir.path())?;
        Ok(Repository::from_odb(odb)?)
    }

    /// Makes the objects part of those in a repository's directory for them, durably. The content of
    /// the pack is durable already. Doing it twice is harmless.
    pub(super) fn take_in(&self, objects: &Path) -> Result<(), Error> {
        let Some(pack) = self.pack() else { return Ok(()) };
        let target = objects.join("pack");
        // libgit2 and git look for the index first, so the pack must be there before it.
        for ending in ["pack", "idx"] {
            let name = format!("pack-{pack}.{ending}");
            let source = self.file(ending);
            match &self.dir {
                Place::Own(_) if source.exists() => fs::rename(source, target.join(name))?,
                Place::Own(_) => {}
                Place::Inbox(_) => link(&source, &target.join(name))?,
            }
        }
        Ok(durable::sync_dir(&target)?)
    }
}

/// Gives a file another name, unless something has it already.
pub(super) fn link(file: &Path, name: &Path) -> io::Result<()> {
    match fs::hard_link(file, name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

/// Lets an object database see those in a directory, too.
pub(super) fn add_objects(odb: &Odb<'_>, dir: &Path) -> Result<(), Error> {
    let dir = dir.to_str().ok_or_else(|| {
        Error::Git(git2::Error::from_str("the path of the repositories must be valid UTF-8"))
    })?;
    Ok(odb.add_disk_alternate(dir)?)
}

fn index(indexer: Indexer<'_>, pack: PackCopy<impl BufRead>) -> Result<Pushed, Error> {
    let mut writer = BufWriter::with_capacity(CHUNK, indexer);
    let (objects, length) = pack.to(&mut writer)?;
    let indexer = writer.into_inner().map_err(|error| write_error(error.into_error()))?;
    Ok(Pushed { pack: indexer.commit()?, objects, length })
}

/// Clients are told what is wrong with their pack, but no path of ours.
fn bad_pack(error: git2::Error) -> Error {
    match error.class() {
        ErrorClass::Indexer
        | ErrorClass::Zlib
        | ErrorClass::Odb
        | ErrorClass::Object
        | ErrorClass::Invalid
            if !error.message().contains('/') =>
        {
            Error::BadPack(format!("the pack is damaged: {}", error.message()))
        }
        _ => error.into(),
    }
}
