//! A connection's bytes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;

use super::limits::WRITE_TIME;

/// A socket whose other side is given up when it takes nothing for [`WRITE_TIME`].
pub(super) struct Socket {
    stream: Pin<Box<TimeoutStream<TcpStream>>>,
    has_unsent: Arc<AtomicBool>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Self {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIME));
        Self { stream: Box::pin(stream), has_unsent: Arc::default() }
    }

    /// Whether something is to be sent that the other side has not taken yet: after the last piece
    /// of it comes a flush, of hyper and of TLS.
    pub(super) fn has_unsent(&self) -> Arc<AtomicBool> {
        self.has_unsent.clone()
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        content: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.has_unsent.store(true, Ordering::Relaxed);
        self.stream.as_mut().poll_write(context, content)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        content: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.has_unsent.store(true, Ordering::Relaxed);
        match content {
            // TLS hands over one record mostly, and the system's call for one piece is the cheaper.
            [piece] => self.stream.as_mut().poll_write(context, piece),
            pieces => self.stream.as_mut().poll_write_vectored(context, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.stream.as_mut().poll_flush(context);
        if flushed.is_ready() {
            self.has_unsent.store(false, Ordering::Relaxed);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(context)
    }
}
