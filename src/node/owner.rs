//! Whose the files are that eccfg writes.

use nix::unistd::{User, geteuid};

use crate::accounts::SERVICE;
use crate::files::Owner;

/// The account of the service, if this is root and there is one; else files belong to whoever runs
/// this.
pub(super) fn owner() -> Option<Owner> {
    let account = geteuid().is_root().then(|| User::from_name(SERVICE)).and_then(Result::ok);
    account.flatten().map(|user| Owner::of_account(&user))
}
