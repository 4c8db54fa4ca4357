//! The body of a push: the command, and a pack of what the server does not have.

use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;

use git2::{Oid, Repository, Sort};
use tempfile::{SpooledData, spooled_tempfile_in};

use super::limits::MAX_IN_MEMORY;
use super::outgoing::Content;
use super::{Error, Progress};

const DOING: &str = "packing the changes";

/// `head`, and behind it a pack of what `new` leads to and `old` does not.
pub(super) fn pack(
    repository: &Repository,
    head: &[u8],
    old: Option<Oid>,
    new: Oid,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Content, Error> {
    let mut spool = spooled_tempfile_in(MAX_IN_MEMORY, repository.path());
    spool.write_all(head).map_err(|e| Error::io(DOING, &e))?;
    let mut failure = None;
    let packed = write(repository, old, new, progress, &mut |chunk| {
        let written = spool.write_all(chunk);
        failure = written.err();
        failure.is_none()
    });
    if let Some(error) = failure {
        return Err(Error::io(DOING, &error));
    }
    packed.map_err(|e| Error::git(DOING, &e))?;
    match spool.into_inner() {
        SpooledData::InMemory(content) => Ok(Content::Memory(content.into_inner().into())),
        SpooledData::OnDisk(mut file) => {
            let length = file.seek(SeekFrom::End(0)).map_err(|e| Error::io(DOING, &e))?;
            Ok(Content::File(Arc::new(file), length))
        }
    }
}

fn write(
    repository: &Repository,
    old: Option<Oid>,
    new: Oid,
    progress: &mut dyn FnMut(Progress<'_>),
    take: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<(), git2::Error> {
    let mut walk = repository.revwalk()?;
    walk.set_sorting(Sort::TOPOLOGICAL)?;
    walk.push(new)?;
    if let Some(old) = old {
        walk.hide(old)?;
    }
    let mut builder = repository.packbuilder()?;
    builder.insert_walk(&mut walk)?;
    let of = builder.object_count();
    builder.foreach(|chunk| take(chunk))?;
    progress(Progress::Packing { objects: builder.written(), of });
    Ok(())
}
