//! `ecconfigd backup`

use std::io::{BufWriter, Write};
use std::path::Path;

use super::backup_file::Target;
use super::failure::Failure;
use super::limits;
use crate::layout::Layout;
use crate::{backup, files, libgit2};

/// Bytes that are written at a time.
const BUFFER: usize = 1 << 20;

/// Writes an archive of all that the server of this layout has.
pub(super) fn backup(layout: &Layout, file: &Path) -> Result<(), Failure> {
    limits::set_umask();
    libgit2::configure().map_err(Failure::system)?;
    let state = layout.state();
    let no_state = |e| {
        let state = state.display();
        Failure::config(format!(
            "there is nothing to back up in {state}: {e}; give --root if it is elsewhere"
        ))
    };
    let mut target = Target::open(file)?;
    let made = {
        let _owner = files::act_as_owner_of(&state).map_err(no_state)?;
        let mut buffered = BufWriter::with_capacity(BUFFER, &mut target);
        let made = backup::make(layout, &mut buffered)?;
        buffered.flush().map_err(backup::Error::Write)?;
        made
    };
    target.finish()?;
    // Not on the standard output, where the backup may be.
    made.left_out.iter().for_each(|what| eprintln!("ecconfigd: {what}"));
    Ok(())
}
