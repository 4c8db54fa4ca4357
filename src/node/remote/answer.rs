//! One answer: its status as success or as a sentence, its body as bytes to be read.

use std::io::{self, ErrorKind, Read};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use hyper::{Response, StatusCode};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::limits::{MAX_SENTENCE, SILENCE};
use super::words::safe;
use super::{Error, refusal};
use crate::momentum::Address;
use crate::protocol;

/// An answer whose body is still on its way.
pub(super) struct Answer<'a> {
    runtime: &'a Runtime,
    address: &'a Address,
    account: Option<&'a str>,
    status: StatusCode,
    headers: HeaderMap,
    body: Incoming,
}

/// Reads an answer's body. A silent server is given up.
pub(super) struct Reader<'a> {
    runtime: &'a Runtime,
    body: Incoming,
    chunk: Bytes,
}

impl<'a> Answer<'a> {
    pub(super) fn new(
        runtime: &'a Runtime,
        address: &'a Address,
        account: Option<&'a str>,
        response: Response<Incoming>,
    ) -> Self {
        let (head, body) = response.into_parts();
        Self { runtime, address, account, status: head.status, headers: head.headers, body }
    }

    /// The body of a success that is of this type; anything else is an error.
    pub(super) fn of_type(self, expected: &str) -> Result<Reader<'a>, Error> {
        if !self.status.is_success() {
            return Err(self.refused());
        }
        if self.content_type() != expected {
            return Err(refusal::no_ecconfigd(self.address));
        }
        Ok(self.reader())
    }

    /// The newest revision of the subcluster that was asked.
    pub(super) fn revision(&self) -> Option<u64> {
        self.headers.get("x-config-revision")?.to_str().ok()?.parse().ok()
    }

    pub(super) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn address(&self) -> &'a Address {
        self.address
    }

    fn content_type(&self) -> &str {
        let value = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        value.and_then(|value| value.split(';').next()).unwrap_or_default().trim()
    }

    fn reader(self) -> Reader<'a> {
        Reader { runtime: self.runtime, body: self.body, chunk: Bytes::new() }
    }

    fn refused(self) -> Error {
        let is_sentence = self.content_type() == "text/plain";
        let (address, account, status) = (self.address, self.account, self.status);
        let mut sentence = Vec::new();
        if is_sentence {
            // A sentence that is cut off, or does not come, is better than none.
            let _ = self.reader().take(2 * MAX_SENTENCE as u64).read_to_end(&mut sentence);
        }
        refusal::refusal(address, account, status, &safe(&sentence))
    }
}

impl Reader<'_> {
    fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let frame = self.runtime.block_on(async { timeout(SILENCE, self.body.frame()).await });
            match frame {
                Err(_) => return Err(ErrorKind::TimedOut.into()),
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => {
                    tracing::debug!("the answer was cut off: {error}");
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Ok(Some(data)),
                    _ => {}
                },
            }
        }
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() {
            match self.next()? {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.chunk.len());
        self.chunk.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

/// What is wrong with an answer that cannot be read to its end.
pub(super) fn unreadable(address: &Address, error: protocol::Error) -> Error {
    match error {
        protocol::Error::Truncated => cut_off(address, ErrorKind::UnexpectedEof),
        protocol::Error::Refused(why) => refusal::told(address, &why),
        protocol::Error::Io(error) => cut_off(address, error.kind()),
        _ => refusal::no_ecconfigd(address),
    }
}

/// The same, where it was read without packets.
pub(super) fn cut_off(address: &Address, kind: ErrorKind) -> Error {
    Error::Connection(match kind {
        ErrorKind::TimedOut => format!(
            "{address} has stopped in the middle of its answer and said nothing for {} seconds: try again, and look at its log",
            SILENCE.as_secs()
        ),
        _ => format!(
            "the answer of {address} was cut off in the middle: it was stopped, or the network failed; try again"
        ),
    })
}

/// How long the first byte of an answer may take that costs the server nothing.
pub(super) const QUICK: Duration = SILENCE;
