use std::ffi::CString;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, fchown};

use nix::errno::Errno;
use nix::unistd::{Uid, User, initgroups, setgid, setuid};

/// The account and group that files belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    uid: u32,
    gid: u32,
}

/// Why files cannot be given to an account. Causes are part of the message.
#[derive(Debug, thiserror::Error)]
pub enum OwnerError {
    /// The account that is to own the files is unknown.
    #[error("the account {0} does not exist; create it, or name another one as USER")]
    NoSuchUser(String),
    /// Giving files away is root's privilege.
    #[error("only root can give files to {0}; run this as root, or name your own account as USER")]
    NotRoot(String),
    /// The account database did not answer.
    #[error("the account {0} cannot be looked up: {1}; check the name service (nsswitch.conf)")]
    Lookup(String, io::Error),
    /// Root could not become the account.
    #[error("cannot become the account {0}: {1}")]
    Become(String, io::Error),
}

/// Becomes this user, with their groups, for good. Only root can, and must do it before there is a
/// second thread.
///
/// # Errors
/// What the system says.
pub fn become_user(user: &User) -> nix::Result<()> {
    let name = CString::new(user.name.as_str()).map_err(|_| Errno::EINVAL)?;
    initgroups(&name, user.gid)?;
    setgid(user.gid)?;
    setuid(user.uid)
}

/// The same by the account's name.
///
/// # Errors
/// If there is no such account, and what the system says.
pub fn become_account(name: &str) -> Result<(), OwnerError> {
    let user = User::from_name(name)
        .map_err(|errno| OwnerError::Lookup(name.to_owned(), errno.into()))?
        .ok_or_else(|| OwnerError::NoSuchUser(name.to_owned()))?;
    become_user(&user).map_err(|errno| OwnerError::Become(name.to_owned(), errno.into()))
}

impl Owner {
    /// Whose the file is that this was read of.
    pub fn of(metadata: &Metadata) -> Owner {
        Owner { uid: metadata.uid(), gid: metadata.gid() }
    }

    /// This account and its group.
    pub fn of_account(user: &User) -> Owner {
        Owner { uid: user.uid.as_raw(), gid: user.gid.as_raw() }
    }

    /// The account `user` and its group, if `caller` may give files to it; `None`
    /// if there is no such account and `caller` is not root, who then keeps the files.
    ///
    /// # Errors
    /// If root names an account that does not exist, or somebody else one that is not theirs.
    pub fn account(user: &str, caller: Uid) -> Result<Option<Owner>, OwnerError> {
        let account = User::from_name(user)
            .map_err(|errno| OwnerError::Lookup(user.to_owned(), errno.into()))?;
        match account {
            None if caller.is_root() => Err(OwnerError::NoSuchUser(user.to_owned())),
            None => Ok(None),
            Some(account) if !caller.is_root() && account.uid != caller => {
                Err(OwnerError::NotRoot(user.to_owned()))
            }
            Some(account) => Ok(Some(Owner::of_account(&account))),
        }
    }

    /// Whether it is root.
    pub fn is_root(self) -> bool {
        self.uid == 0
    }

    /// Gives an open file or directory to this owner.
    pub fn take(self, file: &File) -> io::Result<()> {
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
        assert!(matches!(error, OwnerError::NoSuchUser(_)));
    }

    #[test]
    fn others_keep_their_files_or_are_told_that_they_are_not_root() {
        let caller = Uid::from_raw(54_321);
        assert_eq!(Owner::account(NOBODY_KNOWS, caller).unwrap(), None);
        let error = Owner::account("root", caller).unwrap_err();
        assert!(matches!(error, OwnerError::NotRoot(_)));
    }
}
