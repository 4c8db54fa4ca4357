//! The log of requests, at level 6, and of the server's own failures, at level 3.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use hyper::body::Incoming;
use hyper::{Request, Response};

use super::error::Error;
use super::response::Body;

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// One request, from its head to its answer's.
pub(super) struct RequestLog {
    id: u64,
    started: Instant,
    client: IpAddr,
    what: String,
}

impl RequestLog {
    pub(super) fn new(client: IpAddr, request: &Request<Incoming>) -> Self {
        // The query and the headers may hold what nobody should read in a log.
        let what = format!("{} {}", request.method(), request.uri().path().escape_default());
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        Self { id, started: Instant::now(), client, what }
    }

    pub(super) fn failed(&self, error: &Error) {
        let Self { id: request_id, client, what, .. } = self;
        let cause = error.chain();
        if error.is_ours() {
            let message_id = error.event();
            tracing::error!(message_id, request_id, %client, "{what} of {client} failed: {cause}");
        } else {
            tracing::debug!(request_id, %client, "{what} of {client} refused: {cause}");
        }
    }

    pub(super) fn answered(&self, response: &Response<Body>) {
        let Self { id: request_id, client, what, .. } = self;
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
