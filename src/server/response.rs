//! Answers.

use std::io;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Body as _;
use hyper::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};

use crate::protocol::Id;

/// The body of every answer.
pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// The revision of the live configuration that an answer speaks of.
pub(super) const X_CONFIG_REVISION: HeaderName = HeaderName::from_static("x-config-revision");
/// The commit that an answer speaks of.
pub(super) const X_CONFIG_COMMIT: HeaderName = HeaderName::from_static("x-config-commit");

pub(super) const TEXT: &str = "text/plain; charset=utf-8";
pub(super) const JSON: &str = "application/json";
pub(super) const EVENTS: &str = "text/event-stream";

/// All of the body at once.
pub(super) fn full(content: impl Into<Bytes>) -> Body {
    Full::new(content.into()).map_err(|never| match never {}).boxed_unsync()
}

/// No body.
pub(super) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// The answer to HEAD: what the one to GET would be, without its content. hyper sees to that itself
/// on HTTP/1 and not on HTTP/2, where clients take content for a breach of the protocol.
pub(super) fn without_body(response: Response<Body>) -> Response<Body> {
    let length = response.body().size_hint().exact().filter(|&length| length > 0);
    let (mut head, _) = response.into_parts();
    if let Some(length) = length {
        head.headers.insert(CONTENT_LENGTH, length.into());
    }
    Response::from_parts(head, empty())
}

/// An answer of this type that no browser may run or guess otherwise about, and that nobody may keep:
/// nearly all of them needed a password, and a cache asks for none.
pub(super) fn answer(status: StatusCode, content_type: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers_of(content_type);
    response
}

/// What answers of this type have in common.
pub(super) fn headers_of(content_type: &str) -> HeaderMap {
    /// Headers of an answer, with those that are still to come.
    const HEADERS: usize = 12;
    let mut headers = HeaderMap::with_capacity(HEADERS);
    let content_type = HeaderValue::from_str(content_type).expect("content types are ASCII");
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers
}

/// Says which commit an answer speaks of, and which revision that is, if it is one.
pub(super) fn say_place(headers: &mut HeaderMap, commit: Id, revision: Option<u64>) {
    if let Some(revision) = revision {
        headers.insert(X_CONFIG_REVISION, revision.into());
    }
    let commit = HeaderValue::from_str(&commit.to_string()).expect("hexadecimal digits");
    headers.insert(X_CONFIG_COMMIT, commit);
}

/// A line of text.
pub(super) fn text(status: StatusCode, line: &str) -> Response<Body> {
    answer(status, TEXT, full(format!("{line}\n")))
}
