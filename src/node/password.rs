//! Names and passwords.

use std::fmt;

/// Who asks. The password is never printed.
#[derive(Clone)]
pub struct Login {
    /// The account.
    pub name: String,
    password: String,
}

impl Login {
    /// An account and its password.
    pub fn new(name: impl Into<String>, password: impl Into<String>) -> Self {
        Self { name: name.into(), password: password.into() }
    }

    /// The password itself.
    pub fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("name", &self.name).finish_non_exhaustive()
    }
}
