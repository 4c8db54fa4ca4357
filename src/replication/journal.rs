//! The newest writes to the log once more, in two plain files beside it. A write goes to the database
//! and to one of these at the same time, and counts when both have it; so what one of them has lost
//! the other one has, and a database that was damaged is not taken for one whose last write never came
//! to an end. When one file is full, the other one is written over: all that it has is in the database.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::place::Place;
use super::raft::LogId;
use super::record::{Record, SECTOR};

/// The files are made so long: what lies within is written without a change of the file's length,
/// which would have to be written too.
const LENGTH: u64 = 256 << 10;
/// How long to wait before what the disk has refused is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Where the files are, beside the log.
pub(super) fn paths(log: &Path) -> [PathBuf; 2] {
    [1, 2].map(|number| log.with_file_name(format!("journal-{number}")))
}

/// What is found in the files.
#[derive(Default)]
pub(super) struct Found {
    /// Those that are whole, in the order in which they were written.
    pub(super) records: Vec<Record>,
    /// Whether there are others, which were whole once. One that was being written when the power
    /// failed is none of them, unless it was the first one in its file.
    pub(super) is_damaged: bool,
    /// Whether all of them were written where they lie.
    pub(super) is_own: bool,
    /// Where the next one belongs: the file, and the place in it.
    end: (usize, u64),
}

impl Found {
    /// Reads both files. Blocks.
    pub(super) fn read(log: &Path) -> io::Result<Self> {
        let mut found = Self { is_own: true, ..Self::default() };
        let mut missing = 0;
        for (number, path) in paths(log).into_iter().enumerate() {
            match fs::read(&path) {
                Ok(content) => found.take(number, &Place::of(&path)?, &content),
                Err(error) if error.kind() == io::ErrorKind::NotFound => missing += 1,
                Err(error) => return Err(error),
            }
        }
        found.records.sort_by_key(|record| record.number);
        let follow = |pair: &[Record]| pair[0].number + 1 == pair[1].number;
        found.is_damaged |= missing == 1 || !found.records.windows(2).all(follow);
        Ok(found)
    }

    fn take(&mut self, file: usize, place: &Place, content: &[u8]) {
        let (mut first, mut at) = (None, 0);
        while at < content.len() {
            let Some((record, length)) = Record::read(&content[at..]) else {
                at += SECTOR;
                continue;
            };
            first.get_or_insert(at);
            at += length;
            self.is_own &= record.place == *place;
            if self.records.iter().all(|other| other.number < record.number) {
                self.end = (file, at as u64);
            }
            self.records.push(record);
        }
        let is_used = content.iter().any(|byte| *byte != 0);
        let begins = first == Some(0) || !is_used;
        self.is_damaged |= !begins || (content.len() as u64) < LENGTH;
    }

    /// Whether they tell of the log that lies beside them.
    pub(super) fn is_used(&self) -> bool {
        self.is_own && !self.records.is_empty()
    }

    /// What is known of the end of the log.
    pub(super) fn last(&self) -> Option<LogId> {
        self.records.iter().filter_map(|record| record.last).max()
    }
}

/// Where records are written.
pub(super) struct Journal {
    queue: mpsc::Sender<Record>,
    /// The numbers of those that are on the disk.
    done: mpsc::Receiver<u64>,
}

impl Journal {
    /// Opens the files or makes them, and starts the thread that writes, which ends with this. They are
    /// emptied if what was found in them is of no more use.
    pub(super) fn start(log: &Path, found: &Found) -> io::Result<Self> {
        let is_kept = found.is_used() && !found.is_damaged;
        let paths = paths(log);
        let files = [open(&paths[0], is_kept)?, open(&paths[1], is_kept)?];
        let places = [Place::of(&paths[0])?, Place::of(&paths[1])?];
        if let Some(directory) = log.parent() {
            File::open(directory)?.sync_all()?;
        }
        let (now, at) = if is_kept { found.end } else { (0, 0) };
        let mut files = Files { files, paths, places, now, at };
        let (queue, records) = mpsc::channel::<Record>();
        let (tell, done) = mpsc::channel();
        thread::Builder::new().name("journal".into()).spawn(move || {
            for record in records {
                let number = record.number;
                files.write(record);
                if tell.send(number).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { queue, done })
    }

    /// Has this one written while something else is done.
    pub(super) fn begin(&self, record: Record) {
        self.queue.send(record).expect("the thread is there for as long as this");
    }

    /// Returns when the record of this number is on the disk, which must have been begun.
    pub(super) fn wait(&self, number: u64) {
        while self.done.recv().expect("the thread is there for as long as this") != number {}
    }
}

fn open(path: &Path, is_kept: bool) -> io::Result<File> {
    let mut options = File::options();
    let file = options.read(true).write(true).create(true).truncate(!is_kept).open(path)?;
    let length = file.metadata()?.len();
    // Where there is no room they grow when they must.
    if length < LENGTH && file.write_all_at(&vec![0; (LENGTH - length) as usize], length).is_ok() {
        file.sync_all()?;
    }
    Ok(file)
}

/// The files of a [`Journal`].
struct Files {
    files: [File; 2],
    paths: [PathBuf; 2],
    places: [Place; 2],
    now: usize,
    at: u64,
}

impl Files {
    /// Tries until the disk takes it.
    fn write(&mut self, mut record: Record) {
        if self.at >= LENGTH {
            (self.now, self.at) = (1 - self.now, 0);
        }
        record.place = self.places[self.now].clone();
        let mut told = false;
        while let Err(error) = self.try_write(&record) {
            if !std::mem::replace(&mut told, true) {
                tracing::error!(
                    "{} cannot be written, and this server takes no part until it can: {error}; is the disk full?",
                    self.paths[self.now].display(),
                );
            }
            thread::sleep(PAUSE);
        }
    }

    fn try_write(&mut self, record: &Record) -> io::Result<()> {
        let bytes = record.bytes()?;
        let file = &self.files[self.now];
        file.write_all_at(&bytes, self.at)?;
        file.sync_data()?;
        self.at += bytes.len() as u64;
        Ok(())
    }
}
