//! The server, as a node sees it: one kept connection over TLS.

mod error;

pub use error::Error;
