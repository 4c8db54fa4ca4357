//! `ecconfigd users`

use super::failure::Failure;
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
