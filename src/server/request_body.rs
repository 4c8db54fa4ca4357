//! What a client sends, and what becomes of it when nobody reads it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::{HeaderMap, Request, Version};
use tokio::time::timeout;

use super::limits::{HTTP2_WINDOW, MAX_THROWN_AWAY, THROW_AWAY_TIME};
use super::requests::InFlight;

/// A request's body. When that of an HTTP/2 request is dropped, what has not been read of it is read
/// and thrown away for a while.
///
/// An answer that comes before the end of the body is right there (RFC 9113, section 8.1), but
/// libcurl 7.88, and so the git of many a node, tells the person of a broken stream then, and not
/// the answer. With HTTP/1 it tells the answer.
pub(super) struct RequestBody {
    /// Always there, but for the end.
    body: Option<Incoming>,
    is_http2: bool,
    in_flight: Arc<InFlight>,
}

impl RequestBody {
    /// The request, with its body as one of these.
    pub(super) fn of(request: Request<Incoming>, in_flight: Arc<InFlight>) -> Request<Self> {
        let is_http2 = request.version() == Version::HTTP_2;
        request.map(|body| Self { body: Some(body), is_http2, in_flight })
    }
}

/// Bytes that a request takes while it waits, and what has come of its body.
pub(super) fn weight<B: Body>(request: &Request<B>) -> usize {
    let body = if request.body().is_end_stream() { 0 } else { HTTP2_WINDOW as usize };
    head_weight(request.headers()) + body
}

/// Bytes that a head takes in memory.
pub(super) fn head_weight(headers: &HeaderMap) -> usize {
    /// What a field takes beside its name and its value, at the least.
    const FIELD: usize = 64;
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD).sum()
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|body| self.is_http2 && !body.is_end_stream());
        if let Some(rest) = rest {
            let in_flight = self.in_flight.clone();
            tokio::spawn(async move {
                let _ = timeout(THROW_AWAY_TIME, throw_away(rest)).await;
                drop(in_flight);
            });
        }
    }
}

async fn throw_away(mut body: Incoming) {
    let mut thrown_away = 0;
    while let Some(Ok(frame)) = body.frame().await {
        thrown_away += frame.data_ref().map_or(0, Bytes::len);
        if thrown_away > MAX_THROWN_AWAY {
            return;
        }
    }
}
