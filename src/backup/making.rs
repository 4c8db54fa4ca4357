//! Making an archive of what a server has, while it may be running.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Error;
use super::manifest::{self, Format, Member, Stand};
use super::place::{self, INTRODUCTION, PLAIN, PRIVATE, STATE, in_repository};
use super::writer::Writer;
use crate::accounts;
use crate::layout::Layout;
use crate::protocol::Id;
use crate::replication;
use crate::repository::{self, Name, OnDisk, Standing, pack_ids};

/// How often the objects of a repository are looked through: its packs may become others meanwhile.
const PASSES: u32 = 20;
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(50);
/// Directories that a repository has even if there is nothing in them.
pub(super) const DIRECTORIES: [&str; 7] =
    ["", "objects", "objects/info", "objects/pack", "refs", "refs/heads", "refs/tags"];

/// What has come of it.
#[derive(Debug)]
pub struct Made {
    /// Where each subcluster stands in the archive.
    pub subclusters: BTreeMap<String, Stand>,
    /// What is not in the archive, and why, in a sentence each.
    pub left_out: Vec<String>,
}

/// Writes an archive of all that the server of this layout has. It may be running, and is not
/// disturbed.
///
/// # Errors
/// If a repository is not whole, or something cannot be read or written.
pub fn make(layout: &Layout, to: impl Write) -> Result<Made, Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut writer = Writer::new(to, &layout.state(), now.as_secs() as i64)?;
    let format = Format {
        format: manifest::FORMAT,
        program: env!("CARGO_PKG_VERSION").into(),
        made: now.as_secs() as i64,
        member: member(layout)?,
    };
    writer.json(place::FORMAT, &format)?;
    for (directory, mode) in [("", 0o755), ("/apache", 0o755), ("/repo", 0o750)] {
        writer.directory(&format!("{STATE}{directory}"), mode)?;
    }
    own_files(layout, &mut writer)?;
    let mut made = Made { subclusters: BTreeMap::new(), left_out: Vec::new() };
    let dir = layout.repositories();
    for name in OnDisk::names(&dir).map_err(Error::file(&dir))? {
        match repository(&mut writer, &dir, &name, &mut made.left_out)? {
            Some(stand) => _ = made.subclusters.insert(name.to_string(), stand),
            None => made.left_out.push(format!(
                "{name} is a Subversion repository of the original, and not in the backup"
            )),
        }
    }
    writer.finish(made.subclusters.clone())?;
    Ok(made)
}

fn member(layout: &Layout) -> Result<Option<Member>, Error> {
    let path = layout.introduction();
    let known = replication::known_members(layout).map_err(Error::file(&path))?;
    Ok(known.map(|(name, members)| Member { name, members }))
}

fn own_files(layout: &Layout, writer: &mut Writer<impl Write>) -> Result<(), Error> {
    let accounts = accounts::File::of(layout);
    // A server that runs goes on with those that it has read; what is restored has only these.
    let known = accounts.read().map_err(|error| Error::Accounts(error.to_string()))?;
    if known.is_empty() {
        let path = accounts.path().display();
        return Err(Error::Accounts(format!("there is nobody in {path}")));
    }
    for file in PRIVATE.iter().chain(&PLAIN) {
        let path = layout.state().join(file);
        match File::open(&path) {
            Ok(content) => {
                if *file == INTRODUCTION {
                    writer.directory(&format!("{STATE}/cluster"), 0o750)?;
                }
                writer.file(&format!("{STATE}/{file}"), &content)?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Error::file(&path)(error)),
        }
    }
    Ok(())
}

/// None if it is none of ours.
fn repository(
    writer: &mut Writer<impl Write>,
    dir: &Path,
    name: &Name,
    left_out: &mut Vec<String>,
) -> Result<Option<Stand>, Error> {
    let not_whole = |source| Error::NotWhole { subcluster: name.to_string(), source };
    let on_disk = match OnDisk::open(&dir.join(name.as_str())) {
        Err(repository::Error::Subversion) => return Ok(None),
        opened => opened.map_err(not_whole)?,
    };
    let Standing { refs, note, nowhere } = on_disk.standing().map_err(not_whole)?;
    left_out.extend(nowhere.iter().map(|(reference, id)| {
        format!("{reference} of subcluster {name} leads to {id}, which is not there: it is not in the backup")
    }));
    for directory in DIRECTORIES {
        let path = in_repository(name, directory);
        writer.directory(path.trim_end_matches('/'), 0o750)?;
    }
    for (file, content) in on_disk.plain_files().map_err(Error::file(on_disk.path()))? {
        writer.bytes(&in_repository(name, &file), &content)?;
    }
    let lines: String = refs.iter().map(|(name, id)| format!("{id} {name}\n")).collect();
    writer.bytes(&in_repository(name, "packed-refs"), lines.as_bytes())?;
    if let Some((file, content)) = note {
        writer.bytes(&in_repository(name, file), &content)?;
    }
    let mut objects =
        Objects { name, on_disk: &on_disk, done: HashSet::new(), ids: HashSet::new() };
    let count = objects.all(writer, &refs)?;
    let ids = objects.ids;
    for (file, content) in
        on_disk.logs(|id| ids.contains(&id)).map_err(Error::file(on_disk.path()))?
    {
        let path = in_repository(name, &file);
        // Of a branch with a name that is too long only the log is left out.
        if writer.takes(&path) {
            writer.bytes(&path, &content)?;
        }
    }
    let head = on_disk.head(&refs).map_err(not_whole)?;
    Ok(Some(Stand {
        revision: head.map(|head| head.revision),
        commit: head.map(|head| head.commit),
        references: refs.len(),
        objects: count,
    }))
}

/// The objects of a repository on their way into an archive.
struct Objects<'a> {
    name: &'a Name,
    on_disk: &'a OnDisk,
    /// Files that are there, by their names in the repository.
    done: HashSet<String>,
    /// Objects that are.
    ids: HashSet<Id>,
}

impl Objects<'_> {
    /// Adds files until all that `refs` lead to is there, and returns how many objects that is. What
    /// was gathered into another pack, before its file was opened, is found in that.
    fn all(
        &mut self,
        writer: &mut Writer<impl Write>,
        refs: &[repository::Ref],
    ) -> Result<usize, Error> {
        let mut tries = 0;
        loop {
            self.pass(writer)?;
            let ids = &self.ids;
            let checked = self.on_disk.check(refs, |id| ids.contains(&id));
            tries += 1;
            match checked {
                Ok(count) => return Ok(count),
                Err(_) if tries < PASSES => thread::sleep(PAUSE),
                Err(source) => {
                    return Err(Error::NotWhole { subcluster: self.name.to_string(), source });
                }
            }
        }
    }

    /// Adds all files of objects that are not there yet.
    fn pass(&mut self, writer: &mut Writer<impl Write>) -> Result<(), Error> {
        let files = self.on_disk.object_files();
        for file in files.map_err(Error::file(self.on_disk.path()))? {
            if self.done.contains(&file) {
                continue;
            }
            let added = match file.strip_suffix(".pack") {
                Some(stem) => self.pack(writer, stem)?,
                None if file.ends_with(".idx") => false,
                None => self.other(writer, &file)?,
            };
            if added {
                self.done.insert(file);
            }
        }
        Ok(())
    }

    /// A pack and its index, if both are there still.
    fn pack(&mut self, writer: &mut Writer<impl Write>, stem: &str) -> Result<bool, Error> {
        let (index, pack) = (format!("{stem}.idx"), format!("{stem}.pack"));
        let (Some(mut opened_index), Some(opened_pack)) = (self.open(&index)?, self.open(&pack)?)
        else {
            return Ok(false);
        };
        let mut content = Vec::new();
        opened_index.read_to_end(&mut content).map_err(Error::file(Path::new(&index)))?;
        let damaged = |file: &str| Error::NotWhole {
            subcluster: self.name.to_string(),
            source: repository::Error::Unsound(format!("{file} is damaged")),
        };
        let ids = pack_ids(&content).ok_or_else(|| damaged(&index))?;
        let hash = writer.file(&in_repository(self.name, &pack), &opened_pack)?;
        if hash.is_none() || hash.as_deref() != content.get(content.len() - 40..content.len() - 20)
        {
            return Err(damaged(&pack));
        }
        writer.bytes(&in_repository(self.name, &index), &content)?;
        self.ids.extend(ids);
        Ok(true)
    }

    /// An object with a file of its own, or what lies beside a pack.
    fn other(&mut self, writer: &mut Writer<impl Write>, file: &str) -> Result<bool, Error> {
        let Some(opened) = self.open(file)? else { return Ok(false) };
        writer.file(&in_repository(self.name, file), &opened)?;
        let digits: String = file.trim_start_matches("objects/").split('/').collect();
        self.ids.extend(Id::from_hex(digits.as_bytes()));
        Ok(true)
    }

    /// None if it has gone meanwhile.
    fn open(&self, file: &str) -> Result<Option<File>, Error> {
        let path = self.on_disk.path().join(file);
        match File::open(&path) {
            Ok(opened) => Ok(Some(opened)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file(&path)(error)),
        }
    }
}
