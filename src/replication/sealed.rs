//! An entry with its checksum, as it lies in the database: what has changed there by itself is never
//! made, nor given to others. It stands as a last member of the entry's JSON, which programs that do
//! not know it pass over; entries without one were written by those.

use std::io;

use flate2::Crc;

const BEGIN: &[u8] = b",\"crc32\":\"";
const END: &[u8] = b"\"}";
const DIGITS: usize = 8;
const LENGTH: usize = BEGIN.len() + DIGITS + END.len();

/// Puts the checksum in.
pub(super) fn seal(entry: &[u8]) -> Vec<u8> {
    let Some(open) = entry.strip_suffix(b"}") else { return entry.to_vec() };
    let sum = format!("{:08x}", sum(open));
    [open, BEGIN, sum.as_bytes(), END].concat()
}

/// Fails if it is not what it was.
pub(super) fn check(entry: &[u8]) -> io::Result<()> {
    let Some(at) = entry.len().checked_sub(LENGTH) else { return Ok(()) };
    let (open, end) = entry.split_at(at);
    let written = end.strip_prefix(BEGIN).and_then(|end| end.strip_suffix(END));
    match written {
        Some(written) if written != format!("{:08x}", sum(open)).as_bytes() => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "an entry is not what was written"))
        }
        _ => Ok(()),
    }
}

fn sum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_has_changed_is_known_by_its_checksum() {
        let sealed = seal(br#"{"log_id":1,"payload":"some"}"#);
        check(&sealed).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&sealed).unwrap();
        assert_eq!(read["payload"], "some");
        for at in 0..sealed.len() - LENGTH {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            check(&damaged).unwrap_err();
        }
    }

    #[test]
    fn entries_of_earlier_programs_have_none() {
        check(br#"{"log_id":1,"payload":"some"}"#).unwrap();
        check(b"7").unwrap();
    }
}
