//! The last words of nodes over a restart. They are written now and then: the last seconds may be
//! lost, which the nodes soon say again.

use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::{fs, io};

use tokio::task;
use tokio::time::sleep;

use super::known::{Nodes, Said};
use crate::files;
use crate::server::app::App;
use crate::server::limits::NODES_PAUSE;

/// Reads what was written. A file that cannot be read is no reason not to serve.
pub(in crate::server) fn read(path: &Path) -> Nodes {
    let nodes = Nodes::default();
    match fs::read(path).and_then(|text| Ok(serde_json::from_slice::<Vec<Said>>(&text)?)) {
        Ok(all) => nodes.recall(all.into_iter().filter_map(checked).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(
            "what nodes have said before is forgotten: {} cannot be read: {error}",
            path.display(),
        ),
    }
    nodes
}

fn checked(said: Said) -> Option<Said> {
    Some(Said { word: said.word.check().ok()?, ..said })
}

impl App {
    /// Writes down what nodes say, for ever.
    pub async fn keep_nodes(self: Arc<Self>) {
        loop {
            self.nodes.changed().await;
            sleep(NODES_PAUSE).await;
            let app = self.clone();
            let _ = task::spawn_blocking(move || app.write_nodes()).await;
        }
    }

    /// Writes down what nodes have said since this was last called. Blocks.
    pub fn write_nodes(&self) {
        let file = self.nodes_file.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(all) = self.nodes.unsaved() else { return };
        let text = serde_json::to_string(&all).expect("words can be written as JSON");
        if let Err(error) = files::replace(&file, &text, 0o640, None) {
            tracing::warn!(
                "what nodes have said could not be written to {}: {error}",
                file.display(),
            );
        }
    }
}
