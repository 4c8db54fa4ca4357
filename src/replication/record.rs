//! One write to the log as the journal has it: in whole sectors, with a checksum, so that it is found
//! and known to be whole whatever has become of those before it.

use std::io;

use flate2::Crc;
use serde::{Deserialize, Serialize};

use super::database::{Change, Fact};
use super::place::Place;
use super::raft::LogId;

/// A disk writes so many bytes as a whole, or none of them.
pub(super) const SECTOR: usize = 512;
/// What a record begins with.
const MAGIC: &[u8; 8] = b"ecclog1\n";
/// Magic, checksum, and the lengths of the head and of all.
const PREFIX: usize = 20;

/// What is done to the log, who does it, and how far that one has come with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Writes are counted, in the database too.
    pub(super) number: u64,
    /// Of the file that this stands in.
    pub(super) place: Place,
    /// No entry of this log has had a later number.
    pub(super) last: Option<LogId>,
    /// The entries from here to there are removed first.
    removed: Option<(u64, u64)>,
    /// Index and length of the entries behind the head.
    entries: Vec<(u64, usize)>,
    /// Name and length of the facts that are written, which follow.
    facts: Vec<(String, usize)>,
    /// The same of those that make up the member: all of them, in every record.
    standing: Vec<(String, usize)>,
    #[serde(skip)]
    content: Vec<u8>,
}

/// A name and a value in JSON.
pub(super) type Named = (String, Vec<u8>);

impl Record {
    pub(super) fn new(
        (number, last): (u64, Option<LogId>),
        change: Change<'_>,
        facts: &[Fact<'_>],
        standing: &[Named],
    ) -> Self {
        let (removed, written) = match change {
            Change::None => (None, &[][..]),
            Change::Append(entries) => (None, entries),
            Change::Remove(from, to) => (Some((from, to)), &[][..]),
        };
        let entries = written.iter().map(|(index, entry)| (*index, entry.len())).collect();
        let named = |(name, value): (&str, &Vec<u8>)| (name.to_owned(), value.len());
        let values = facts.iter().map(|(name, value)| (*name, value));
        let standing = standing.iter().map(|(name, value)| (name.as_str(), value));
        let content = written.iter().map(|(_, entry)| entry);
        let content = content.chain(values.clone().chain(standing.clone()).map(|(_, value)| value));
        let content = content.flatten().copied().collect();
        let (facts, standing) = (values.map(named).collect(), standing.map(named).collect());
        Self { number, place: Place::default(), last, removed, entries, facts, standing, content }
    }

    /// What was done, the facts that were written with it, and those that make up the member.
    pub(super) fn parts(&self) -> (Done, Vec<Named>, Vec<Named>) {
        let mut rest = self.content.as_slice();
        let mut take = |length: &usize| {
            let (taken, left) = rest.split_at((*length).min(rest.len()));
            rest = left;
            taken.to_vec()
        };
        let entries = self.entries.iter().map(|(index, length)| (*index, take(length))).collect();
        let mut named = |(name, length): &(String, usize)| (name.clone(), take(length));
        let facts = self.facts.iter().map(&mut named).collect();
        let standing = self.standing.iter().map(&mut named).collect();
        (Done { removed: self.removed, entries }, facts, standing)
    }

    /// As it is written.
    pub(super) fn bytes(&self) -> io::Result<Vec<u8>> {
        let head = serde_json::to_vec(self)?;
        let length = PREFIX + head.len() + self.content.len();
        let mut bytes = Vec::with_capacity(length.next_multiple_of(SECTOR));
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[0; 4]);
        for length in [head.len(), length] {
            let length = u32::try_from(length).map_err(io::Error::other)?;
            bytes.extend_from_slice(&length.to_le_bytes());
        }
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(&self.content);
        let sum = crc32(&bytes[12..]);
        bytes[8..12].copy_from_slice(&sum.to_le_bytes());
        bytes.resize(length.next_multiple_of(SECTOR), 0);
        Ok(bytes)
    }

    /// The record at the beginning of these bytes, if it is whole, and its length there.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let number = |at: usize| Some(u32::from_le_bytes(*rest.get(at..)?.first_chunk()?));
        let (sum, head, length) = (number(0)?, number(4)? as usize, number(8)? as usize);
        let all = bytes.get(12..length)?;
        let content = PREFIX.checked_add(head)?;
        if crc32(all) != sum || content > length {
            return None;
        }
        let mut record: Self = serde_json::from_slice(&bytes[PREFIX..content]).ok()?;
        record.content = bytes[content..length].to_vec();
        Some((record, length.next_multiple_of(SECTOR)))
    }
}

/// [`Change`] as it is read back.
pub(super) struct Done {
    pub(super) removed: Option<(u64, u64)>,
    pub(super) entries: Vec<(u64, Vec<u8>)>,
}

impl Done {
    pub(super) fn change(&self) -> Change<'_> {
        match self.removed {
            Some((from, to)) => Change::Remove(from, to),
            None if self.entries.is_empty() => Change::None,
            None => Change::Append(&self.entries),
        }
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let entries = vec![(7, vec![b'a'; 600]), (8, vec![b'b'; 3])];
        let standing = [("self".to_owned(), b"me".to_vec()), ("vote".to_owned(), b"you".to_vec())];
        let facts = [("vote", b"you".to_vec())];
        Record::new((4, None), Change::Append(&entries), &facts, &standing)
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = record().bytes().unwrap();
        assert_eq!(bytes.len() % SECTOR, 0);
        let (read, length) = Record::read(&bytes).unwrap();
        assert_eq!((&read, length), (&record(), bytes.len()));
        let (done, facts, standing) = read.parts();
        assert_eq!(done.entries, [(7, vec![b'a'; 600]), (8, vec![b'b'; 3])]);
        assert_eq!(facts, [("vote".to_owned(), b"you".to_vec())]);
        assert_eq!(standing[0], ("self".to_owned(), b"me".to_vec()));
    }

    #[test]
    fn no_bit_of_it_can_change_unnoticed() {
        let bytes = record().bytes().unwrap();
        let length = u32::from_le_bytes(bytes[16..20].try_into().unwrap()) as usize;
        for bit in 0..length * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Record::read(&bytes).is_none(), "bit {bit}");
        }
        assert!((0..length).all(|end| Record::read(&bytes[..end]).is_none()));
    }
}
