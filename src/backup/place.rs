//! What lies where in an archive: nothing else is written into one, or out of one.

use super::limits::{MAX_FORMAT, MAX_MANIFEST, MAX_PACK, MAX_SMALL};
use crate::repository::{FileKind, Name, file_kind};

/// What a server has.
pub(super) const STATE: &str = "ecconfigd";
pub(super) const FORMAT: &str = "ecconfigd-backup/format.json";
pub(super) const MANIFEST: &str = "ecconfigd-backup/manifest.json";

/// Files of the server's own, below [`STATE`], that only it may read.
pub(super) const PRIVATE: [&str; 5] =
    ["accounts", "initial-passwords", "repo/svn-auth.htdigest", "apache/server.key", INTRODUCTION];
/// The other ones.
pub(super) const PLAIN: [&str; 2] = ["nodes", "apache/server.crt"];
/// Who the members of the cluster were.
pub(super) const INTRODUCTION: &str = "cluster/introduction";

/// A file in an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Of the file.
    pub(super) mode: u32,
    /// In bytes.
    pub(super) max_length: u64,
}

/// What lies under this name; none if nothing may.
pub(super) fn place(path: &str) -> Option<Place> {
    let small = |mode| Some(Place { mode, max_length: MAX_SMALL });
    if path == FORMAT {
        return Some(Place { mode: 0o600, max_length: MAX_FORMAT });
    }
    if path == MANIFEST {
        return Some(Place { mode: 0o600, max_length: MAX_MANIFEST });
    }
    let within = path.strip_prefix(STATE)?.strip_prefix('/')?;
    if PRIVATE.contains(&within) {
        return small(0o600);
    }
    if PLAIN.contains(&within) {
        return small(0o644);
    }
    let (name, file) = within.strip_prefix("repo/")?.split_once('/')?;
    Name::new(name)?;
    match file_kind(file)? {
        FileKind::Pack => Some(Place { mode: 0o440, max_length: MAX_PACK }),
        FileKind::Object => small(0o440),
        FileKind::Other => small(0o640),
    }
}

/// The name in an archive of a file in a repository.
pub(super) fn in_repository(name: &Name, file: &str) -> String {
    format!("{STATE}/repo/{name}/{file}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_has_is_known_and_private_where_it_must_be() {
        for path in ["ecconfigd/accounts", "ecconfigd/apache/server.key", FORMAT, MANIFEST] {
            assert_eq!(place(path).unwrap().mode, 0o600, "{path}");
        }
        let pack = format!("ecconfigd/repo/west/objects/pack/pack-{}.pack", "a".repeat(40));
        assert_eq!(place(&pack).unwrap().max_length, MAX_PACK);
        assert!(place("ecconfigd/repo/west/logs/refs/heads/topic/one").is_some());
    }

    #[test]
    fn nothing_else_is() {
        for path in [
            "",
            "/etc/passwd",
            "ecconfigd",
            "ecconfigd/",
            "ecconfigd/../accounts",
            "ecconfigd//accounts",
            "/ecconfigd/accounts",
            "./ecconfigd/accounts",
            "ecconfigd/cluster/log",
            "ecconfigd/lock",
            "ecconfigd/apache/other",
            "ecconfigd/repo/../accounts",
            "ecconfigd/repo/West/HEAD",
            "ecconfigd/repo/west",
            "ecconfigd/repo/west/",
            "ecconfigd/repo/west/../east/HEAD",
            "ecconfigd/repo/west/logs/../../../accounts",
            "ecconfigd/repo/west/logs/refs//x",
            "ecconfigd/repo/west/logs/x/./y",
            "ecconfigd/repo/west/hooks/pre-receive",
            "ecconfigd/repo/west/objects/info/alternates",
            "ecconfigd/repo/west/objects/pack/pack-..pack",
            "ecconfigd/repo/west/objects/zz/0",
            "ecconfigd/repo/west/refs/heads/boot",
            "ecconfigd-backup/other",
        ] {
            assert_eq!(place(path), None, "{path}");
        }
    }
}
