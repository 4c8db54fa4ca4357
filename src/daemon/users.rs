//! `ecconfigd users`

use super::failure::Failure;
use super::limits;
use crate::accounts::{self, Accounts};
use crate::layout::Layout;

/// Lists the accounts.
pub(super) fn users(layout: &Layout) -> Result<(), Failure> {
    let file = accounts::File::of(layout);
    let accounts = Accounts::load(&file, &layout.htdigest(), None)?;
    for (name, role, is_old) in accounts.list() {
        let note = if is_old { "  (in svn-auth.htdigest until its next login)" } else { "" };
        println!("{name:<24} {role}{note}");
    }
    Ok(())
}

/// Removes an account.
pub(super) fn delete(layout: &Layout, name: &str) -> Result<(), Failure> {
    limits::set_umask();
    accounts::File::of(layout).delete(name, &layout.htdigest())?;
    println!("The account {name} has been deleted.");
    Ok(())
}
