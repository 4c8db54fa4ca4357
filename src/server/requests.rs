//! The requests that are being answered on one connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::response::Body;

/// How many requests are in flight, and when there are none.
#[derive(Default)]
pub(super) struct Requests {
    in_flight: AtomicUsize,
    begun: Notify,
    ended: Notify,
}

impl Requests {
    /// A request is in flight until the last copy of what this returns is gone.
    pub(super) fn begin(self: &Arc<Self>) -> Arc<InFlight> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.begun.notify_waiters();
        Arc::new(InFlight(self.clone()))
    }

    /// Returns when there has been no request for so long.
    pub(super) async fn idle_for(&self, limit: Duration) {
        loop {
            let (begun, ended) = (self.begun.notified(), self.ended.notified());
            if self.in_flight.load(Ordering::Relaxed) > 0 {
                ended.await;
            } else if timeout(limit, begun).await.is_err() {
                return;
            }
        }
    }
}

/// A request in flight.
pub(super) struct InFlight(Arc<Requests>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.ended.notify_waiters();
    }
}

/// An answer's body. Its request is in flight until this is dropped.
///
/// HTTP/2's flow control may keep an answer in hyper's memory for as long as its client likes, but
/// hyper asks for no more than one piece after those which may go out. So the last byte of each
/// piece is one by itself: when it is taken, all before it is on its way.
pub(super) struct Answer {
    body: Body,
    is_http2: bool,
    last: Option<Bytes>,
    _in_flight: Arc<InFlight>,
}

impl Answer {
    pub(super) fn new(body: Body, is_http2: bool, in_flight: Arc<InFlight>) -> Self {
        Self { body, is_http2, last: None, _in_flight: in_flight }
    }
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(last) = self.last.take() {
            return Poll::Ready(Some(Ok(Frame::data(last))));
        }
        let mut polled = Pin::new(&mut self.body).poll_frame(context);
        if self.is_http2
            && let Poll::Ready(Some(Ok(frame))) = &mut polled
            && let Some(data) = frame.data_mut()
            && data.len() > 1
        {
            self.last = Some(data.split_off(data.len() - 1));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.last.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.last.as_ref().map_or(0, Bytes::len) as u64;
        let mut hint = self.body.size_hint();
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + held);
        }
        hint.set_lower(hint.lower() + held);
        hint
    }
}
