//! What is noticed on the way, on the standard error: warnings, and with `--debug` each step and how
//! long it took.

use std::fmt;
use std::io::stderr;
use std::time::Instant;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Begins to tell.
pub fn start(each_step: bool) {
    if each_step { start_steps() } else { start_warnings() }
}

fn start_warnings() {
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(stderr)
        .with_ansi(false)
        .with_target(false)
        .with_level(false)
        .with_timer(ProgramName);
    let own = |metadata: &Metadata<'_>| {
        *metadata.level() <= Level::WARN && metadata.target().starts_with("ecconfigd")
    };
    tracing_subscriber::registry().with(layer.with_filter(filter_fn(own))).init();
}

fn start_steps() {
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(stderr)
        .with_ansi(false)
        .with_target(false)
        .with_level(false)
        .with_timer(Since(Instant::now()));
    let own = filter_fn(|metadata| metadata.target().starts_with("ecconfigd"));
    tracing_subscriber::registry().with(layer.with_filter(own)).init();
}

/// Does something, and tells how long it took.
pub fn step<T>(what: impl fmt::Display, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = work();
    tracing::debug!("{what}: {:.1} ms", began.elapsed().as_secs_f64() * 1e3);
    result
}

/// What every other line that is no answer begins with, too.
struct ProgramName;

impl FormatTime for ProgramName {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "eccfg:")
    }
}

/// The time since the command began.
struct Since(Instant);

impl FormatTime for Since {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{:>9.1} ms ", self.0.elapsed().as_secs_f64() * 1e3)
    }
}
