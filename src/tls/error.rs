use std::io;
use std::path::PathBuf;

use crate::files::OwnerError;

/// Why a key and certificate could not be read, made or written.
/// Causes are part of the message.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No certificate can carry this host name.
    #[error("{0:?} is neither a host name nor an IP address; give the name that clients use")]
    HostName(String),
    /// The files cannot be given to the account that was named.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// One half of the pair is not there.
    #[error("{0} is missing; put it back, or make a new pair with create_ssl_cert")]
    Missing(PathBuf),
    /// A file is there and cannot be read.
    #[error("{0} cannot be read: {1}; check its owner and mode, and those of its directories")]
    Read(PathBuf, io::Error),
    /// A file or directory cannot be written.
    #[error("{0} cannot be written: {1}; check the directory's owner, mode and free space")]
    Write(PathBuf, io::Error),
    /// The key file is a symbolic link where a link is not safe to follow.
    #[error("{0} is a symbolic link, and what it points to is not ours to use; remove the link")]
    Link(PathBuf),
    /// Root is to write where another account decides what lies there.
    #[error("{0} can be exchanged by others than root; name the account that it is for as USER")]
    Shared(PathBuf),
    /// The certificate file has no certificate in it.
    #[error("{0} holds no certificate in PEM form; put the server's certificate there")]
    NoCertificate(PathBuf),
    /// The certificate file cannot be parsed; the text says why.
    #[error("{0} holds a damaged certificate ({1}); put a whole one there")]
    BadCertificate(PathBuf, String),
    /// What a server shows is no certificate; the text says why.
    #[error("the server's certificate is damaged: {0}")]
    Presented(String),
    /// A file of authorities is of no use; the text says why.
    #[error("no authority can be taken from this: {0}; give a file of whole certificates")]
    Authority(String),
    /// The key file has no usable key in it.
    #[error(
        "{0} holds no private key in PEM form that is neither encrypted nor damaged; put one there, or make one with create_ssl_cert --new-key"
    )]
    NoKey(PathBuf),
    /// Key file and certificate file do not belong together.
    #[error(
        "no key in {0} belongs to the first certificate in {1}; put the server's own certificate first and its key beside it"
    )]
    Mismatch(PathBuf, PathBuf),
    /// The certificate in the way is the operator's.
    #[error("{0} was not made by this program and is kept; overwrite it with --force")]
    Operators(PathBuf),
    /// A certificate could not be signed with the key of this file.
    #[error(
        "no certificate can be made with {0}: {1}; make another key with create_ssl_cert --new-key"
    )]
    Issue(PathBuf, rcgen::Error),
    /// The TLS library refused its settings or found no randomness.
    #[error("TLS cannot be set up: {0}; check that the system provides random numbers")]
    Tls(rustls::Error),
}

impl Error {
    /// Makes a missing file `None` and leaves every other error one.
    pub(super) fn if_present<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
        match result {
            Err(Error::Missing(_)) => Ok(None),
            other => other.map(Some),
        }
    }
}
