//! What an account may do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ADMIN, SERVICE};

/// The kinds of account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything.
    Administrator,
    /// Read everything, write the branch `running`.
    Service,
    /// Read everything.
    Reader,
}

impl Role {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Administrator, "administrator"),
        (Self::Service, "service"),
        (Self::Reader, "reader"),
    ];

    /// The role of an account that nobody gave one: the two names of the installation have theirs,
    /// anybody else only reads.
    pub fn default_for(name: &str) -> Self {
        match name {
            ADMIN => Self::Administrator,
            SERVICE => Self::Service,
            _ => Self::Reader,
        }
    }

    /// Whether nodes have such accounts: they say with their questions what they have.
    pub fn is_of_nodes(self) -> bool {
        self != Self::Reader
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|(_, word)| *word == text);
        found.map(|(role, _)| role).ok_or_else(|| {
            format!("there is no role \"{text}\": use administrator, service or reader")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_reads_back_as_it_is_written() {
        for (role, word) in Role::ALL {
            assert_eq!(role.as_str(), word);
            assert_eq!(word.parse(), Ok(role));
        }
    }
}
