//! Who asks for a change, as it is written down.

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::accounts::Account;
use crate::repository::Author;

/// This account, from this address, now.
pub(super) fn author(account: &Account, client: IpAddr) -> Author {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Author { who: account.name.clone(), from: client.to_string(), when: now.as_secs() as i64 }
}
