//! What pages of other sites may have a browser ask here. It adds the name and the password that it
//! remembers, so the request looks like one of the person who sits there.
//!
//! Browsers tell where a request comes from (`Sec-Fetch-Site` of W3C's Fetch Metadata, `Origin` of the
//! Fetch standard, `Referer`); git, curl and eccfg say nothing of the kind.

use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN, REFERER};
use hyper::{Method, Request};

use super::error::Error;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Refuses what another site's page asks for, but for a person who follows a link.
pub(super) fn check<B>(request: &Request<B>) -> Result<(), Error> {
    let refused = match *request.method() {
        Method::GET | Method::HEAD => is_embedded(request.headers()),
        _ => is_foreign(request),
    };
    match refused {
        true => Err(Error::Forbidden("a page of another site may not do this with your password")),
        false => Ok(()),
    }
}

/// Whether nothing says that a browser asks.
pub(super) fn is_no_browser(headers: &HeaderMap) -> bool {
    ![SEC_FETCH_SITE, ORIGIN, REFERER].iter().any(|name| headers.contains_key(name))
}

/// Whether a page of another site wants to have it as a part of itself.
fn is_embedded(headers: &HeaderMap) -> bool {
    let is_link = |mode: &[u8]| mode == b"navigate";
    is_from_elsewhere(headers) && !all(headers, SEC_FETCH_MODE).all(is_link)
}

/// Whether another site has a part in it. Another port of this host is another site.
fn is_foreign<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let is_ours = |from: &[u8]| is_ours(request, from);
    is_from_elsewhere(headers)
        || !all(headers, ORIGIN).all(is_ours)
        || !all(headers, REFERER).all(|referer| is_ours(origin_of(referer)))
}

fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    !all(headers, SEC_FETCH_SITE).all(|site| matches!(site, b"same-origin" | b"none"))
}

/// Whether an origin is the one that the request is for.
fn is_ours<B>(request: &Request<B>, origin: &[u8]) -> bool {
    let host = request.headers().get(HOST).map(|host| host.as_bytes());
    let authority = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    let origin = origin.strip_prefix(b"https://").unwrap_or_default();
    !origin.is_empty() && host.or(authority).is_some_and(|host| host.eq_ignore_ascii_case(origin))
}

/// The scheme and the host of an address.
fn origin_of(address: &[u8]) -> &[u8] {
    let slashes = address.iter().enumerate().filter(|&(_, &byte)| byte == b'/');
    match slashes.map(|(at, _)| at).nth(2) {
        Some(end) => &address[..end],
        None => address,
    }
}

fn all(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    headers.get_all(name).into_iter().map(|value| value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(method: &Method, headers: &[(&str, &str)]) -> bool {
        let mut request =
            Request::builder().method(method).uri("/subclusters").header(HOST, "h:2027");
        for &(name, value) in headers {
            request = request.header(name, value);
        }
        check(&request.body(()).unwrap()).is_err()
    }

    #[test]
    fn what_changes_something_comes_from_no_other_site() {
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            for good in [
                &[][..],
                &[("sec-fetch-site", "same-origin")],
                &[("sec-fetch-site", "none")],
                &[("origin", "https://h:2027"), ("referer", "https://H:2027/config/")],
            ] {
                assert!(!is_refused(&method, good), "{method} {good:?}");
            }
            for bad in [
                &[("sec-fetch-site", "cross-site")][..],
                &[("sec-fetch-site", "same-site")],
                &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
                &[("sec-fetch-site", "")],
                &[("origin", "null")],
                &[("origin", "")],
                &[("origin", "http://h:2027")],
                &[("origin", "https://h")],
                &[("origin", "https://h:2027.evil.example")],
                &[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")],
                &[("referer", "https://evil.example/https://h:2027/")],
            ] {
                assert!(is_refused(&method, bad), "{method} {bad:?}");
            }
        }
    }

    #[test]
    fn links_may_be_followed_and_nothing_be_embedded() {
        let cross = ("sec-fetch-site", "cross-site");
        for method in [Method::GET, Method::HEAD] {
            assert!(!is_refused(&method, &[cross, ("sec-fetch-mode", "navigate")]));
            for mode in ["no-cors", "cors", "websocket"] {
                assert!(is_refused(&method, &[cross, ("sec-fetch-mode", mode)]), "{mode}");
                let own = [("sec-fetch-site", "same-origin"), ("sec-fetch-mode", mode)];
                assert!(!is_refused(&method, &own), "{mode}");
            }
        }
    }
}
