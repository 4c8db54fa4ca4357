//! A node of one's own: an empty repository, and trust in one server.

use std::fs;
use std::path::Path;
use std::process::Command;

use ecconfigd::layout::Layout;
use ecconfigd::momentum::Address;
use ecconfigd::node::password::Login;
use ecconfigd::node::remote::{Error, Remote};
use ecconfigd::node::trust::{First, Trust};
use ecconfigd::tls::Fingerprint;
use git2::{Oid, Repository, Signature};
use tempfile::TempDir;

use crate::fixture::{Server, succeeds};

pub struct Node {
    pub repository: Repository,
    pub trust: Trust,
    _dir: TempDir,
}

impl Node {
    /// One that trusts nobody.
    pub fn alone() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(dir.path().join("git")).unwrap();
        Self { repository, trust: Trust::nobody(), _dir: dir }
    }

    /// One that trusts this server.
    #[track_caller]
    pub fn of(server: &Server) -> Self {
        let mut node = Self::alone();
        let there = Layout::new(&server.root);
        node.trust.accept(&address(server), First::ThisMachine(&there)).unwrap();
        node
    }

    /// Trusts the server at this address too, which has this certificate.
    #[track_caller]
    pub fn accept(&mut self, address: &Address, certificate: Fingerprint) {
        self.trust.accept(address, First::Fingerprint(certificate)).unwrap();
    }

    /// Connects to this address, as somebody.
    #[track_caller]
    pub fn connect_to(&self, address: &Address) -> Remote {
        let mut remote = Remote::connect(std::slice::from_ref(address), &self.trust).unwrap();
        remote.log_in(&Login::new("admin", "s3cret"));
        remote
    }

    /// Connects without a name.
    pub fn try_connect(&self, server: &Server) -> Result<Remote, Error> {
        Remote::connect(&[address(server)], &self.trust)
    }

    #[track_caller]
    pub fn connect_as(&self, server: &Server, account: &str) -> Remote {
        let mut remote = self.try_connect(server).unwrap();
        remote.log_in(&Login::new(account, server.password(account)));
        remote
    }

    #[track_caller]
    pub fn connect(&self, server: &Server) -> Remote {
        self.connect_as(server, "admin")
    }

    /// A new commit of one file, below others.
    pub fn commit(&self, parents: &[Oid], path: &str, content: impl AsRef<[u8]>) -> Oid {
        let repository = &self.repository;
        let blob = repository.blob(content.as_ref()).unwrap();
        let mut index = git2::Index::new().unwrap();
        if let Some(&parent) = parents.first() {
            let tree = repository.find_commit(parent).unwrap().tree().unwrap();
            index.read_tree(&tree).unwrap();
        }
        index.add(&entry(path, blob)).unwrap();
        let tree = repository.find_tree(index.write_tree_to(repository).unwrap()).unwrap();
        let who = Signature::now("Jane", "jane@example.com").unwrap();
        let parents: Vec<_> =
            parents.iter().map(|&oid| repository.find_commit(oid).unwrap()).collect();
        let parents: Vec<_> = parents.iter().collect();
        repository.commit(None, &who, &who, &format!("Change {path}"), &tree, &parents).unwrap()
    }

    /// The content of a file in a commit.
    pub fn read(&self, commit: Oid, path: &str) -> String {
        let tree = self.repository.find_commit(commit).unwrap().tree().unwrap();
        let blob = tree.get_path(Path::new(path)).unwrap().id();
        String::from_utf8(self.repository.find_blob(blob).unwrap().content().to_owned()).unwrap()
    }

    /// What lies in the object database's directory.
    pub fn objects(&self) -> Vec<String> {
        names(&self.repository.path().join("objects"))
    }

    pub fn packs(&self) -> Vec<String> {
        names(&self.repository.path().join("objects/pack"))
    }
}

pub fn address(server: &Server) -> Address {
    server.address.to_string().parse().unwrap()
}

/// The newest commit of a branch, as the repository itself says.
pub fn tip(server: &Server, branch: &str) -> Oid {
    let id = server.bare("default", &["rev-parse", "--verify", branch]);
    Oid::from_str(id.trim()).unwrap()
}

/// git finds nothing wrong with the repository, and all there that the commit leads to.
#[track_caller]
pub fn fsck(node: &Node, commit: Oid) {
    let commit = commit.to_string();
    for words in [
        &["fsck", "--full", "--strict", "--no-dangling", &commit][..],
        &["rev-list", "--objects", "--quiet", &commit],
    ] {
        let mut git = Command::new("git");
        git.arg("--git-dir").arg(node.repository.path());
        succeeds(git.args(words).output().unwrap());
    }
}

pub fn quiet(_: ecconfigd::node::remote::Progress<'_>) {}

fn entry(path: &str, id: Oid) -> git2::IndexEntry {
    let never = git2::IndexTime::new(0, 0);
    git2::IndexEntry {
        ctime: never,
        mtime: never,
        dev: 0,
        ino: 0,
        mode: 0o100644,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.into(),
    }
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
