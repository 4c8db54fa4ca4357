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

use super::limits::{ANSWER_PIECE, WRITE_TIME};
use super::response::Body;
use super::stalls::{Stalls, Turn};

/// How many requests are in flight, and when there are none.
#[derive(Default)]
pub(super) struct Requests {
    in_flight: AtomicUsize,
    begun: Notify,
    ended: Notify,
    stalls: Arc<Stalls>,
}

impl Requests {
    /// A request is in flight until the last copy of what this returns is gone.
    pub(super) fn begin(self: &Arc<Self>) -> Arc<InFlight> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.begun.notify_waiters();
        Arc::new(InFlight(self.clone()))
    }

    /// Returns when the client has taken nothing of some answer for [`WRITE_TIME`].
    pub(super) async fn stalled(&self) {
        self.stalls.last(WRITE_TIME).await;
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
/// hyper asks for no more than one piece after those which may go out. So the last byte of what the
/// body gives is one by itself: when it is taken, all before it is on its way. Large pieces are cut,
/// so that the client is seen to take them.
pub(super) struct Answer {
    body: Body,
    is_http2: bool,
    /// What the body has given and hyper has not asked for yet.
    rest: Option<Bytes>,
    turn: Turn,
    _in_flight: Arc<InFlight>,
}

impl Answer {
    pub(super) fn new(body: Body, is_http2: bool, in_flight: Arc<InFlight>) -> Self {
        let turn = Turn::new(in_flight.0.stalls.clone());
        Self { body, is_http2, rest: None, turn, _in_flight: in_flight }
    }

    fn piece(&mut self, mut data: Bytes) -> Bytes {
        let most = match data.len() {
            length if length > ANSWER_PIECE => ANSWER_PIECE,
            length if self.is_http2 && length > 1 => length - 1,
            length => length,
        };
        let piece = data.split_to(most);
        self.rest = Some(data).filter(|rest| !rest.is_empty());
        piece
    }
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let rest = self.rest.take().map(|rest| Some(Ok(Frame::data(rest))));
        let polled = match rest {
            Some(rest) => Poll::Ready(rest),
            None => Pin::new(&mut self.body).poll_frame(context),
        };
        let frame = match polled {
            Poll::Ready(Some(Ok(frame))) => frame,
            other => {
                self.turn.of_server();
                return other;
            }
        };
        let frame = match frame.into_data() {
            Ok(data) => Frame::data(self.piece(data)),
            Err(trailers) => trailers,
        };
        match self.is_end_stream() {
            true => self.turn.of_server(),
            false => self.turn.of_client(),
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.rest.as_ref().map_or(0, Bytes::len) as u64;
        let mut hint = self.body.size_hint();
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + held);
        }
        hint.set_lower(hint.lower() + held);
        hint
    }
}
