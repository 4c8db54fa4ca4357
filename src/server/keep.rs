//! Keeping a body while it comes in.

use std::io::Write;
use std::path::Path;

use bytes::Bytes;

use super::app::App;
use super::error::Error;
use crate::repository::{self, Spool, SpoolWriter};

/// Bytes of a body that are kept whatever happens: the commands of a push, unless it is of a hundred
/// branches.
const BEGINNING: usize = 16 << 10;

/// A body on its way into a [`Spool`]. When there is no room for it, its beginning is kept and the
/// rest is thrown away, but for the reason.
pub(super) struct Keep {
    writer: Result<SpoolWriter, repository::Error>,
    beginning: Bytes,
}

impl Keep {
    /// Files are made in `spool_dir`.
    pub(super) fn new(spool_dir: &Path) -> Self {
        Self { writer: Ok(SpoolWriter::new(spool_dir)), beginning: Bytes::new() }
    }

    /// Adds what comes next.
    pub(super) async fn add(mut self, data: Bytes, app: &App) -> Result<Self, Error> {
        if self.beginning.is_empty() {
            self.beginning = Bytes::copy_from_slice(&data[..data.len().min(BEGINNING)]);
        }
        let Ok(mut writer) = self.writer else { return Ok(self) };
        let cannot_block = writer.stays_in_memory(data.len());
        let write = move || writer.write_all(&data).map(|()| writer);
        let written = match cannot_block {
            true => write(),
            // In a place: the piece stays in memory until it is written, whoever has gone.
            false => app.writes.run(write).await?,
        };
        Ok(Self { writer: written.map_err(Into::into), ..self })
    }

    /// Bytes of it that are in memory.
    pub(super) fn in_memory(&self) -> usize {
        self.writer.as_ref().map_or(0, SpoolWriter::in_memory) + self.beginning.len()
    }

    /// What has been kept, and why it is not all, if it is not.
    pub(super) fn finish(self) -> (Spool, Option<repository::Error>) {
        match self.writer.and_then(|writer| Ok(writer.finish()?)) {
            Ok(spool) => (spool, None),
            Err(loss) => (Spool::Memory(self.beginning), Some(loss)),
        }
    }
}
