//! What became of a file, as people know it from Subversion.

use std::fmt;

/// One letter, at the beginning of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letter {
    Added,
    Deleted,
    Updated,
    Merged,
    Modified,
    Conflict,
    Unknown,
    Missing,
}

impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Added => "A",
            Self::Deleted => "D",
            Self::Updated => "U",
            Self::Merged => "G",
            Self::Modified => "M",
            Self::Conflict => "C",
            Self::Unknown => "?",
            Self::Missing => "!",
        })
    }
}
