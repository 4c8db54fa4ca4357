//! How far something long has come, on a terminal only.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::remote::Progress as Step;

/// Nothing is shown of what takes less than this.
const PATIENCE: Duration = Duration::from_millis(500);

/// A line that is drawn over and over.
pub struct Progress {
    bar: ProgressBar,
    began: std::time::Instant,
}

impl Progress {
    /// Shows nothing in a pipe, nor if nothing is to be told.
    pub fn new(is_quiet: bool) -> Self {
        let is_shown = !is_quiet && stderr().is_terminal();
        let target =
            if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        let style = ProgressStyle::with_template("{msg} {pos} of {len}")
            .expect("the template is well-formed");
        bar.set_style(style);
        Self { bar, began: std::time::Instant::now() }
    }

    /// Shows how far it is.
    pub fn tell(&mut self, step: Step<'_>) {
        if self.began.elapsed() < PATIENCE {
            return;
        }
        let (what, done, all) = match step {
            Step::Receiving { objects, of, .. } => ("Receiving objects", objects as u64, of as u64),
            Step::Packing { objects, of } => ("Packing objects", objects as u64, of as u64),
            Step::Sending { bytes, of } => ("Sending bytes", bytes, of),
            Step::Server(_) => return,
        };
        self.bar.set_message(what);
        self.bar.set_length(all);
        self.bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
