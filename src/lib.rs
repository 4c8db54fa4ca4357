//! ecconfigd.
pub mod accounts;
pub mod layout;
pub mod momentum;
pub mod protocol;
pub mod repository;
pub mod tls;
