//! Files written so that a reader, and a machine that loses its power, finds the old content or the
//! new, and owned by whom they should be.

mod acting;
mod atomic;
mod control;
mod owner;

pub use acting::{Acting, act_as_owner_of};
pub use atomic::{replace, replace_private};
pub use control::is_roots;
pub use owner::{Owner, OwnerError, become_account, become_user};
