//! Where a pushed pack waits to be judged: invisible to readers, gone if it is refused.

use std::fs;
use std::io::{self, BufRead, BufWriter};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use git2::{ErrorClass, Indexer, Odb, Repository};
use tempfile::TempDir;

use super::handles::Use;
use super::pack_copy::{PackCopy, write_error};
use super::segment::Pushed;
use super::store::UNFINISHED;
use super::syncing::Syncing;
use super::{Error, Intake, SmallPack, Subcluster, deltas, durable};

/// Names of quarantine directories begin so, below `objects/`, as git's own do.
pub(super) const PREFIX: &str = "incoming-";
/// Bytes handed to the indexer at a time.
const CHUNK: usize = 64 << 10;

/// A pack that has been received and indexed, but not taken in. Dropping it deletes it.
pub struct Quarantine {
    place: Place,
    pack: Option<Pushed>,
    /// None where it is durable.
    syncing: Option<Arc<Syncing>>,
    /// Where its objects have been taken in.
    named_in: Mutex<Option<PathBuf>>,
    /// Packs that what is here may build upon must not go.
    _packs: Option<Use>,
}

/// Where it lies.
enum Place {
    /// Gone when it is dropped.
    Own(TempDir),
    /// Kept by somebody else: the path of both files without their endings.
    Elsewhere(PathBuf),
    /// Two files with this path, but for their endings. Gone when it is dropped.
    Pair(Pair),
}

impl Quarantine {
    fn new(place: Place, pack: Option<Pushed>, syncing: Option<Arc<Syncing>>) -> Self {
        Self { place, pack, syncing, named_in: Mutex::default(), _packs: None }
    }

    /// A pack that lies in the inbox, durably.
    pub(super) fn in_inbox(stem: PathBuf, pack: Pushed) -> Self {
        let place = Place::Elsewhere(stem);
        Self::new(place, Some(pack), None)
    }

    /// A pack from the log, written to files with this path, but for their endings.
    pub(super) fn of_small(pack: &SmallPack, name: &str, stem: PathBuf) -> Result<Self, Error> {
        pack.check(name)?;
        let pair = Pair(stem);
        let files = ["pack", "idx"].map(|ending| pair.file(ending));
        pack.write(&files)?;
        let syncing = Some(Syncing::new([&files[0], &files[1]])?.into());
        Ok(Self::new(Place::Pair(pair), Some(pack.pushed(name)), syncing))
    }

    /// The same pack, for somebody else who needs it while this is there.
    pub(super) fn lend(&self) -> Self {
        let place = Place::Elsewhere(self.file("pack").with_extension(""));
        let (pack, syncing) = (self.pack.clone(), self.syncing.clone());
        Self::new(place, pack, syncing)
    }

    /// The same, of which another member knows how much was pushed.
    pub(super) fn with_pushed(mut self, pushed: Pushed) -> Self {
        self.pack = Some(pushed);
        self
    }

    /// The pack's file with this ending, `pack` or `idx`.
    pub(super) fn file(&self, ending: &str) -> PathBuf {
        let pack = self.pack().unwrap_or_default();
        match &self.place {
            Place::Own(dir) => dir.path().join(format!("pack/pack-{pack}.{ending}")),
            Place::Elsewhere(stem) => stem.with_added_extension(ending),
            Place::Pair(pair) => pair.file(ending),
        }
    }

    /// Receives a pack that was made here.
    pub fn receive(subcluster: &Subcluster, input: impl BufRead) -> Result<Self, Error> {
        Self::take(subcluster, input, &Intake::OWN)
    }

    /// Receives a pack, completing a thin one from the objects that are there. Memory does not grow
    /// with the pack: whole blobs go through in pieces, and the objects' connections are checked by
    /// policy, not by libgit2's `verify`, which would keep each object as a whole.
    pub fn take(
        subcluster: &Subcluster,
        input: impl BufRead,
        intake: &Intake<'_>,
    ) -> Result<Self, Error> {
        let packs = subcluster.handles().enter();
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(subcluster.objects())?;
        subcluster.read(|repository| {
            Self::receive_in(dir, &repository.odb()?, input, Some(packs), intake)
        })
    }

    /// Receives the pack of a subcluster that is not there yet, beside the others.
    pub(super) fn receive_apart(repositories: &Path, input: impl BufRead) -> Result<Self, Error> {
        let dir = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(repositories)?;
        Self::receive_in(dir, &Odb::new()?, input, None, &Intake::OWN)
    }

    fn receive_in(
        dir: TempDir,
        odb: &Odb<'_>,
        input: impl BufRead,
        packs: Option<Use>,
        intake: &Intake<'_>,
    ) -> Result<Self, Error> {
        let pack_dir = dir.path().join("pack");
        fs::create_dir(&pack_dir)?;
        let pack = PackCopy::new(input, intake)?;
        if pack.is_empty() {
            return Ok(Self { _packs: packs, ..Self::new(Place::Own(dir), None, None) });
        }
        let mut indexer = Indexer::new(Some(odb), &pack_dir, 0o440, false)?;
        indexer.progress(|_| (intake.is_wanted)());
        let pushed =
            index(indexer, pack, (&pack_dir, odb), intake).map_err(|error| match error {
                Error::Git(_) if !(intake.is_wanted)() => Error::Unwanted,
                Error::Git(error) => bad_pack(error),
                other => other,
            })?;
        let file = |ending: &str| pack_dir.join(format!("pack-{}.{ending}", pushed.pack));
        let syncing = Some(Syncing::new([&file("pack"), &file("idx")])?.into());
        Ok(Self { _packs: packs, ..Self::new(Place::Own(dir), Some(pushed), syncing) })
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
        if let Place::Own(dir) = &self.place {
            add_objects(&odb, dir.path())?;
        }
        Ok(Repository::from_odb(odb)?)
    }

    /// Begins to make the content of the pack and its index durable, while something else is done.
    pub fn begin_to_sync(&self) {
        self.syncing.iter().for_each(|syncing| syncing.begin());
    }

    /// Returns when the content of the pack and its index is durable. Their names here never are.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.syncing.as_ref().map_or(Ok(()), |syncing| syncing.wait())
    }

    /// Makes the objects part of those in a repository's directory for them, durably. Doing it twice
    /// is harmless.
    pub(super) fn take_in(&self, objects: &Path) -> Result<(), Error> {
        if self.pack().is_none() {
            return Ok(());
        }
        self.sync()?;
        self.name_in(objects)?;
        Ok(durable::sync_dir(&objects.join("pack"))?)
    }

    /// Makes the objects part of those in a repository's directory for them, not durably. They stay
    /// there when this has gone, and what packs they are in is not looked at again.
    pub(super) fn name_in(&self, objects: &Path) -> Result<(), Error> {
        let Some(pack) = self.pack() else { return Ok(()) };
        let mut named_in = self.named_in.lock().unwrap_or_else(PoisonError::into_inner);
        if named_in.as_deref() == Some(objects) {
            return Ok(());
        }
        let target = objects.join("pack");
        // libgit2 and git look for the index first, so the pack must be there before it.
        for ending in ["pack", "idx"] {
            let name = format!("pack-{pack}.{ending}");
            let source = self.file(ending);
            match &self.place {
                Place::Elsewhere(_) => replace(&source, &target.join(name), objects)?,
                _ if source.exists() => fs::rename(source, target.join(name))?,
                _ => {}
            }
        }
        *named_in = Some(objects.to_owned());
        Ok(())
    }
}

/// Two files, `pack` and `idx`, by their path without these endings.
struct Pair(PathBuf);

impl Pair {
    fn file(&self, ending: &str) -> PathBuf {
        self.0.with_added_extension(ending)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // They are gone if they have been taken in; what stays is removed at the next start.
        for ending in ["pack", "idx"] {
            let _ = fs::remove_file(self.file(ending));
        }
    }
}

/// Gives a file another name, unless something has it already.
pub(super) fn link(file: &Path, name: &Path) -> io::Result<()> {
    match fs::hard_link(file, name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

/// Gives a file another name. Another file of that name is replaced: it may have lost its content with
/// the power.
fn replace(file: &Path, name: &Path, objects: &Path) -> io::Result<()> {
    link(file, name)?;
    let place = |path| fs::metadata(path).map(|found| (found.dev(), found.ino()));
    if place(file)? == place(name)? {
        return Ok(());
    }
    let beside = tempfile::Builder::new().prefix(PREFIX).tempdir_in(objects)?;
    let new = beside.path().join("new");
    fs::hard_link(file, &new)?;
    fs::rename(new, name)
}

/// Lets an object database see those in a directory, too.
pub(super) fn add_objects(odb: &Odb<'_>, dir: &Path) -> Result<(), Error> {
    let dir = dir.to_str().ok_or_else(|| {
        Error::Git(git2::Error::from_str("the path of the repositories must be valid UTF-8"))
    })?;
    Ok(odb.add_disk_alternate(dir)?)
}

fn index(
    indexer: Indexer<'_>,
    pack: PackCopy<'_, impl BufRead>,
    (dir, odb): (&Path, &Odb<'_>),
    intake: &Intake<'_>,
) -> Result<Pushed, Error> {
    let mut writer = BufWriter::with_capacity(CHUNK, indexer);
    let (objects, length) = pack.to(&mut writer)?;
    let indexer = writer.into_inner().map_err(|error| write_error(error.into_error()))?;
    // Until it is done, the pack is the only file there, under a name of libgit2's choice.
    if let Some(file) = fs::read_dir(dir)?.next() {
        deltas::check(&fs::File::open(file?.path())?, &objects, odb, intake)?;
    }
    Ok(Pushed { pack: indexer.commit()?, objects: objects.len() as u32, length })
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
