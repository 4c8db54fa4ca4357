//! Backups: all that a server has, in one tar archive that people can open by hand.
//!
//! `ecconfigd/…` in it is what lies in `/var/ecconfigd`: real repositories, accounts, key and
//! certificate, and of a cluster who the members were, but not its log. Before that comes
//! `ecconfigd-backup/format.json`, which tells whether this program can read the rest, and at the end
//! `ecconfigd-backup/manifest.json` with the sum of each file and where each subcluster stands. An
//! archive without that end is not whole.
//!
//! It is made of the files while a server may be changing them (`making`): first the references are
//! read, then the packs, until all that the references lead to is in the archive. It is taken for
//! hostile when it is read (`reading`, `place`, `limits`): whoever has changed it gets no file
//! written but those that a backup has.

mod checking;
mod error;
mod limits;
mod making;
mod manifest;
mod place;
mod reading;
mod restoring;
mod sums;
mod writer;

pub use checking::{Checked, check_archive, check_directory};
pub use error::Error;
pub use making::{Made, make};
pub use manifest::{Format, Stand};
pub use restoring::{Form, finish, restore};
