//! What answers hold in memory until their clients have taken them is bounded, in all and for each
//! address: HTTP/2 lets a client ask for as much as it likes and take nothing.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::{Body as _, Frame, SizeHint};

use super::app::App;
use super::error::Error;
use super::limits::{ANSWER_IN_PIECES, SMALL_ANSWER};
use super::response::Body;
use super::shares::Share;
use crate::accounts::Role;

/// Says of an answer that not all of it is in memory at once.
#[derive(Clone)]
pub(super) struct InPieces;

/// Says of an answer that it tells what has been done already: it is sent in any case.
#[derive(Clone)]
pub(super) struct Done;

/// The answer, which counts for as long as it is on its way.
///
/// # Errors
/// [`Error::Busy`] if too much is.
pub(super) fn hold(
    app: &App,
    role: Option<Role>,
    client: IpAddr,
    response: Response<Body>,
) -> Result<Response<Body>, Error> {
    let bytes = match response.body().size_hint().exact() {
        Some(bytes) if response.extensions().get::<InPieces>().is_none() => bytes as usize,
        _ => ANSWER_IN_PIECES,
    };
    if bytes <= SMALL_ANSWER || response.extensions().get::<Done>().is_some() {
        return Ok(response);
    }
    let share = app.answers.take_for(role, client, bytes)?;
    Ok(response.map(|body| Held { body, _share: share }.boxed_unsync()))
}

struct Held {
    body: Body,
    _share: Share,
}

impl hyper::body::Body for Held {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
