//! Sums of files, taken as they pass.

use std::fmt::Write as _;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The hash at the end of packs and their indexes.
const TRAILER: u64 = 20;

/// Of a file in an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sum {
    bytes: u64,
    /// In hexadecimal digits.
    sha256: String,
}

/// A reader of so many bytes that takes their sum.
pub(super) struct Summing<R> {
    inner: R,
    left: u64,
    read: u64,
    sha256: Sha256,
    /// Of all but the trailer.
    sha1: Sha1,
    trailer: Vec<u8>,
}

impl<R: Read> Summing<R> {
    pub(super) fn new(inner: R, length: u64) -> Self {
        let (sha256, sha1, trailer) = Default::default();
        Self { inner, left: length, read: 0, sha256, sha1, trailer }
    }

    /// The sum, if all bytes have come.
    pub(super) fn finish(self) -> io::Result<Sum> {
        match self.left {
            0 => Ok(Sum { bytes: self.read, sha256: hex(&self.sha256.finalize()) }),
            _ => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file has become shorter")),
        }
    }

    /// The hash that stands at the end, if it is the one of what is before it (gitformat-pack(5)).
    pub(super) fn trailer(&self) -> Option<&[u8]> {
        let is_true = self.sha1.clone().finalize()[..] == self.trailer[..];
        is_true.then_some(&self.trailer)
    }
}

impl<R: Read> Read for Summing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.inner.read(&mut buffer[..most])?;
        let new = &buffer[..read];
        self.sha256.update(new);
        let hashed = self.left.saturating_sub(TRAILER).min(read as u64) as usize;
        self.sha1.update(&new[..hashed]);
        self.trailer.extend_from_slice(&new[hashed..]);
        self.left -= read as u64;
        self.read += read as u64;
        Ok(read)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}
