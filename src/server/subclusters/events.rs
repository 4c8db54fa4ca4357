//! The question's answers as server-sent events (WHATWG HTML, section 9.2), one for each change: for
//! browsers and scripts.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use headers::{ETag, HeaderMap, HeaderMapExt, IfNoneMatch};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame};
use hyper::{Response, StatusCode};
use tokio::time::{Instant, timeout_at};

use super::list::tell;
use super::wait::wait;
use crate::server::app::App;
use crate::server::conditional::Tagged;
use crate::server::limits::{EVENTS_TIME, KEEP_ALIVE};
use crate::server::response::{Body, EVENTS, answer};
use crate::server::shares::Share;

/// A line that says nothing but that the connection is alive.
const COMMENT: &[u8] = b":\n\n";

/// Answers with all changes from now on, and with what the client has missed.
pub(super) fn respond(
    app: &Arc<App>,
    names: Vec<String>,
    account: String,
    share: Share,
    headers: &HeaderMap,
) -> Response<Body> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let known = last.and_then(|id| id.parse::<ETag>().ok());
    let known = known.map(IfNoneMatch::from).or_else(|| headers.typed_get());
    let ends = Instant::now() + EVENTS_TIME;
    let feed = Feed { app: app.clone(), names, account, known, ends, _share: share };
    answer(StatusCode::OK, EVENTS, Events(Box::pin(feed.next())).boxed_unsync())
}

/// Whether somebody would rather have events than one answer.
pub(super) fn are_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(hyper::header::ACCEPT).iter().filter_map(|it| it.to_str().ok());
    let kinds = accepted.flat_map(|accepted| accepted.split(','));
    let mut kinds = kinds.map(|kind| kind.split(';').next().unwrap_or_default().trim());
    kinds.any(|kind| kind.eq_ignore_ascii_case(EVENTS))
}

/// Where one client stands.
struct Feed {
    app: Arc<App>,
    names: Vec<String>,
    account: String,
    known: Option<IfNoneMatch>,
    ends: Instant,
    /// Of the questions that may wait.
    _share: Share,
}

impl Feed {
    /// The next piece of the answer; none at its end.
    async fn next(mut self) -> (Self, Option<Bytes>) {
        let Some(known) = &self.known else {
            let told = tell(&self.app, &self.names).ok();
            let event = told.map(|told| self.event(&told));
            return (self, event);
        };
        let pause = self.ends.min(Instant::now() + KEEP_ALIVE);
        let told = timeout_at(pause, wait(&self.app, &self.names, known, EVENTS_TIME)).await;
        let is_over = self.is_over();
        let piece = match told {
            // A stream that is left open must not outlive its account.
            _ if is_over => None,
            Err(_) => Some(Bytes::from_static(COMMENT)),
            // The client asks again, and is told what is wrong.
            Ok(Err(_)) => None,
            Ok(Ok(told)) => Some(self.event(&told)),
        };
        (self, piece)
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.ends
            || self.app.drain.is_requested()
            || !self.app.accounts.load().contains(&self.account)
    }

    fn event(&mut self, told: &Tagged) -> Bytes {
        self.known = Some(told.etag().clone().into());
        let mut event = format!("id: {}\ndata: ", told.tag()).into_bytes();
        event.extend_from_slice(told.content());
        event.extend_from_slice(b"\n\n");
        event.into()
    }
}

/// The body that is made of them.
struct Events(Pin<Box<dyn Future<Output = (Feed, Option<Bytes>)> + Send>>);

impl HttpBody for Events {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let (feed, piece) = ready!(self.0.as_mut().poll(context));
        self.0 = Box::pin(feed.next());
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }
}
