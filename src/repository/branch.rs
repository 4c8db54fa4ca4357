//! The branches with a meaning of their own.

/// The live configuration. It only moves forward and is never deleted.
pub const BOOT: &str = "refs/heads/boot";
/// The saved running configurations of the nodes. It only moves forward and is never deleted.
pub const RUNNING: &str = "refs/heads/running";

/// Whether history on this reference is kept for ever.
pub(super) fn is_kept(name: &str) -> bool {
    name == BOOT || name == RUNNING
}

/// The longest part of a name: it is a file's, and so is the name of its lock, with `.lock` at the
/// end.
const MAX_PART: usize = 250;

/// Branches and tags are kept here, and nothing else.
pub(super) fn is_allowed(name: &str) -> bool {
    name.starts_with("refs/heads/") || name.starts_with("refs/tags/")
}

/// Whether a reference can have this name.
pub(super) fn is_valid(name: &str) -> bool {
    name.split('/').all(|part| part.len() <= MAX_PART) && git2::Reference::is_valid_name(name)
}
