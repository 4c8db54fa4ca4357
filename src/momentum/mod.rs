//! The vendor's files: the configuration grammar and the messaging bus's files. Texts in, values
//! out; nothing of ours is called from here.

mod address;
pub mod config;
pub mod peers;

pub use address::{Address, AddressError};
