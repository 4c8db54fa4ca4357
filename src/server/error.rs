//! From a failure to what the client is told. Causes go to the log and nowhere else.

use std::error::Error as _;

use headers::{ContentRange, HeaderMapExt};
use hyper::header::{ALLOW, CONNECTION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};

use super::limits;
use super::response::{Body, text};
use crate::accounts::REALM;
use crate::{events, protocol, repository};

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the address is not one of this server's")]
    NoRoute,
    #[error("malformed address")]
    BadUrl,
    #[error("{0}")]
    BadRequest(String),
    #[error("only {0} can be done here")]
    BadMethod(&'static str),
    #[error("there is no such method: the names of methods are written in capital letters")]
    NoMethod,
    #[error("name and password of an account are needed")]
    Unauthorized,
    #[error("{0}")]
    Forbidden(&'static str),
    /// No server of the cluster is meant; the sentence names those there are.
    #[error("{0}")]
    NoMember(String),
    #[error("this content type is not the service's")]
    BadContentType,
    #[error("the request must be of the content type application/json")]
    NotJson,
    #[error("the request is too large: the limit is {0} bytes")]
    TooLarge(u64),
    #[error("too many failed logins from your address: try again later")]
    TooManyLogins,
    #[error("the server is busy: try again later")]
    Busy,
    #[error(
        "this server has been let into a cluster and has nothing of it yet: try again later, or ask another one"
    )]
    Joining,
    #[error(
        "this server keeps copies and votes, and serves nobody (--vote-only): ask another one of the cluster"
    )]
    OnlyVotes,
    #[error("the request came too slowly")]
    TooSlow,
    #[error("the client went away")]
    ClientGone,
    #[error("the requested range does not lie within the file")]
    BadRange { length: u64 },
    #[error("a worker of the server failed")]
    Panicked,
    #[error(transparent)]
    Repository(#[from] repository::Error),
}

impl From<protocol::Error> for Error {
    fn from(error: protocol::Error) -> Self {
        Self::Repository(error.into())
    }
}

impl Error {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::BadUrl | Self::BadRequest(_) | Self::ClientGone => StatusCode::BAD_REQUEST,
            Self::BadMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoMethod => StatusCode::NOT_IMPLEMENTED,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::BadContentType | Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoMember(_) => StatusCode::CONFLICT,
            Self::TooManyLogins => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy | Self::Joining | Self::OnlyVotes => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BadRange { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Repository(error) => repository_status(error),
        }
    }

    /// What the client may know: all of it where the client is at fault, else nothing but advice.
    pub(super) fn public(&self) -> String {
        match self {
            Self::Repository(repository::Error::DiskFull) => {
                "the server's disk is full: nothing was changed; tell its administrator".into()
            }
            Self::Repository(repository::Error::DiskReadOnly) => {
                "the server's disk cannot be written: nothing was changed; tell its administrator"
                    .into()
            }
            Self::Repository(repository::Error::Unreadable { name, .. }) => unreadable(name),
            error if error.status() == StatusCode::INTERNAL_SERVER_ERROR => {
                "the server failed; its log tells its administrator why".into()
            }
            error => error.to_string(),
        }
    }

    /// Whether the server, and not the client, is at fault, and nobody has been told yet: a broken
    /// repository was, when it was found.
    pub(super) fn is_ours(&self) -> bool {
        let is_known = matches!(
            self,
            Self::NoMethod
                | Self::Busy
                | Self::Joining
                | Self::OnlyVotes
                | Self::Repository(repository::Error::Unreadable { .. })
        );
        self.status().is_server_error() && !is_known
    }

    /// The event for operators that this is.
    pub(super) fn event(&self) -> Option<&'static str> {
        match self {
            Self::Repository(repository::Error::DiskFull) => Some(events::DISK_FULL),
            _ => None,
        }
    }

    /// Itself and its causes in one line, for the log.
    pub(super) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = self.source();
        while let Some(cause) = next {
            let cause_text = cause.to_string();
            if !text.ends_with(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            next = cause.source();
        }
        // A line of the log is one line, whatever libgit2 quotes.
        text.replace(char::is_control, " ")
    }

    pub(super) fn response(&self) -> Response<Body> {
        let mut response = text(self.status(), &self.public());
        let headers = response.headers_mut();
        match self {
            Self::Unauthorized => {
                let challenge = format!("Basic realm=\"{REALM}\", charset=\"UTF-8\"");
                let challenge = HeaderValue::from_str(&challenge).expect("the realm is ASCII");
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
            Self::BadMethod(allowed) => {
                headers.insert(ALLOW, HeaderValue::from_static(allowed));
            }
            Self::TooManyLogins
            | Self::Busy
            | Self::Joining
            | Self::Repository(repository::Error::Unreadable { .. }) => {
                headers.insert(RETRY_AFTER, limits::RETRY_AFTER.into());
            }
            Self::BadRange { length } => {
                headers.typed_insert(ContentRange::unsatisfied_bytes(*length));
            }
            // The rest of the body is not wanted.
            Self::TooLarge(_) | Self::TooSlow => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

/// What clients are told of a broken repository.
pub(super) fn unreadable(subcluster: &str) -> String {
    format!(
        "subcluster {subcluster} cannot be read at the moment; the server's log tells its administrator why"
    )
}

fn repository_status(error: &repository::Error) -> StatusCode {
    use repository::Error;
    match error {
        Error::NoSubcluster(_) | Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::Unreadable { .. }
        | Error::Subversion
        | Error::InTheMaking(_)
        | Error::Unreplicated(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Protocol(protocol::Error::TooMany { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
        // What has no number of the system's is broken gzip, and that is the client's.
        Error::Protocol(protocol::Error::Io(cause)) if cause.raw_os_error().is_some() => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        Error::Protocol(_) | Error::BadPack(_) | Error::Unwanted => StatusCode::BAD_REQUEST,
        Error::Exists(_) | Error::InConflict(_) | Error::Unsound(_) => StatusCode::CONFLICT,
        Error::Stale { .. } | Error::BadRef(_) | Error::Locked(_) => StatusCode::CONFLICT,
        Error::DiskFull | Error::DiskReadOnly => StatusCode::INSUFFICIENT_STORAGE,
        Error::Git(_) | Error::Io(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
