//! A large file, or a part of it, on its way to a client.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use super::large_files::LargeFile;
use super::limits::FILE_PIECE;

/// Reads a piece when it is asked for one, and none ahead.
pub(super) struct FileBody {
    file: Arc<LargeFile>,
    at: u64,
    end: u64,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl FileBody {
    /// The bytes from `start` up to `end`.
    pub(super) fn new(file: Arc<LargeFile>, start: u64, end: u64) -> Self {
        Self { file, at: start, end, reading: None }
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.is_end_stream() {
            return Poll::Ready(None);
        }
        let (file, at) = (self.file.clone(), self.at);
        let most = FILE_PIECE.min(usize::try_from(self.end - at).unwrap_or(FILE_PIECE));
        let reading = self
            .reading
            .get_or_insert_with(|| spawn_blocking(move || file.spool.read_at(at, most)));
        let read = ready!(Pin::new(reading).poll(context)).map_err(io::Error::other).flatten();
        self.reading = None;
        if let Ok(piece) = &read {
            self.at += piece.len() as u64;
        }
        Poll::Ready(Some(read.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.at == self.end
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.end - self.at)
    }
}
