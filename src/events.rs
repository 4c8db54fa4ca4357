//! The events an operator acts on, by the ids that the journal knows them by.
//!
//! Log calls give them as the field `message_id`; systemd/ecconfigd.catalog explains each one to
//! `journalctl -x`. An id is for ever: what changes its meaning gets a new one.

/// The server serves.
pub const STARTED: &str = "f7895f90cd654b6588f8924ede435f04";
/// The server has been told to stop.
pub const STOPPING: &str = "8d9f28ad4c384d58b5ca0791b2b23e5e";
/// A change of a repository has been accepted and is durable.
pub const COMMITTED: &str = "d5a4c2f769e54e19b3ffa31eb765d3fb";
/// A change of a repository has been refused.
pub const COMMIT_REFUSED: &str = "436e2e83328c4b92bdeecf742f1ed88d";
/// Logins from one address fail again and again.
pub const LOGINS_REFUSED: &str = "3965520657c54cfe8c3ea2b04c62bfe5";
/// There is no place for another connection.
pub const NO_PLACE: &str = "b08b06561c80490eb90603647e6eda33";
/// The server has renewed its certificate, or taken a new one up.
pub const CERTIFICATE_RENEWED: &str = "e3f8b4fba9474ac89613b57e0ee2db3c";
/// The operator's certificate is near its end.
pub const CERTIFICATE_ENDING: &str = "24419b4599b64164a2009bd5c98ddd56";
/// A repository cannot be read.
pub const REPOSITORY_UNREADABLE: &str = "7ca6e12a0458450f9b66159d8a070c14";
/// A repository has been put back without its newest revisions.
pub const REVISIONS_MISSING: &str = "73416fdcf95c4d8394c9114e71f60fa8";
/// A subcluster is in CONFLICT.
pub const CONFLICT: &str = "f991f75b8e0440b48b5edd37c0a55bdf";
/// A subcluster is no longer in CONFLICT.
pub const CONFLICT_ENDED: &str = "670fc24cf1454bf5a641c272531d011b";
/// The disk is full.
pub const DISK_FULL: &str = "3bcf86a839fc47e9af662a0cc41096a3";
