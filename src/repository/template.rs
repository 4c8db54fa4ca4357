//! The repository of a new subcluster.

use std::path::Path;

use git2::{Repository, RepositoryInitOptions, Signature};

use super::{BOOT, Error, Name};

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

/// Files above this many bytes are stored as they are: the search for deltas would hold them, and
/// others like them, in memory.
const BIG_FILE: i64 = 16 << 20;
/// Memory that one search for deltas may take for its results, in bytes.
const DELTA_CACHE: i64 = 16 << 20;

/// Makes a bare repository in the empty directory `path`, with revision 1 made of the templates.
pub(super) fn make_repository(path: &Path, name: &Name) -> Result<(), Error> {
    let mut options = RepositoryInitOptions::new();
    options.bare(true).external_template(false).initial_head("boot");
    let repository = Repository::init_opts(path, &options)?;
    let mut config = repository.config()?;
    config.set_bool("core.logAllRefUpdates", true)?;
    config.set_i64("core.bigFileThreshold", BIG_FILE)?;
    config.set_i64("pack.deltaCacheSize", DELTA_CACHE)?;
    first_revision(&repository, name)
}

fn first_revision(repository: &Repository, name: &Name) -> Result<(), Error> {
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
    let who = Signature::now("ecconfigd", "ecconfigd@localhost")?;
    let message = format!("The first configuration of subcluster {name}, from the templates\n");
    let tree = repository.find_tree(root)?;
    repository.commit(Some(BOOT), &who, &who, &message, &tree, &[])?;
    Ok(())
}
