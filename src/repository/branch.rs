//! The branches with a meaning of their own.

/// The live configuration. It only moves forward and is never deleted.
pub const BOOT: &str = "refs/heads/boot";
/// The saved running configurations of the nodes. It only moves forward and is never deleted.
pub const RUNNING: &str = "refs/heads/running";

/// Whether history on this reference is kept for ever.
pub(super) fn is_kept(name: &str) -> bool {
    name == BOOT || name == RUNNING
}

/// Branches and tags are kept here, and nothing else.
pub(super) fn is_allowed(name: &str) -> bool {
    (name.starts_with("refs/heads/") || name.starts_with("refs/tags/"))
        && git2::Reference::is_valid_name(name)
}
