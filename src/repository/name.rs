//! Names of subclusters.

use std::borrow::Borrow;
use std::fmt;

/// One lower-case word: a letter, then letters, digits, `-` and `_`, 64 bytes at the most. It is a
/// directory's name and part of URLs, so nothing else will do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    const MAX_LEN: usize = 64;

    /// `text` as a name, if it is one.
    pub fn new(text: &str) -> Option<Self> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        (starts_well && text.len() <= Self::MAX_LEN && text.chars().all(allowed))
            .then(|| Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Text that is no name is looked for in vain.
impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_lower_case_word() {
        for good in ["default", "global", "west2", "us-east", "a_b"] {
            assert!(Name::new(good).is_some(), "{good}");
        }
        for bad in
            ["", "Default", "2west", "-x", "a b", "a.git", "../x", "a/b", "é", &"a".repeat(65)]
        {
            assert!(Name::new(bad).is_none(), "{bad}");
        }
    }
}
