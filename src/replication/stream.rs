//! Large bodies: read from files in pieces, and spooled to disk before they are looked at.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use tokio::task;

use super::wire::Body;
use crate::repository::{Error, Spool, SpoolWriter};

/// Bytes read at a time.
const CHUNK: usize = 128 << 10;
/// Pieces that may wait for a slow member.
const AHEAD: usize = 2;
/// Bytes of a body that is spooled: as much as a push may have.
const MOST: u64 = 4 << 30;

pub(super) fn nothing() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

pub(super) fn bytes(content: Vec<u8>) -> Body {
    Full::new(Bytes::from(content)).map_err(|never| match never {}).boxed_unsync()
}

/// A file's content.
pub(super) fn file(file: File) -> Body {
    in_pieces(move |buffer| (&file).read(buffer))
}

/// What has been spooled.
pub(super) fn spool(spool: Spool) -> Body {
    let mut offset = 0;
    in_pieces(move |buffer| {
        let piece = spool.read_at(offset, buffer.len())?;
        buffer[..piece.len()].copy_from_slice(&piece);
        offset += piece.len() as u64;
        Ok(piece.len())
    })
}

fn in_pieces(mut read: impl FnMut(&mut [u8]) -> io::Result<usize> + Send + 'static) -> Body {
    let (sender, channel) = Channel::<Bytes, io::Error>::new(AHEAD);
    let runtime = tokio::runtime::Handle::current();
    task::spawn_blocking(move || {
        let mut sender: Sender<Bytes, io::Error> = sender;
        loop {
            let mut buffer = vec![0; CHUNK];
            match read(&mut buffer) {
                Ok(0) => return,
                Ok(length) => buffer.truncate(length),
                Err(error) => return sender.abort(error),
            }
            // The other side has gone.
            if runtime.block_on(sender.send_data(buffer.into())).is_err() {
                return;
            }
        }
    });
    channel.boxed_unsync()
}

/// Spools a body and then works on it, on a thread made for that.
pub(super) async fn read<T: Send + 'static>(
    mut body: Incoming,
    spool_dir: &Path,
    work: impl FnOnce(&mut dyn BufRead) -> Result<T, Error> + Send + 'static,
) -> io::Result<T> {
    let mut writer = SpoolWriter::new(spool_dir);
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(io::Error::other)?.into_data() else { continue };
        length += data.len() as u64;
        if length > MOST {
            return Err(io::Error::other("it is larger than a push may be"));
        }
        if usize::try_from(length).is_ok_and(|length| writer.stays_in_memory(length)) {
            writer.write_all(&data)?;
        } else {
            let write = move || writer.write_all(&data).map(|()| writer);
            writer = task::spawn_blocking(write).await??;
        }
    }
    let done = task::spawn_blocking(move || {
        let spool = writer.finish()?;
        work(&mut BufReader::with_capacity(CHUNK, spool.reader())).map_err(io::Error::other)
    });
    done.await?
}
