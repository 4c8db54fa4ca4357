//! Which host a request is for: exactly one (RFC 9112, section 3.2, and RFC 9113, section 8.3.1).
//!
//! This server does not care which, but what stands before it may: of two, it and we could each
//! believe another one.

use hyper::header::HOST;
use hyper::{Request, Version};

use super::error::Error;

/// Refuses a request that names more than one host, and one of HTTP/1.1 that names none: neither
/// HTTP/1.0 nor HTTP/2 asks for it.
pub(super) fn check<B>(request: &Request<B>) -> Result<(), Error> {
    let mut named = request.headers().get_all(HOST).iter();
    let (first, second) = (named.next(), named.next());
    if second.is_some() {
        return Err(bad("the request has more than one Host header"));
    }
    let authority = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    match (request.version(), first) {
        (Version::HTTP_11, None) => Err(bad("the request has no Host header")),
        (Version::HTTP_2, Some(host))
            if authority.is_some_and(|it| !host.as_bytes().eq_ignore_ascii_case(it)) =>
        {
            Err(bad("the request names two hosts: :authority and Host differ"))
        }
        _ => Ok(()),
    }
}

fn bad(what: &str) -> Error {
    Error::BadRequest(what.into())
}
