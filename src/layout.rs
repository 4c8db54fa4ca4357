//! Every path the product knows, below one root.

use std::path::{Path, PathBuf};

/// Where things are. In production the root is `/`; `--root DIR` moves all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory that holds all state: `/var/ecconfigd`.
    pub fn state(&self) -> PathBuf {
        self.root.join("var/ecconfigd")
    }

    /// One bare repository for each subcluster: `/var/ecconfigd/repo`.
    pub fn repositories(&self) -> PathBuf {
        self.state().join("repo")
    }

    /// Key and certificate, where the original's Apache kept them: `/var/ecconfigd/apache`.
    pub fn certificates(&self) -> PathBuf {
        self.state().join("apache")
    }

    /// The accounts with their hashed passwords: `/var/ecconfigd/accounts`.
    pub fn accounts(&self) -> PathBuf {
        self.state().join("accounts")
    }

    /// The original's password file: `/var/ecconfigd/repo/svn-auth.htdigest`.
    pub fn htdigest(&self) -> PathBuf {
        self.repositories().join("svn-auth.htdigest")
    }

    /// The passwords made at the first start: `/var/ecconfigd/initial-passwords`.
    pub fn initial_passwords(&self) -> PathBuf {
        self.state().join("initial-passwords")
    }

    /// What each node has last said of itself: `/var/ecconfigd/nodes`.
    pub fn nodes(&self) -> PathBuf {
        self.state().join("nodes")
    }

    /// Held by the one server that may write below [`Layout::state`]: `/var/ecconfigd/lock`.
    pub fn lock(&self) -> PathBuf {
        self.state().join("lock")
    }

    /// What this server is in a cluster: `/var/ecconfigd/cluster`.
    pub fn cluster(&self) -> PathBuf {
        self.state().join("cluster")
    }

    /// The cluster's log: `/var/ecconfigd/cluster/log`.
    pub fn cluster_log(&self) -> PathBuf {
        self.cluster().join("log")
    }

    /// Who the members are, told by whoever let this server in:
    /// `/var/ecconfigd/cluster/introduction`.
    pub fn introduction(&self) -> PathBuf {
        self.cluster().join("introduction")
    }

    /// Uploads and packs on their way: `/var/ecconfigd/tmp`. Emptied at each start.
    pub fn spool(&self) -> PathBuf {
        self.state().join("tmp")
    }

    /// What the administrator of a node edits: `/opt/msys/ecelerity/etc`.
    pub fn etc(&self) -> PathBuf {
        self.root.join("opt/msys/ecelerity/etc")
    }

    /// The working copy: `/opt/msys/ecelerity/etc/conf`.
    pub fn working_copy(&self) -> PathBuf {
        self.etc().join("conf")
    }

    /// Which configuration this node takes: `/opt/msys/ecelerity/etc/cluster.boot`.
    pub fn cluster_boot(&self) -> PathBuf {
        self.etc().join("cluster.boot")
    }

    /// What eccfg knows of its servers: `/opt/msys/ecelerity/etc/.eccfg`.
    pub fn eccfg(&self) -> PathBuf {
        self.etc().join(".eccfg")
    }

    /// Assignments for the whole product, `EXTRA_ARGS` among them:
    /// `/opt/msys/ecelerity/etc/environment`.
    pub fn environment(&self) -> PathBuf {
        self.etc().join("environment")
    }

    /// Where the mail server's commands are: `/opt/msys/ecelerity/bin`.
    pub fn programs(&self) -> PathBuf {
        self.root.join("opt/msys/ecelerity/bin")
    }

    /// The root itself.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_lies_below_the_root() {
        let layout = Layout::new("/demo");
        let paths = [
            layout.state(),
            layout.repositories(),
            layout.certificates(),
            layout.accounts(),
            layout.htdigest(),
            layout.initial_passwords(),
            layout.nodes(),
            layout.lock(),
            layout.spool(),
            layout.cluster(),
            layout.cluster_log(),
            layout.introduction(),
        ];
        assert!(paths.iter().all(|path| path.starts_with("/demo/var/ecconfigd")));
        let paths = [
            layout.etc(),
            layout.working_copy(),
            layout.cluster_boot(),
            layout.eccfg(),
            layout.environment(),
        ];
        assert!(paths.iter().all(|path| path.starts_with("/demo/opt/msys/ecelerity/etc")));
    }
}
