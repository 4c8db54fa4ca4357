//! The log of requests, at level 6, and of the server's own failures, at level 3.

use std::fmt::Display;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use hyper::body::Incoming;
use hyper::{Method, Request, Response};

use super::error::Error;
use super::response::Body;

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// One request, from its head to its answer's.
pub(super) struct RequestLog {
    id: u64,
    started: Instant,
    client: IpAddr,
    method: Method,
    /// Copied, as the buffer that the head came in would be kept for as long as an answer is out.
    path: Box<str>,
}

impl RequestLog {
    pub(super) fn new(client: IpAddr, request: &Request<Incoming>) -> Self {
        let (method, path) = (request.method().clone(), request.uri().path().into());
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        Self { id, started: Instant::now(), client, method, path }
    }

    /// The query and the headers may hold what nobody should read in a log.
    fn what(&self) -> impl Display {
        std::fmt::from_fn(|f| write!(f, "{} {}", self.method, self.path.escape_default()))
    }

    pub(super) fn failed(&self, error: &Error) {
        let Self { id: request_id, client, .. } = self;
        let what = self.what();
        let cause = error.chain();
        if error.is_ours() {
            let message_id = error.event();
            tracing::error!(message_id, request_id, %client, "{what} of {client} failed: {cause}");
        } else {
            tracing::debug!(request_id, %client, "{what} of {client} refused: {cause}");
        }
    }

    pub(super) fn answered(&self, response: &Response<Body>) {
        let Self { id: request_id, client, .. } = self;
        let what = self.what();
        let status = response.status().as_u16();
        let duration_us = self.started.elapsed().as_micros() as u64;
        tracing::debug!(
            request_id,
            %client,
            status,
            duration_us,
            "{what} of {client}: {status} after {duration_us} µs",
        );
    }
}
