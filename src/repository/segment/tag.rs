//! Tags in a pack.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use git2::{Oid, Repository};

use crate::repository::Error;

/// A tag as an entry of a pack: its kind and length, four bits and then seven in each byte, and
/// its content (gitformat-pack(5)).
pub(super) fn tag_entry(repository: &Repository, id: Oid) -> Result<Vec<u8>, Error> {
    const TAG: u8 = 4;
    let odb = repository.odb()?;
    let tag = odb.read(id)?;
    let mut rest = tag.len() >> 4;
    let mut entry = vec![TAG << 4 | (tag.len() & 15) as u8];
    while rest > 0 {
        if let Some(last) = entry.last_mut() {
            *last |= 0x80;
        }
        entry.push((rest & 0x7f) as u8);
        rest >>= 7;
    }
    let mut content = ZlibEncoder::new(entry, Compression::default());
    content.write_all(tag.data())?;
    Ok(content.finish()?)
}
