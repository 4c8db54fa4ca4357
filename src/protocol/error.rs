//! What can be wrong with bytes from the network.

use std::io;

/// A request that is not what git's protocol allows. The texts go to clients as they are.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The four hexadecimal digits in front of a packet line are none, or out of range.
    #[error("malformed request: a packet line has a bad length")]
    BadLength,
    /// The input ends within a packet line or before the request is complete.
    #[error("malformed request: it ends too early")]
    Truncated,
    /// A line that the protocol does not have at this place. Shown cut and with escapes.
    #[error("malformed request: unexpected line \"{0}\"")]
    UnexpectedLine(String),
    /// A number of things above the limit for one request.
    #[error("too many {what} in one request: the limit is {limit}")]
    TooMany {
        /// What was counted, in the plural.
        what: &'static str,
        /// The limit in force.
        limit: usize,
    },
    /// A feature that this server does not have.
    #[error("{0} is not supported by this server")]
    Unsupported(String),
    /// A server's reason, behind `ERR`, to give no answer.
    #[error("{0}")]
    Refused(String),
    /// The source of the bytes failed.
    #[error("the request could not be read")]
    Io(#[from] io::Error),
}

impl Error {
    /// An [`Error::UnexpectedLine`] with as much of the line as is fit to be shown.
    pub(super) fn unexpected(line: &[u8]) -> Self {
        const SHOWN: usize = 80;
        Self::UnexpectedLine(line[..line.len().min(SHOWN)].escape_ascii().to_string())
    }
}
