//! What a new subcluster begins with.

use git2::{Buf, Oid, Repository};

use super::{Author, BOOT, Error, Name, Prepared, Quarantine, RefUpdate, Store};
use crate::protocol::Id;

/// The subcluster that is mapped into every node's working copy.
const GLOBAL: &str = "global";

macro_rules! template {
    ($file:literal) => {
        ($file, include_bytes!(concat!("../../compat/sample-configs/default/", $file)))
    };
}

/// Files of `global`: for all nodes of all subclusters.
const GLOBAL_FILES: &[(&str, &[u8])] = &[template!("msgc_server.conf")];

/// Files of any other subcluster, in its directory `default`.
const DEFAULT_FILES: &[(&str, &[u8])] = &[
    template!("common.conf"),
    template!("eccluster.conf"),
    template!("ecelerity-cluster.conf"),
    template!("ecelerity.conf"),
];

impl Store {
    /// Prepares a new subcluster whose revision 1 is made of the packaged templates.
    pub fn from_templates(&self, name: &Name, author: &Author) -> Result<Prepared, Error> {
        let repository = Repository::from_odb(git2::Odb::new()?)?;
        let odb = repository.odb()?;
        let objects = odb.add_new_mempack_backend(1)?;
        let commit = first_revision(&repository, name, author)?;
        let mut pack = Buf::new();
        objects.dump(&repository, &mut pack)?;
        let quarantine = Quarantine::receive_apart(self.dir(), &*pack)?;
        let boot = RefUpdate { name: BOOT.into(), old: Id::ZERO, new: commit.into() };
        Ok(Prepared::new(vec![boot], quarantine))
    }
}

fn first_revision(repository: &Repository, name: &Name, author: &Author) -> Result<Oid, Error> {
    let is_global = name.as_str() == GLOBAL;
    let files = if is_global { GLOBAL_FILES } else { DEFAULT_FILES };
    let mut tree = repository.treebuilder(None)?;
    for (file, content) in files {
        tree.insert(file, repository.blob(content)?, 0o100644)?;
    }
    let mut root = tree.write()?;
    if !is_global {
        let mut tree = repository.treebuilder(None)?;
        tree.insert("default", root, 0o040000)?;
        root = tree.write()?;
    }
    let who = author.signature()?;
    let message = format!("The first configuration of subcluster {name}, from the templates\n");
    let tree = repository.find_tree(root)?;
    Ok(repository.commit(None, &who, &who, &message, &tree, &[])?)
}
