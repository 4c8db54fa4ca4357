//! Access control lists and other extended attributes of files and directories that a pull replaces.

use std::path::Path;

use crate::fixture::Server;
use crate::machine::Machine;

const NOTE: &str = "user.note";
const ACL: &str = "system.posix_acl_access";
const DEFAULT_ACL: &str = "system.posix_acl_default";

/// The owner may read and write, user 12345 and the group may read, others nothing, as acl(5) is
/// stored (posix_acl_xattr.h of Linux): a version, then tag, permissions and id of each.
fn access_control_list() -> Vec<u8> {
    const NOBODY: u32 = u32::MAX;
    let entries: [(u16, u16, u32); 5] =
        [(1, 6, NOBODY), (2, 4, 12345), (4, 4, NOBODY), (0x10, 4, NOBODY), (0x20, 0, NOBODY)];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        list.extend(tag.to_le_bytes());
        list.extend(permissions.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    list
}

#[test]
fn they_stay_with_files_and_directories_and_are_inherited() {
    let server = Server::start();
    let machine = Machine::of(&server);
    let (directory, file) = (machine.conf.join("default"), "default/common.conf");
    let changed = machine.conf.join(file);
    if xattr::set(&changed, ACL, &access_control_list()).is_err() {
        eprintln!("skipped: there are no access control lists on this file system");
        return;
    }
    xattr::set(&changed, NOTE, b"asked for by the auditors").unwrap();
    xattr::set(&directory, DEFAULT_ACL, &access_control_list()).unwrap();
    let clone = server.git().clone_of("default");
    clone.push_file(file, "changed\n");
    clone.push_file("default/new.conf", "new\n");
    machine.ok("pull");

    let get = |path: &Path, name| xattr::get(path, name).unwrap();
    assert_eq!(machine.read(file), "changed\n");
    assert_eq!(get(&changed, ACL), Some(access_control_list()));
    assert_eq!(get(&changed, NOTE).as_deref(), Some(&b"asked for by the auditors"[..]));
    assert_eq!(get(&directory, DEFAULT_ACL), Some(access_control_list()));
    assert_eq!(get(&machine.conf.join("default/new.conf"), ACL), Some(access_control_list()));
    let unchanged = machine.conf.join("default/ecelerity.conf");
    assert_eq!(get(&unchanged, ACL), None);
}
