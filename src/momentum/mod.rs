//! The vendor's files.
