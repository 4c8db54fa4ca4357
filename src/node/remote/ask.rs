//! A request, and what can become of it instead of an answer.

use std::time::Duration;

use hyper::Method;

use super::Error;
use super::outgoing::Content;
use crate::momentum::Address;

/// Names in lower case, and values.
pub(super) type Headers = &'static [(&'static str, &'static str)];

/// A request.
pub(super) struct Ask {
    pub(super) method: Method,
    /// Path and query, encoded.
    pub(super) path: String,
    pub(super) headers: Headers,
    /// The tag of an answer that need not come again.
    pub(super) if_none_match: Option<String>,
    pub(super) content: Content,
    /// How long the first byte of the answer may take.
    pub(super) patience: Duration,
    /// Whether it may be sent again if nobody knows what became of it.
    pub(super) is_repeatable: bool,
}

/// A request without an answer that counts.
pub(super) enum Failed {
    /// The server has done nothing.
    NotDone(Error),
    /// The connection has ended: what the server has done is not known.
    Lost(Error),
    /// The server says nothing: it may still be doing it.
    Silent(Error),
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::NotDone(error) | Failed::Lost(error) | Failed::Silent(error) => error,
        }
    }
}

/// Why there is no answer.
pub(super) enum Trouble {
    /// The request never left.
    NotSent(hyper::Error),
    /// What became of it is unknown.
    Lost(hyper::Error),
    Silent,
}

impl Trouble {
    /// Puts it in a sentence about the server at this address.
    pub(super) fn explain(&self, address: &Address, patience: Duration) -> Failed {
        let error = self.sentence(address, patience);
        match self {
            Self::NotSent(_) => Failed::NotDone(error),
            Self::Lost(_) => Failed::Lost(error),
            Self::Silent => Failed::Silent(error),
        }
    }

    fn sentence(&self, address: &Address, patience: Duration) -> Error {
        match self {
            Self::Silent => Error::Connection(format!(
                "{address} has not answered within {} seconds: it is overloaded or hangs; try again later, and look at its log",
                patience.as_secs()
            )),
            Self::NotSent(why) | Self::Lost(why) if why.is_parse() => Error::Connection(format!(
                "what answers on {address} is no ecconfigd: it does not speak HTTP"
            )),
            Self::NotSent(_) | Self::Lost(_) => Error::Connection(format!(
                "{address} has ended the connection without an answer: it was stopped, or the network failed; try again"
            )),
        }
    }
}
