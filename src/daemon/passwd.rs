//! `ecconfigd passwd`

use std::fs;
use std::io::{ErrorKind, IsTerminal, stdin};
use std::path::Path;

use super::failure::Failure;
use super::limits;
use crate::accounts::{self, Role};
use crate::layout::Layout;

/// Sets the password of an account.
pub(super) fn passwd(layout: &Layout, role: Option<Role>, name: &str) -> Result<(), Failure> {
    limits::set_umask();
    check_state(&layout.state())?;
    let password = if stdin().is_terminal() { ask(name)? } else { read()? };
    let file = accounts::File::of(layout);
    file.set_password(name, role, &password)?;
    println!("The password of {name} has been set.");
    Ok(())
}

/// A mistyped root should not be made.
fn check_state(dir: &Path) -> Result<(), Failure> {
    match fs::metadata(dir) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == ErrorKind::PermissionDenied => Err(Failure::cannot_write(dir, &e)),
        Err(_) => Err(Failure::config(format!(
            "there is no directory {}: start ecconfigd once, or give its --root",
            dir.display(),
        ))),
    }
}

fn ask(name: &str) -> Result<String, Failure> {
    let failed = |e| Failure::system(format!("the terminal cannot be read: {e}"));
    let first = rpassword::prompt_password(format!("New password of {name}: ")).map_err(failed)?;
    let again = rpassword::prompt_password("The same again: ").map_err(failed)?;
    match first == again {
        true => Ok(first),
        false => Err(Failure::usage("the two passwords differ: nothing was changed")),
    }
}

fn read() -> Result<String, Failure> {
    let mut line = String::new();
    stdin()
        .read_line(&mut line)
        .map_err(|e| Failure::usage(format!("the password cannot be read from stdin: {e}")))?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}
