//! A pack on its way to the client.

use std::io;

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::channel::{Channel, Sender};
use tokio::task;

use super::response::{Body, full};
use crate::protocol::{Band, Sideband};
use crate::repository::Spool;

/// Bytes of the pack read and framed at a time: two whole packets. What one client needs counts two
/// hundred times when all nodes clone at once.
const CHUNK: usize = 2 * Sideband::Large.capacity();
/// Chunks that may wait for a slow client.
const CHUNKS_AHEAD: usize = 1;

/// The lines, then the pack in its side-band.
pub(super) fn pack_body(lines: Vec<u8>, pack: Spool, sideband: Sideband) -> Body {
    if let Spool::Memory(content) = &pack {
        let mut body = lines;
        sideband.write(&mut body, Band::Data, content);
        sideband.finish(&mut body);
        return full(body);
    }
    let (sender, channel) = Channel::<Bytes, io::Error>::new(CHUNKS_AHEAD);
    tokio::spawn(stream(sender, lines, pack, sideband));
    channel.boxed_unsync()
}

/// Ends when the client goes away: sending fails then. How long the client may take is the
/// connection's business.
async fn stream(
    mut sender: Sender<Bytes, io::Error>,
    lines: Vec<u8>,
    pack: Spool,
    sideband: Sideband,
) {
    if sender.send_data(lines.into()).await.is_err() {
        return;
    }
    let mut offset = 0;
    while offset < pack.len() {
        let source = pack.clone();
        let read = task::spawn_blocking(move || source.read_at(offset, CHUNK)).await;
        let chunk = match read {
            Ok(Ok(chunk)) if !chunk.is_empty() => chunk,
            failed => {
                return fail(sender, sideband, failed.map_err(io::Error::other).flatten()).await;
            }
        };
        offset += chunk.len() as u64;
        let mut framed = Vec::with_capacity(chunk.len() + 64);
        sideband.write(&mut framed, Band::Data, &chunk);
        if sender.send_data(framed.into()).await.is_err() {
            return;
        }
    }
    let mut end = Vec::new();
    sideband.finish(&mut end);
    let _ = sender.send_data(end.into()).await;
}

/// The status is gone already: what can still be told goes into side-band 3, and the answer is cut
/// so that nobody takes it for whole.
async fn fail(mut sender: Sender<Bytes, io::Error>, sideband: Sideband, read: io::Result<Bytes>) {
    let error = read.err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into());
    tracing::error!("a pack that was being sent could not be read any more: {error}");
    let mut message = Vec::new();
    sideband.write(
        &mut message,
        Band::Fatal,
        b"the server failed; its log tells its administrator why",
    );
    let _ = sender.send_data(message.into()).await;
    sender.abort(error);
}
