use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{
    Gid, Uid, User, getegid, geteuid, getgroups, initgroups, setegid, seteuid, setgroups,
};

/// Root's rights, given up until this is dropped.
pub struct Acting {
    gid: Gid,
    groups: Vec<Gid>,
}

/// Has root act as the owner of a directory from now on: root must not follow links that the owner
/// may have put there, nor leave files that the owner could not change. None if this is not root, or
/// the directory is root's. Must be called while there is one thread.
///
/// # Errors
/// If the directory is not there, or what the system says.
pub fn act_as_owner_of(dir: &Path) -> io::Result<Option<Acting>> {
    let owner = fs::metadata(dir)?;
    if !geteuid().is_root() || owner.uid() == 0 {
        return Ok(None);
    }
    let (uid, gid) = (Uid::from_raw(owner.uid()), Gid::from_raw(owner.gid()));
    let acting = Acting { gid: getegid(), groups: getgroups()? };
    match User::from_uid(uid)? {
        Some(user) => {
            let name = std::ffi::CString::new(user.name)?;
            initgroups(&name, user.gid)?;
        }
        None => setgroups(&[gid])?,
    }
    setegid(gid)?;
    seteuid(uid)?;
    Ok(Some(acting))
}

impl Drop for Acting {
    fn drop(&mut self) {
        let back = seteuid(Uid::from_raw(0))
            .and_then(|()| setegid(self.gid))
            .and_then(|()| setgroups(&self.groups));
        back.expect("who was root may be so again");
    }
}
