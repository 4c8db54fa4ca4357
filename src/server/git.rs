//! What the routes of git's protocol have in common.

use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Response, StatusCode};

use super::error::Error;
use super::response::{Body, answer};
use crate::protocol::{Service, Version};

/// The version of the protocol that a client asks for.
pub(super) fn version(headers: &HeaderMap) -> Version {
    let header = headers.get("git-protocol");
    header.map(|value| Version::from_header(value.as_bytes())).unwrap_or_default()
}

/// A request of a service must say so: git's servers answer 415 otherwise.
pub(super) fn check_content_type(headers: &HeaderMap, service: Service) -> Result<(), Error> {
    let expected = format!("application/x-{}-request", service.name());
    match headers.get(CONTENT_TYPE) {
        Some(value) if value.as_bytes() == expected.as_bytes() => Ok(()),
        _ => Err(Error::BadContentType),
    }
}

/// The answer of a service; `kind` is `advertisement` or `result`.
pub(super) fn service_answer(service: Service, kind: &str, body: Body) -> Response<Body> {
    let content_type = format!("application/x-{}-{kind}", service.name());
    answer(StatusCode::OK, &content_type, body)
}
