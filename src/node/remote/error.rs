//! What can go wrong between a node and its server.

/// Each names the server and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name or the password is wrong, or the account may not do this.
    #[error("{0}")]
    Authentication(String),
    /// The server cannot be reached, or ends the conversation too early, or is out of order.
    #[error("{0}")]
    Connection(String),
    /// It is not known to be the right server.
    #[error("{0}")]
    Certificate(String),
    /// The server understood and refuses.
    #[error("{0}")]
    Refused(String),
}

impl Error {
    /// The exit code, as the manual lists them.
    pub(in crate::node) fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) => 1,
            Self::Authentication(_) => 3,
            Self::Connection(_) => 4,
            Self::Certificate(_) => 5,
        }
    }
}
