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

/// As the command line and the environment say; asks at the terminal for what is missing.
pub fn of_person(
    common: &super::args::Common,
    _layout: &crate::layout::Layout,
) -> Result<Login, super::Error> {
    let name = common.username.clone().or_else(|| std::env::var("USER").ok());
    let name =
        name.ok_or_else(|| super::Error::Usage("who asks? say --username NAME".to_owned()))?;
    let password = match (&common.password, std::env::var("ECCFG_PASSWORD")) {
        (Some(password), _) => password.clone(),
        (None, Ok(password)) => password,
        _ => rpassword::prompt_password(format!("Password of {name}: "))
            .map_err(super::Error::file("terminal".as_ref()))?,
    };
    Ok(Login::new(name, password))
}

/// The service account with the password that is kept.
pub fn stored(layout: &crate::layout::Layout) -> Result<Login, super::Error> {
    let file = layout.eccfg().join("password");
    let text = std::fs::read_to_string(&file).map_err(super::Error::file(&file))?;
    Ok(Login::new(super::user::SERVICE, text.trim_end()))
}
