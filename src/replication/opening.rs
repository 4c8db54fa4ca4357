//! Opening the log: what the database has lost is taken from the journal beside it.

use std::path::{Path, PathBuf};
use std::{fs, io};

use openraft::Vote;
use redb::{Database as Tables, Error};

use super::database::{Change, Database, VOTE, fact};
use super::journal::{self, Found};
use super::log_store::PURGED;
use super::old_copy::LOST;
use super::raft::LogId;
use super::record::{Named, Record};
use super::{ends, tables};

/// How many writes the database has had: the number of the last [`Record`].
pub(super) const WRITTEN: &str = "written";

/// What becomes of a log that cannot be used.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum IfDamaged {
    /// Others have it: it is put aside, and one that knows only how far it had come begins.
    BeginAgain,
    /// Nobody else has it.
    Fail,
}

/// What there is.
enum Looked {
    Whole(Tables),
    /// Why it is not.
    Damaged(String),
    Nothing,
}

/// Opens the log or makes it. A damaged one is a failure of the kind `InvalidData`.
pub(super) fn open(path: &Path) -> io::Result<Database> {
    open_or(path, IfDamaged::Fail)
}

/// The same, where it may be that others have what is lost.
pub(super) fn open_or(path: &Path, if_damaged: IfDamaged) -> io::Result<Database> {
    let found = Found::read(path)?;
    match look(path, &found)? {
        Looked::Whole(tables) => {
            tell_of_journal(path, &found);
            make_whole(path, &tables, &found)?;
            Database::new(path, tables, &found)
        }
        Looked::Nothing => Database::new(path, made(path)?, &found),
        Looked::Damaged(why) if if_damaged == IfDamaged::Fail => {
            Err(io::Error::new(io::ErrorKind::InvalidData, why))
        }
        Looked::Damaged(why) => begin_again(path, &found, &why),
    }
}

/// Opens a log again that was open. Fails if it has less than these writes.
pub(super) fn open_again(path: &Path, written: u64) -> Result<Tables, Error> {
    let tables = tables::open(path)?;
    let found = Found::read(path).map_err(Error::Io)?;
    make_again(&tables, &found)?;
    match number(&tables)? {
        number if number >= written => Ok(tables),
        _ => Err(Error::Corrupted("what was written is not there any more".into())),
    }
}

/// The number of the last write that a database has had: none before there was a journal.
pub(super) fn number(tables: &Tables) -> Result<u64, Error> {
    let number = tables::fact(tables, WRITTEN)?;
    Ok(number.and_then(|number| serde_json::from_slice(&number).ok()).unwrap_or_default())
}

fn look(path: &Path, found: &Found) -> io::Result<Looked> {
    let is_used = found.is_used();
    match fs::metadata(path) {
        // A server that was stopped when it was about to begin has left it so.
        Ok(file) if file.len() == 0 && !is_used => return Ok(Looked::Nothing),
        Ok(file) if file.len() == 0 => return Ok(Looked::Damaged("is empty".into())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_used => {
            return Ok(Looked::Nothing);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Looked::Damaged("is not there any more".into()));
        }
        Err(error) => return Err(error),
    }
    match tables::open(path) {
        Ok(tables) => Ok(Looked::Whole(tables)),
        Err(error) if is_damage(&error) => Ok(Looked::Damaged(format!("is damaged ({error})"))),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// Rather than a disk that is full, or another process.
fn is_damage(error: &Error) -> bool {
    match error {
        Error::Io(error) => {
            let kinds = [io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof];
            kinds.contains(&error.kind()) || error.raw_os_error() == Some(libc::EIO)
        }
        Error::DatabaseAlreadyOpen | Error::DatabaseClosed | Error::PreviousIo => false,
        _ => true,
    }
}

fn tell_of_journal(path: &Path, found: &Found) {
    if found.is_damaged {
        tracing::warn!(
            "the journal of the cluster's log in {} is damaged, or was being written when the power failed; it is made anew from the log, which is whole",
            path.display(),
        );
    }
}

/// Makes again what only the journal has. What is in neither is lost, and it is written down how far
/// that went.
fn make_whole(path: &Path, tables: &Tables, found: &Found) -> io::Result<()> {
    let had = number(tables).map_err(io::Error::other)?;
    if had == 0 && !found.is_own {
        // A log has just begun where a copy of another one's journal lies.
        return Ok(());
    }
    let made_again = make_again(tables, found).map_err(io::Error::other)?;
    if made_again > 0 {
        tracing::info!(
            "the last {made_again} writes to the cluster's log in {} were in its journal only, and have been made again",
            path.display(),
        );
    }
    let Some(newest) = found.records.last().filter(|_| found.is_own) else { return Ok(()) };
    if number(tables).map_err(io::Error::other)? < newest.number {
        tracing::error!(
            "the cluster's log in {} is older than what this server has acknowledged: it takes part in no election until the others have given it what it lacks",
            path.display(),
        );
        remember(tables, newest, found.last())?;
    }
    Ok(())
}

/// Returns how many.
fn make_again(tables: &Tables, found: &Found) -> Result<usize, Error> {
    let mut count = 0;
    for record in &found.records {
        if record.number == number(tables)? + 1 {
            if !make_one_again(tables, record)? {
                break;
            }
            count += 1;
        }
    }
    Ok(count)
}

/// False if it does not belong behind what is there.
fn make_one_again(tables: &Tables, record: &Record) -> Result<bool, Error> {
    let (done, mut facts, _) = record.parts();
    let mut change = done.change();
    match change {
        Change::Append([(first, _), ..]) if next(tables)?.is_some_and(|next| next != *first) => {
            return Ok(false);
        }
        // The state that is here may be older than the one that has led to this: it needs them.
        Change::Remove(0, to) if ends::made(tables)?.is_none_or(|made| made.index < to) => {
            change = Change::None;
            facts.retain(|(name, _)| name != PURGED);
        }
        _ => {}
    }
    let number = record.number.to_string().into_bytes();
    let written = [(WRITTEN, number.as_slice())];
    tables::write(tables, change, by_name(&facts).chain(written))?;
    Ok(true)
}

/// The index that comes next; none if that may be any.
fn next(tables: &Tables) -> Result<Option<u64>, Error> {
    if let Some((last, _)) = tables::last(tables)? {
        return Ok(Some(last + 1));
    }
    let purged = tables::fact(tables, PURGED)?;
    let purged = purged.and_then(|id| serde_json::from_slice::<Option<LogId>>(&id).ok().flatten());
    Ok(purged.map(|purged| purged.index + 1))
}

/// Writes down how far a member had come that has less now.
fn remember(tables: &Tables, newest: &Record, last: Option<LogId>) -> io::Result<()> {
    let (_, _, mut standing) = newest.parts();
    let here = tables::fact(tables, VOTE).map_err(io::Error::other)?;
    standing.retain(|(name, value)| name != VOTE || is_later(value, here.as_deref()));
    let lost = fact(LOST, &last)?;
    let facts = by_name(&standing).chain([(lost.0, lost.1.as_slice())]);
    tables::write(tables, Change::None, facts).map_err(io::Error::other)
}

fn is_later(vote: &[u8], here: Option<&[u8]>) -> bool {
    let vote_of = |value: &[u8]| serde_json::from_slice::<Vote<u64>>(value).ok();
    vote_of(vote) > here.and_then(vote_of)
}

fn by_name(facts: &[Named]) -> impl Iterator<Item = (&str, &[u8])> {
    facts.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
}

/// Puts a damaged log aside. The new one knows what this member is, for whom it has voted, and how far
/// it had come, if its journal tells; otherwise it is another member, which has never voted.
fn begin_again(path: &Path, found: &Found, why: &str) -> io::Result<Database> {
    let aside = put_aside(path)?;
    let kept = aside.map(|aside| format!(" and is kept in {}", aside.display()));
    let kept = kept.unwrap_or_default();
    let tables = made(path)?;
    if let Some(newest) = found.records.last().filter(|_| found.is_own) {
        tracing::error!(
            "the cluster's log in {} {why}{kept}: this server takes part in no election until the others have given it everything again",
            path.display(),
        );
        remember(&tables, newest, found.last())?;
        return Database::new(path, tables, found);
    }
    tracing::error!(
        "the cluster's log in {} {why}{kept}, and nothing in its journal is of use: this server comes to the others as one that has lost its disk, and votes when they have given it everything again",
        path.display(),
    );
    for path in journal::paths(path) {
        put_aside(&path)?;
    }
    Database::new(path, tables, &Found::default())
}

fn put_aside(path: &Path) -> io::Result<Option<PathBuf>> {
    if !path.exists() {
        return Ok(None);
    }
    let name = |n: u32| path.with_added_extension(format!("damaged-{n}"));
    let aside = (1..).map(name).find(|path| !path.exists());
    let aside = aside.ok_or_else(|| io::Error::other("there is no name left"))?;
    fs::rename(path, &aside)?;
    Ok(Some(aside))
}

fn made(path: &Path) -> io::Result<Tables> {
    tables::open(path).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use openraft::{CommittedLeaderId, Entry, EntryPayload};
    use tempfile::TempDir;

    use super::*;
    use crate::replication::database::SELF;
    use crate::replication::raft::Types;

    const PAGE: usize = 4096;
    const ENTRIES: u64 = 6;

    fn log_id(index: u64) -> LogId {
        LogId::new(CommittedLeaderId::new(3, 1), index)
    }

    fn entry(index: u64) -> (u64, Vec<u8>) {
        let entry: Entry<Types> = Entry { log_id: log_id(index), payload: EntryPayload::Blank };
        (index, serde_json::to_vec(&entry).unwrap())
    }

    fn vote() -> Vote<u64> {
        Vote::new(4, 2)
    }

    /// A log with some entries, each written by itself, that is not in use.
    fn log() -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let database = open(&path).unwrap();
        database.put(&[fact(SELF, &"me").unwrap(), fact(VOTE, &vote()).unwrap()]);
        (1..=ENTRIES).for_each(|index| database.append(&[entry(index)]));
        (dir, path)
    }

    /// What the log and its journal hold, to be put back where it was.
    struct Held(Vec<(PathBuf, Vec<u8>)>);

    impl Held {
        fn of(log: &Path) -> Self {
            let paths = journal::paths(log).into_iter().chain([log.to_owned()]);
            Self(paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect())
        }

        fn put_back(&self) {
            self.0.iter().for_each(|(path, content)| fs::write(path, content).unwrap());
        }
    }

    fn indexes(database: &Database) -> Vec<u64> {
        let entries: Vec<Entry<Types>> = database.entries(..).unwrap();
        entries.iter().map(|entry| entry.log_id.index).collect()
    }

    /// Everything is there, or it is known what is not.
    fn assert_nothing_is_lost_in_silence(path: &Path, what: &str) -> bool {
        let database = open_or(path, IfDamaged::BeginAgain).unwrap();
        assert_eq!(database.get(SELF).unwrap(), Some("me".to_owned()), "{what}");
        assert_eq!(database.get(VOTE).unwrap(), Some(vote()), "{what}");
        let is_whole = indexes(&database) == (1..=ENTRIES).collect::<Vec<_>>();
        let lost: Option<LogId> = database.get::<Option<LogId>>(LOST).unwrap().flatten();
        assert!(is_whole || lost == Some(log_id(ENTRIES)), "{what}: {:?}", indexes(&database));
        is_whole
    }

    fn damage(path: &Path, at: usize, damage: impl Fn(&mut [u8])) {
        let mut content = fs::read(path).unwrap();
        let end = content.len().min(at + PAGE);
        damage(&mut content[at..end]);
        fs::write(path, content).unwrap();
    }

    /// The pages in which something is.
    fn used_pages(path: &Path) -> Vec<usize> {
        let content = fs::read(path).unwrap();
        let pages = content.chunks(PAGE).enumerate();
        pages.filter(|(_, page)| page.iter().any(|b| *b != 0)).map(|(n, _)| n * PAGE).collect()
    }

    #[test]
    fn no_damage_to_a_page_of_the_log_loses_anything_in_silence() {
        let (_dir, path) = log();
        let (held, pages) = (Held::of(&path), used_pages(&path));
        assert!(pages.len() > 4, "{pages:?}");
        let mut mended = Vec::new();
        for at in pages {
            let content = fs::read(&path).unwrap();
            let used = content[at..].iter().take(PAGE).position(|b| *b != 0).unwrap();
            damage(&path, at, |page| page[used] ^= 1);
            let what = format!("a bit at {}", at + used);
            mended.push(assert_nothing_is_lost_in_silence(&path, &what));
            held.put_back();
            damage(&path, at, |page| page.fill(0));
            mended.push(assert_nothing_is_lost_in_silence(&path, &format!("a page at {at}")));
            held.put_back();
        }
        assert!(mended.contains(&true) && mended.contains(&false), "{mended:?}");
    }

    #[test]
    fn no_bit_of_the_header_loses_anything_in_silence() {
        let (_dir, path) = log();
        let held = Held::of(&path);
        for at in 0..320 {
            damage(&path, 0, |page| page[at] ^= 1 << (at % 8));
            assert_nothing_is_lost_in_silence(&path, &format!("byte {at}"));
            held.put_back();
        }
    }

    #[test]
    fn a_log_that_is_cut_off_or_gone_loses_nothing_in_silence() {
        let (_dir, path) = log();
        let held = Held::of(&path);
        let length = fs::metadata(&path).unwrap().len();
        for left in [0, 1, 100, PAGE as u64, length / 2, length - 1] {
            fs::File::options().write(true).open(&path).unwrap().set_len(left).unwrap();
            assert_nothing_is_lost_in_silence(&path, &format!("{left} bytes"));
            held.put_back();
        }
        fs::remove_file(&path).unwrap();
        assert_nothing_is_lost_in_silence(&path, "no file");
    }

    #[test]
    fn a_log_that_is_older_than_its_journal_is_brought_up_to_it_or_known() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        drop(open(&path).unwrap());
        let old = fs::read(&path).unwrap();
        let database = open(&path).unwrap();
        database.put(&[fact(SELF, &"me").unwrap(), fact(VOTE, &vote()).unwrap()]);
        (1..=ENTRIES).for_each(|index| database.append(&[entry(index)]));
        drop(database);
        fs::write(&path, &old).unwrap();
        assert!(assert_nothing_is_lost_in_silence(&path, "all is in the journal"));

        let database = open(&path).unwrap();
        // So much that the journal does not go back to the beginning.
        let much = fact("much", &"x".repeat(1 << 20)).unwrap();
        (0..3).for_each(|_| database.put(std::slice::from_ref(&much)));
        drop(database);
        fs::write(&path, &old).unwrap();
        assert!(!assert_nothing_is_lost_in_silence(&path, "some is in the journal"));
    }

    #[test]
    fn a_damaged_journal_is_made_anew_from_a_whole_log() {
        let (_dir, path) = log();
        let held = Held::of(&path);
        let [first, second] = journal::paths(&path);
        let all: Vec<u64> = (1..=ENTRIES).collect();
        let bit = |path: &Path, at| damage(path, at, |page| page[100] ^= 1);
        let damages: [&dyn Fn(); 6] = [
            &|| bit(&first, 0),
            &|| bit(&first, 2048),
            &|| fs::write(&first, "").unwrap(),
            &|| fs::remove_file(&first).unwrap(),
            &|| fs::remove_file(&second).unwrap(),
            &|| fs::write(&second, "something else").unwrap(),
        ];
        for damage in damages {
            damage();
            assert!(Found::read(&path).unwrap().is_damaged);
            let database = open(&path).unwrap();
            assert_eq!(indexes(&database), all);
            drop(database);
            let found = Found::read(&path).unwrap();
            assert!(!found.is_damaged && found.is_used());
            assert_eq!(found.last(), Some(log_id(ENTRIES)));
            held.put_back();
        }
    }

    #[test]
    fn a_log_of_an_earlier_program_gets_a_journal() {
        let (_dir, path) = log();
        journal::paths(&path).iter().for_each(|path| fs::remove_file(path).unwrap());
        let database = open(&path).unwrap();
        assert_eq!(indexes(&database).len(), ENTRIES as usize);
        drop(database);
        assert_eq!(Found::read(&path).unwrap().last(), Some(log_id(ENTRIES)));
    }

    #[test]
    fn a_damaged_log_that_nobody_else_has_is_not_replaced() {
        let (_dir, path) = log();
        fs::write(&path, "damaged").unwrap();
        let error = open_or(&path, IfDamaged::Fail).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(fs::read(&path).unwrap(), b"damaged");
    }

    /// A backup was put back, and its log removed, as the manual says.
    #[test]
    fn the_journal_of_a_copy_tells_nothing_of_a_log_that_begins() {
        let (_dir, path) = log();
        let elsewhere = tempfile::tempdir().unwrap();
        let copy = elsewhere.path().join("log");
        for (from, to) in journal::paths(&path).iter().zip(journal::paths(&copy)) {
            fs::copy(from, to).unwrap();
        }
        for was_begun in [false, true] {
            if was_begun {
                fs::remove_file(&copy).unwrap();
                fs::copy(&journal::paths(&path)[0], &journal::paths(&copy)[0]).unwrap();
                drop(tables::open(&copy).unwrap());
            }
            let database = open_or(&copy, IfDamaged::BeginAgain).unwrap();
            assert_eq!(database.get::<String>(SELF).unwrap(), None);
            assert!(indexes(&database).is_empty());
        }
    }

    #[test]
    fn entries_are_kept_that_the_state_has_not_made_when_their_removal_is_made_again() {
        let (_dir, path) = log();
        let before = fs::read(&path).unwrap();
        let database = open(&path).unwrap();
        database.remove(..=4, &[fact(PURGED, &Some(log_id(4))).unwrap()]);
        drop(database);
        fs::write(&path, before).unwrap();
        let database = open(&path).unwrap();
        assert_eq!(indexes(&database).len(), ENTRIES as usize);
        assert_eq!(database.get::<Option<LogId>>(PURGED).unwrap().flatten(), None);
    }

    #[test]
    fn what_was_taken_back_is_not_there_again() {
        let (_dir, path) = log();
        let before = fs::read(&path).unwrap();
        let database = open(&path).unwrap();
        database.remove(5.., &[]);
        database.append(&[entry(5)]);
        drop(database);
        fs::write(&path, before).unwrap();
        assert_eq!(indexes(&open(&path).unwrap()), [1, 2, 3, 4, 5]);
    }
}
