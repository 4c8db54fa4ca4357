//! Conditional and partial requests for content that is all there (RFC 9110, sections 13 and 14).

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use headers::{
    AcceptRanges, ContentRange, ETag, HeaderMap, HeaderMapExt, IfModifiedSince, IfNoneMatch,
    IfRange, LastModified, Range,
};
use http_body_util::BodyExt;
use hyper::{Response, StatusCode};
use sha2::{Digest, Sha256};

use super::error::Error;
use super::file_body::FileBody;
use super::held::InPieces;
use super::large_files::LargeFile;
use super::response::{Body, answer, empty, full, headers_of, say_place};
use crate::protocol::Id;

/// What a file holds.
pub(super) enum Content {
    Memory(Bytes),
    Large(Arc<LargeFile>),
}

impl From<Bytes> for Content {
    fn from(content: Bytes) -> Self {
        Self::Memory(content)
    }
}

impl From<Arc<LargeFile>> for Content {
    fn from(file: Arc<LargeFile>) -> Self {
        Self::Large(file)
    }
}

/// Content with what tells it apart from other content.
pub(super) struct Representation {
    content: Content,
    etag: ETag,
    modified: SystemTime,
    /// What every answer says of it.
    headers: HeaderMap,
}

impl Representation {
    /// `modified` is in seconds since 1970.
    pub(super) fn new(content_type: &'static str, content: Content, id: Id, modified: i64) -> Self {
        let etag: ETag = format!("\"{id}\"").parse().expect("hexadecimal digits in quotes");
        let modified = time(modified);
        let mut headers = headers_of(content_type);
        headers.typed_insert(etag.clone());
        headers.typed_insert(LastModified::from(modified));
        headers.typed_insert(AcceptRanges::bytes());
        Self { content, etag, modified, headers }
    }

    /// The same, whose answers say where it is found.
    pub(super) fn at(mut self, commit: Id, revision: Option<u64>) -> Self {
        say_place(&mut self.headers, commit, revision);
        self
    }

    /// Bytes of its content.
    pub(super) fn len(&self) -> u64 {
        match &self.content {
            Content::Memory(content) => content.len() as u64,
            Content::Large(file) => file.spool.len(),
        }
    }

    /// The word that it has not changed, if the request knows it.
    pub(super) fn unchanged(&self, request: &HeaderMap) -> Option<Response<Body>> {
        let is_unchanged = is_unchanged(request, &self.etag, self.modified);
        is_unchanged.then(|| self.answer(StatusCode::NOT_MODIFIED, empty()))
    }

    /// What this request gets of it: all, a part, or the word that it has not changed.
    pub(super) fn respond(&self, request: &HeaderMap) -> Result<Response<Body>, Error> {
        match self.unchanged(request) {
            Some(answer) => Ok(answer),
            None => self.content(request),
        }
    }

    fn content(&self, request: &HeaderMap) -> Result<Response<Body>, Error> {
        let length = self.len();
        let Some((start, end)) = wanted_range(request, &self.etag, length)? else {
            return Ok(self.part(StatusCode::OK, 0, length));
        };
        let mut response = self.part(StatusCode::PARTIAL_CONTENT, start, end);
        let range = ContentRange::bytes(start..end, length);
        response.headers_mut().typed_insert(range.map_err(|_| Error::BadRange { length })?);
        Ok(response)
    }

    /// The bytes from `start` up to `end`.
    fn part(&self, status: StatusCode, start: u64, end: u64) -> Response<Body> {
        match &self.content {
            Content::Memory(content) => {
                self.answer(status, full(content.slice(start as usize..end as usize)))
            }
            Content::Large(file) => {
                let body = FileBody::new(file.clone(), start, end).boxed_unsync();
                let mut response = self.answer(status, body);
                response.extensions_mut().insert(InPieces);
                response
            }
        }
    }

    fn answer(&self, status: StatusCode, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = self.headers.clone();
        response
    }
}

fn time(seconds: i64) -> SystemTime {
    // Commits can have dates that HTTP has no words for; a bad one is shown as the first.
    const LAST: u64 = 253_402_300_799;
    let seconds = u64::try_from(seconds).unwrap_or(0).min(LAST);
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Content that is all there and has no date.
pub(super) struct Tagged {
    content: Vec<u8>,
    tag: String,
    etag: ETag,
}

impl Tagged {
    /// The tag is a hash of the content.
    pub(super) fn new(content: Vec<u8>) -> Self {
        let hash: [u8; 32] = Sha256::digest(&content).into();
        let (half, _) = hash.split_first_chunk().expect("it has 32 bytes");
        let tag = format!("\"{:032x}\"", u128::from_be_bytes(*half));
        let etag = tag.parse().expect("hexadecimal digits in quotes");
        Self { content, tag, etag }
    }

    /// The tag, as it stands in headers.
    pub(super) fn tag(&self) -> &str {
        &self.tag
    }

    pub(super) fn etag(&self) -> &ETag {
        &self.etag
    }

    pub(super) fn content(&self) -> &[u8] {
        &self.content
    }

    /// Whether it is what somebody has who says this.
    pub(super) fn is_known(&self, known: &IfNoneMatch) -> bool {
        !known.precondition_passes(&self.etag)
    }

    /// What this request gets of it: all, or the word that it has not changed.
    pub(super) fn respond(self, request: &HeaderMap, content_type: &str) -> Response<Body> {
        let known: Option<IfNoneMatch> = request.typed_get();
        let mut response = match known.is_some_and(|known| self.is_known(&known)) {
            true => answer(StatusCode::NOT_MODIFIED, content_type, empty()),
            false => answer(StatusCode::OK, content_type, full(self.content)),
        };
        response.headers_mut().typed_insert(self.etag);
        response
    }
}

fn is_unchanged(request: &HeaderMap, etag: &ETag, modified: SystemTime) -> bool {
    match request.typed_get::<IfNoneMatch>() {
        Some(known) => !known.precondition_passes(etag),
        None => {
            // A committer's clock may be behind: only the very date that was sent stands for the
            // very content, as nginx takes it, too.
            let since = request.typed_get::<IfModifiedSince>().map(SystemTime::from);
            since.is_some_and(|since| since == modified)
        }
    }
}

/// The part asked for, as a half-open interval; `None` for all. Several parts at once are answered
/// with all, as the RFC allows.
fn wanted_range(
    request: &HeaderMap,
    etag: &ETag,
    length: u64,
) -> Result<Option<(u64, u64)>, Error> {
    use std::ops::Bound::{Excluded, Included, Unbounded};
    let Some(range) = request.typed_get::<Range>() else { return Ok(None) };
    let changed = request
        .typed_get::<IfRange>()
        // Two commits may have one date, so it does not tell that the parts fit together.
        .is_some_and(|known| known.is_modified(Some(etag), None));
    if changed {
        return Ok(None);
    }
    let mut parts = range.satisfiable_ranges(length);
    let (Some((start, end)), None) = (parts.next(), parts.next()) else {
        return match request.get(hyper::header::RANGE).map(|value| value.as_bytes()) {
            Some(asked) if is_suffix(asked) && length > 0 => Ok(Some((0, length))),
            Some(asked) if !asked.contains(&b',') => Err(Error::BadRange { length }),
            _ => Ok(None),
        };
    };
    let start = match start {
        Included(start) => start,
        Excluded(before) => before.saturating_add(1),
        Unbounded => 0,
    };
    let end = match end {
        // A client may name any last byte, also the last there can be.
        Included(last) => last.saturating_add(1).min(length),
        Excluded(end) => end.min(length),
        Unbounded => length,
    };
    if start < end { Ok(Some((start, end))) } else { Err(Error::BadRange { length }) }
}

/// The last bytes, so many. More than there are mean all of them (RFC 9110, section 14.1.3), which
/// the headers crate takes for none.
fn is_suffix(asked: &[u8]) -> bool {
    let digits = asked.strip_prefix(b"bytes=-").unwrap_or_default();
    digits.iter().all(u8::is_ascii_digit) && digits.iter().any(|&digit| digit != b'0')
}
