//! ecconfigd.
pub mod momentum;
pub mod tls;
