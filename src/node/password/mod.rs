//! Names and passwords: where they come from, and where they must not be seen.

mod hide;
mod person;
mod service;

use std::fmt;

pub use hide::hide_from_process_list;
pub(in crate::node) use person::{caller, of_person};
pub use service::{keep, stored};

/// The environment variable that may hold the password.
pub const VARIABLE: &str = "ECCFG_PASSWORD";

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

/// The password is the first line of a file, as it is of a standard input.
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_printed() {
        let login = Login::new("admin", "s3cret");
        assert_eq!(format!("{login:?}"), "Login { name: \"admin\", .. }");
    }

    #[test]
    fn the_first_line_is_the_password_with_its_spaces() {
        for text in [" a b ", " a b \n", " a b \r\n", " a b \nmore\n"] {
            assert_eq!(first_line(text), " a b ");
        }
        assert_eq!(first_line(""), "");
    }
}
