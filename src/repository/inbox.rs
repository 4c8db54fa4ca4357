//! Packs of changes that have been proposed, or are about to be: they travel ahead of the log's
//! entries and stay for as long as the log has those, for members that come later.

use std::fs::{self, File};
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::quarantine::link;
use super::{Error, Pushed, Quarantine, durable};

/// Beside the repositories, so that packs get there by a second name and not by copying.
const DIR: &str = ".inbox";
/// How much of the pack was pushed.
const PUSHED: &str = "pushed.json";
/// A pack that no entry of the log names is kept for so long: its entry may be on its way.
const UNPROPOSED: Duration = Duration::from_secs(60 * 60);

/// The packs, by name.
pub struct Inbox {
    dir: PathBuf,
}

impl Inbox {
    /// The inbox beside these repositories, made if it is not there.
    pub fn open(repositories: &Path) -> io::Result<Self> {
        let dir = repositories.join(DIR);
        match fs::create_dir(&dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        Ok(Self { dir })
    }

    /// Keeps the pack of a quarantine, durably. Doing it twice is harmless.
    pub fn keep(&self, quarantine: &Quarantine) -> Result<(), Error> {
        let Some(pushed) = quarantine.pushed() else { return Ok(()) };
        let Some(dir) = self.dir_of(&pushed.pack) else { return Ok(()) };
        let files = dir.join("pack");
        fs::create_dir_all(&files)?;
        for ending in ["pack", "idx"] {
            let name = format!("pack-{}.{ending}", pushed.pack);
            link(&quarantine.files().join(&name), &files.join(name))?;
        }
        durable::sync_dir(&files)?;
        // What has this file is whole.
        let content = serde_json::to_vec(pushed).expect("a name and two numbers");
        durable::write_file(&dir.join(PUSHED), &content)?;
        Ok(durable::sync_dir(&self.dir)?)
    }

    /// Takes in a pack that another member sends, if its content is what its name says.
    pub fn receive(&self, pushed: &Pushed, input: impl BufRead) -> Result<(), Error> {
        let above = self.dir.parent().expect("the inbox lies beside the repositories");
        let quarantine = Quarantine::receive_apart(above, input)?;
        if quarantine.pack() != Some(&pushed.pack) {
            return Err(Error::BadPack(format!("this is not the pack {}", pushed.pack)));
        }
        self.keep(&quarantine.with_pushed(pushed.clone()))
    }

    /// The pack of this name, if it is there.
    pub fn find(&self, pack: &str) -> Option<Quarantine> {
        let dir = self.dir_of(pack)?;
        let pushed = serde_json::from_slice(&fs::read(dir.join(PUSHED)).ok()?).ok()?;
        Some(Quarantine::in_inbox(dir, pushed))
    }

    /// The pack of this name for sending it on, and how much of it was pushed.
    pub fn file(&self, pack: &str) -> Option<(Pushed, File)> {
        let quarantine = self.find(pack)?;
        let file = File::open(quarantine.files().join(format!("pack-{pack}.pack"))).ok()?;
        Some((quarantine.pushed()?.clone(), file))
    }

    /// No entry of the log names it any more.
    pub fn remove(&self, pack: &str) -> io::Result<()> {
        match self.dir_of(pack).map(fs::remove_dir_all) {
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes what has been waiting for its entry for too long. `is_named` tells what the log names.
    pub fn tidy(&self, is_named: impl Fn(&str) -> bool) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let age = SystemTime::now().duration_since(entry.metadata()?.modified()?);
            let is_old = age.is_ok_and(|age| age > UNPROPOSED);
            if let (true, Some(pack)) = (is_old, entry.file_name().to_str())
                && !is_named(pack)
            {
                self.remove(pack)?;
            }
        }
        Ok(())
    }

    /// Names come from other members: nothing but hexadecimal digits is one.
    fn dir_of(&self, pack: &str) -> Option<PathBuf> {
        let is_name = pack.len() == 40 && pack.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_name.then(|| self.dir.join(pack))
    }
}
