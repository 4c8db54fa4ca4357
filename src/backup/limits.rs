//! How much of what an archive may hold. What is larger is not written into one either.

/// Files and directories.
pub(super) const MAX_ENTRIES: usize = 1_000_000;
/// Of one file that is no pack, in bytes.
pub(super) const MAX_SMALL: u64 = 256 << 20;
/// Of one pack, in bytes.
pub(super) const MAX_PACK: u64 = 1 << 40;
/// Of what an archive says of itself at its beginning, in bytes.
pub(super) const MAX_FORMAT: u64 = 1 << 20;
/// Of the list of all files at its end, in bytes. It is held in memory.
pub(super) const MAX_MANIFEST: u64 = 256 << 20;
