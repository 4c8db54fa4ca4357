//! Packs of changes that have been proposed, or are about to be: they travel ahead of the log's
//! entries and stay for as long as the log has those, for members that come later.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::quarantine::link;
use super::{Error, Pushed, Quarantine, SmallPack, durable};

/// Beside the repositories, so that packs get there by a second name and not by copying.
const DIR: &str = ".inbox";
/// A pack that no entry of the log names is kept for so long: its entry may be on its way.
const UNPROPOSED: Duration = Duration::from_secs(60 * 60);
/// Small packs from the log lie here under names that begin so, for a moment.
const UNPACKED: &str = "small-";

/// The packs. Each is a file `NAME-OBJECTS-LENGTH.pack` that tells how much of it was pushed, and
/// its index; the index is there first.
pub struct Inbox {
    dir: PathBuf,
    /// What has been seen in the directory, by name: that has thousands of files at times.
    seen: Mutex<HashMap<String, Pushed>>,
    /// Those in quarantines of pushes that are being decided.
    lent: Mutex<HashMap<String, Quarantine>>,
    /// Counts the small ones that the log has brought.
    unpacked: AtomicU64,
}

impl Inbox {
    /// The inbox beside these repositories, made if it is not there.
    pub fn open(repositories: &Path) -> io::Result<Self> {
        let dir = repositories.join(DIR);
        match fs::create_dir(&dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        remove_unpacked(&dir)?;
        let (seen, lent, unpacked) = Default::default();
        Ok(Self { dir, seen, lent, unpacked })
    }

    /// Keeps the pack of a quarantine; durably when [`Inbox::sync`] has returned. Doing it twice is
    /// harmless.
    pub fn keep(&self, quarantine: &Quarantine) -> Result<(), Error> {
        let Some(pushed) = quarantine.pushed() else { return Ok(()) };
        quarantine.sync()?;
        for ending in ["idx", "pack"] {
            let kept = self.dir.join(format!("{}.{ending}", stem(pushed)));
            link(&quarantine.file(ending), &kept)?;
        }
        self.seen().insert(pushed.pack.clone(), pushed.clone());
        Ok(())
    }

    /// Makes all that is kept durable.
    pub fn sync(&self) -> io::Result<()> {
        durable::sync_dir(&self.dir)
    }

    /// Lends the pack of a quarantine to [`Inbox::unpack`] until what this returns is dropped.
    pub fn lend(&self, quarantine: &Quarantine) -> Lent<'_> {
        let pack = quarantine.pack().unwrap_or_default().to_owned();
        self.lent().insert(pack.clone(), quarantine.lend());
        Lent { inbox: self, pack }
    }

    /// The pack that an entry of the log has brought: the one that was pushed here, if it was, for
    /// that need not be written again. Fails if it is not the one of that name.
    pub fn unpack(&self, pack: &SmallPack, name: &str) -> Result<Quarantine, Error> {
        if let Some(lent) = self.lent().remove(name) {
            return Ok(lent);
        }
        let number = self.unpacked.fetch_add(1, Ordering::Relaxed);
        Quarantine::of_small(pack, name, self.dir.join(format!("{UNPACKED}{number}")))
    }

    /// Takes in a pack that another member sends, durably, if its content is what its name says.
    /// Returns the directories that are left of its making: dropping them may take the disk as long
    /// as the rest, and blocks.
    pub fn receive(&self, pushed: &Pushed, input: impl BufRead) -> Result<Quarantine, Error> {
        let above = self.dir.parent().expect("the inbox lies beside the repositories");
        let quarantine = Quarantine::receive_apart(above, input)?;
        if quarantine.pack() != Some(&pushed.pack) {
            return Err(Error::BadPack(format!("this is not the pack {}", pushed.pack)));
        }
        let quarantine = quarantine.with_pushed(pushed.clone());
        self.keep(&quarantine)?;
        self.sync()?;
        Ok(quarantine)
    }

    /// The pack of this name, if it is there.
    pub fn find(&self, pack: &str) -> Option<Quarantine> {
        let there = |pushed: Pushed| {
            let found = Quarantine::in_inbox(self.dir.join(stem(&pushed)), pushed);
            found.file("pack").exists().then_some(found)
        };
        let seen = self.seen().get(pack).cloned();
        seen.and_then(there).or_else(|| {
            let all = self.all().ok()?;
            let found = all.iter().find(|pushed| pushed.pack == pack).cloned();
            *self.seen() = all.into_iter().map(|pushed| (pushed.pack.clone(), pushed)).collect();
            there(found?)
        })
    }

    /// The pack of this name for sending it on, and how much of it was pushed.
    pub fn file(&self, pack: &str) -> Option<(Pushed, File)> {
        let quarantine = self.find(pack)?;
        let file = File::open(quarantine.file("pack")).ok()?;
        Some((quarantine.pushed()?.clone(), file))
    }

    /// No entry of the log names these any more.
    pub fn remove(&self, is_unnamed: impl Fn(&str) -> bool) -> io::Result<()> {
        let unnamed = self.all()?.into_iter().filter(|pushed| is_unnamed(&pushed.pack));
        for pushed in unnamed {
            self.remove_one(&pushed)?;
        }
        Ok(())
    }

    /// Removes what has been waiting for its entry for too long. `is_named` tells what the log names.
    pub fn tidy(&self, is_named: impl Fn(&str) -> bool) -> io::Result<()> {
        for pushed in self.all()? {
            let path = self.dir.join(format!("{}.pack", stem(&pushed)));
            let age = SystemTime::now().duration_since(fs::metadata(path)?.modified()?);
            if age.is_ok_and(|age| age > UNPROPOSED) && !is_named(&pushed.pack) {
                self.remove_one(&pushed)?;
            }
        }
        Ok(())
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<String, Pushed>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lent(&self) -> MutexGuard<'_, HashMap<String, Quarantine>> {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove_one(&self, pushed: &Pushed) -> io::Result<()> {
        self.seen().remove(&pushed.pack);
        for ending in ["pack", "idx"] {
            match fs::remove_file(self.dir.join(format!("{}.{ending}", stem(pushed)))) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn all(&self) -> io::Result<Vec<Pushed>> {
        let names = fs::read_dir(&self.dir)?.map(|entry| Ok(entry?.file_name()));
        let names: Vec<_> = names.collect::<io::Result<_>>()?;
        Ok(names.iter().filter_map(|name| read(name.to_str()?.strip_suffix(".pack")?)).collect())
    }
}

/// Ends with the push.
pub struct Lent<'a> {
    inbox: &'a Inbox,
    pack: String,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.inbox.lent().remove(&self.pack);
    }
}

/// What a killed server left.
fn remove_unpacked(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNPACKED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn stem(Pushed { pack, objects, length }: &Pushed) -> String {
    format!("{pack}-{objects}-{length}")
}

fn read(stem: &str) -> Option<Pushed> {
    let mut parts = stem.split('-');
    let (pack, objects, length) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Pushed {
        pack: pack.to_owned(),
        objects: objects.parse().ok()?,
        length: length.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// One blob as a pack.
    fn pack(dir: &Path) -> (Pushed, Vec<u8>) {
        let repository = git2::Repository::init_bare(dir.join("from")).unwrap();
        let mut builder = repository.packbuilder().unwrap();
        builder.insert_object(repository.blob(b"content").unwrap(), None).unwrap();
        let mut content = git2::Buf::new();
        builder.write_buf(&mut content).unwrap();
        let received = Quarantine::receive_apart(dir, &content[..]).unwrap();
        (received.pushed().unwrap().clone(), content.to_vec())
    }

    /// Sent by who proposes it, and fetched as it is due.
    #[test]
    fn a_pack_that_comes_several_times_at_once_is_kept_each_time() {
        let dir = tempfile::tempdir().unwrap();
        let (pushed, content) = pack(dir.path());
        let inbox = Inbox::open(dir.path()).unwrap();
        for _ in 0..20 {
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| inbox.receive(&pushed, &content[..]).unwrap());
                }
            });
            assert!(inbox.find(&pushed.pack).is_some());
            inbox.remove(|pack| pack == pushed.pack).unwrap();
            assert!(inbox.find(&pushed.pack).is_none());
        }
    }

    #[test]
    fn a_name_tells_how_much_was_pushed() {
        let pushed = Pushed { pack: "ab".repeat(20), objects: 3, length: 700 };
        let again = read(&stem(&pushed)).unwrap();
        assert_eq!((again.pack, again.objects, again.length), (pushed.pack, 3, 700));
        assert!(read("pushed").is_none() && read("a-b-c").is_none());
    }

    /// A loss of power has left the names of its files, and not their content.
    #[test]
    fn a_pack_that_is_taken_in_takes_the_place_of_one_that_was_lost() {
        let dir = tempfile::tempdir().unwrap();
        let (pushed, content) = pack(dir.path());
        let inbox = Inbox::open(dir.path()).unwrap();
        let received = Quarantine::receive_apart(dir.path(), &content[..]).unwrap();
        let small = SmallPack::of(&received).unwrap().unwrap();
        let objects = dir.path().join("objects");
        fs::create_dir_all(objects.join("pack")).unwrap();
        let files = ["pack", "idx"]
            .map(|ending| objects.join(format!("pack/pack-{}.{ending}", pushed.pack)));
        for is_lent in [true, false] {
            files.iter().for_each(|file| drop(fs::remove_file(file)));
            files.iter().for_each(|file| fs::write(file, "").unwrap());
            let lent = is_lent.then(|| inbox.lend(&received));
            inbox.unpack(&small, &pushed.pack).unwrap().take_in(&objects).unwrap();
            drop(lent);
            assert!(files.iter().all(|file| fs::metadata(file).unwrap().len() > 0), "{is_lent}");
        }
        let left = fs::read_dir(&objects).unwrap().count();
        assert_eq!(left, 1);
    }
}
