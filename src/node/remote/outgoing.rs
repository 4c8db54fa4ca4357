//! The bodies of requests.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// Bytes handed on at a time.
const CHUNK: u64 = 64 << 10;

/// Something to be sent, as often as it takes.
#[derive(Clone)]
pub(super) enum Content {
    Memory(Bytes),
    File(Arc<File>, u64),
}

/// [`Content`] on its way, once.
pub(super) struct Outgoing {
    content: Content,
    sent: Sent,
}

/// How many bytes are on their way.
#[derive(Clone, Default)]
pub(super) struct Sent(Arc<AtomicU64>);

impl Content {
    pub(super) fn nothing() -> Self {
        Self::Memory(Bytes::new())
    }

    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, length) => *length,
        }
    }

    /// From the start.
    pub(super) fn send(&self) -> Outgoing {
        Outgoing { content: self.clone(), sent: Sent::default() }
    }

    fn read(&self, offset: u64) -> io::Result<Bytes> {
        let length = CHUNK.min(self.len() - offset) as usize;
        match self {
            Self::Memory(bytes) => Ok(bytes.slice(offset as usize..offset as usize + length)),
            Self::File(file, _) => {
                let mut chunk = vec![0; length];
                file.read_exact_at(&mut chunk, offset).map(|()| chunk.into())
            }
        }
    }
}

impl Outgoing {
    pub(super) fn len(&self) -> u64 {
        self.content.len()
    }

    pub(super) fn sent(&self) -> Sent {
        self.sent.clone()
    }
}

impl Sent {
    pub(super) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    /// Reads files where it stands: the runtime is one connection's, which waits for nothing else.
    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let offset = self.sent.bytes();
        if offset == self.content.len() {
            return Poll::Ready(None);
        }
        let chunk = self.content.read(offset);
        if let Ok(chunk) = &chunk {
            self.sent.0.store(offset + chunk.len() as u64, Ordering::Relaxed);
        }
        Poll::Ready(Some(chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.sent.bytes() == self.content.len()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.content.len() - self.sent.bytes())
    }
}
