//! The first passwords.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use crate::accounts::{self, ADMIN, Accounts, SERVICE};
use crate::files;
use crate::layout::Layout;

/// Longer ones are not passwords.
const MAX_CREDENTIAL: u64 = 4096;

/// Makes the accounts of the installation that are missing, with the passwords that systemd hands
/// over or with new ones, which are written down for the administrator. Tells whether any were. In a
/// cluster the log has all accounts, and none are made.
pub(super) fn make_accounts(layout: &Layout) -> Result<bool, Failure> {
    let file = accounts::File::of(layout);
    if file.is_of_member() {
        return Ok(false);
    }
    let known = Accounts::load(&file, &layout.htdigest(), None)?;
    let mut written_down = false;
    for name in [ADMIN, SERVICE].into_iter().filter(|name| !known.contains(name)) {
        let password = match credential(name)? {
            Some(password) => password,
            None => {
                written_down = true;
                written_password(&layout.initial_passwords(), name)?
            }
        };
        file.set_password(name, None, &password)?;
        tracing::info!(account = name, "the account {name} has been made");
    }
    Ok(written_down)
}

/// What systemd hands over with LoadCredential= or SetCredential= (systemd.exec(5)).
fn credential(name: &str) -> Result<Option<String>, Failure> {
    let Some(dir) = std::env::var_os("CREDENTIALS_DIRECTORY") else { return Ok(None) };
    let path = PathBuf::from(dir).join(format!("{name}-password"));
    let failed = |e| Failure::config(format!("cannot read the credential {}: {e}", path.display()));
    match fs::metadata(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(e)),
        Ok(metadata) if metadata.len() > MAX_CREDENTIAL => {
            return Err(failed(io::ErrorKind::FileTooLarge.into()));
        }
        Ok(_) => {}
    }
    let text = fs::read_to_string(&path).map_err(failed)?;
    let password = text.trim_end_matches(['\n', '\r']);
    accounts::check_password(password)
        .map_err(|e| Failure::config(format!("the credential {}: {e}", path.display())))?;
    Ok(Some(password.to_owned()))
}

/// The password written down for `name`, a new one if there is none. It is on disk before the
/// account has it, so that a crash between cannot lose it.
fn written_password(path: &Path, name: &str) -> Result<String, Failure> {
    let failed = |e| Failure::cannot_write(path, &e);
    let text = match fs::read_to_string(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
        other => other.map_err(failed)?,
    };
    let written = text.lines().filter_map(|line| line.split_once(' '));
    if let Some((_, password)) = written.into_iter().find(|(written, _)| *written == name) {
        return Ok(password.to_owned());
    }
    let password = accounts::generate()?;
    files::replace_private(path, &format!("{text}{name} {password}\n")).map_err(failed)?;
    Ok(password)
}
