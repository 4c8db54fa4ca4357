//! What this node says of itself with its question: who it is, what it has, and what went wrong.

use std::fs;
use std::io::{self, ErrorKind};

use super::Error;
use super::reload;
use super::remote::{encode, safe};
use super::session::Session;
use super::working_copy::{Paths, WorkingCopy};
use crate::momentum::is_node_name;

/// Characters of what went wrong. Servers take no more.
const MAX_ERROR: usize = 300;

impl Session {
    /// The parameters of the question; empty if it is not asked for the node: another working copy
    /// is a person's own.
    pub fn report(&self, copy: &WorkingCopy) -> Result<String, Error> {
        let own = Paths::of(&self.layout.working_copy())?;
        let Some(node) = self.node_name()?.filter(|_| copy.paths.tree == own.tree) else {
            return Ok(String::new());
        };
        let heads = copy.heads()?;
        let commit = |head: &Option<git2::Oid>| head.map_or(String::new(), |id| id.to_string());
        let mut words = vec![format!("node={node}")];
        words.extend(heads.iter().map(|head| format!("commit={}", commit(head))));
        let is_owed = reload::is_owed(&copy.paths);
        words.push(format!("reload={}", if is_owed { "failed" } else { "ok" }));
        if let Ok(failure) = fs::read(copy.paths.failure()) {
            let failure: String = safe(&failure).chars().take(MAX_ERROR).collect();
            words.push(format!("error={}", encode(&failure)));
        }
        Ok(words.join("&"))
    }

    /// The node's name, if it is one.
    fn node_name(&self) -> Result<Option<String>, Error> {
        let host = nix::unistd::gethostname().unwrap_or_default();
        let host = host.to_string_lossy();
        let boot = self.cluster_boot()?;
        let short = || host.split('.').next().unwrap_or_default().to_owned();
        let name = boot.map_or_else(short, |boot| boot.node_name(&host).to_owned());
        Ok(Some(name).filter(|name| is_node_name(name)))
    }
}

/// Notes what came of an update, for the next question. That this cannot be noted is no failure of
/// the update.
pub fn note<T>(paths: &Paths, result: &Result<T, Error>) {
    match result {
        Ok(_) => note_success(paths),
        Err(error) => told(paths, fs::write(paths.failure(), error.to_string())),
    }
}

/// Notes that all is well.
pub fn note_success(paths: &Paths) {
    match fs::remove_file(paths.failure()) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        removed => told(paths, removed),
    }
}

fn told(paths: &Paths, result: io::Result<()>) {
    if let Err(error) = result {
        tracing::debug!("{}: {error}", paths.failure().display());
    }
}
