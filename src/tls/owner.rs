use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, fchown};

use nix::unistd::{Uid, User};

use super::error::Error;

/// The account and group that files belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    uid: u32,
    gid: u32,
}

impl Owner {
    pub(super) fn of(metadata: &Metadata) -> Owner {
        Owner { uid: metadata.uid(), gid: metadata.gid() }
    }

    /// The account `user` and its group, if `caller` may give files to it; `None`
    /// if there is no such account and `caller` is not root, who then keeps the files.
    pub(super) fn account(user: &str, caller: Uid) -> Result<Option<Owner>, Error> {
        let account =
            User::from_name(user).map_err(|errno| Error::Lookup(user.to_owned(), errno.into()))?;
        match account {
            None if caller.is_root() => Err(Error::NoSuchUser(user.to_owned())),
            None => Ok(None),
            Some(account) if !caller.is_root() && account.uid != caller => {
                Err(Error::NotRoot(user.to_owned()))
            }
            Some(account) => {
                Ok(Some(Owner { uid: account.uid.as_raw(), gid: account.gid.as_raw() }))
            }
        }
    }

    /// Gives an open file or directory to this owner.
    pub(super) fn take(self, file: &File) -> io::Result<()> {
        fchown(file, Some(self.uid), Some(self.gid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY_KNOWS: &str = "no-such-account";

    #[test]
    fn root_may_give_files_to_accounts_that_exist() {
        let root = Uid::from_raw(0);
        let owner = Owner { uid: 0, gid: 0 };
        assert_eq!(Owner::account("root", root).unwrap(), Some(owner));
        let error = Owner::account(NOBODY_KNOWS, root).unwrap_err();
        assert!(matches!(error, Error::NoSuchUser(_)));
    }

    #[test]
    fn others_keep_their_files_or_are_told_that_they_are_not_root() {
        let caller = Uid::from_raw(54_321);
        assert_eq!(Owner::account(NOBODY_KNOWS, caller).unwrap(), None);
        let error = Owner::account("root", caller).unwrap_err();
        assert!(matches!(error, Error::NotRoot(_)));
    }
}
