//! What the floors below have to tell, on the standard error: warnings, and with `--debug` each step
//! and how long it took.

use std::fmt;
use std::io::stderr;
use std::time::Instant;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::args::Common;

/// Begins to tell.
pub fn start(common: &Common) {
    let (most, began) = match common {
        Common { debug: true, .. } => (LevelFilter::TRACE, Began::At(Instant::now())),
        Common { quiet: true, .. } => (LevelFilter::ERROR, Began::Untold),
        _ => (LevelFilter::WARN, Began::Untold),
    };
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(stderr)
        .with_ansi(false)
        .with_target(false)
        .with_level(false)
        .with_timer(began);
    let own = filter_fn(move |metadata| {
        metadata.target().starts_with("ecconfigd") && *metadata.level() <= most
    });
    tracing_subscriber::registry().with(layer.with_filter(own)).init();
}

/// Does something, and tells how long it took.
pub fn step<T>(what: impl fmt::Display, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = work();
    tracing::debug!("{what}: {:.1} ms", began.elapsed().as_secs_f64() * 1e3);
    result
}

/// What stands before each line: the time since the command began, or who speaks.
enum Began {
    At(Instant),
    Untold,
}

impl FormatTime for Began {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        match self {
            Self::At(moment) => write!(writer, "{:>9.1} ms ", moment.elapsed().as_secs_f64() * 1e3),
            Self::Untold => writer.write_str("eccfg:"),
        }
    }
}
