//! The log: to the journal with its fields when the process is connected to it, else to stderr.

use std::io::{IsTerminal, stderr};

use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Begins logging at a syslog level, 0 to 7. tracing's words stand one step higher than syslog's:
/// its `info` is a notice, its `debug` is info. That is how tracing-journald maps them, too.
pub(super) fn start(level: u8) {
    let most = match level {
        0..=2 => LevelFilter::OFF,
        3 => LevelFilter::ERROR,
        4 => LevelFilter::WARN,
        5 => LevelFilter::INFO,
        6 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let ours = move |metadata: &Metadata<'_>| {
        metadata.target().starts_with("ecconfigd") && *metadata.level() <= most
    };
    let registry = tracing_subscriber::registry();
    match journal() {
        Some(journal) => registry.with(journal.with_filter(filter_fn(ours))).init(),
        None => {
            let terminal = stderr().is_terminal();
            let layer = fmt::layer().with_writer(stderr).with_ansi(terminal).with_target(false);
            registry.with(layer.with_filter(filter_fn(ours))).init();
        }
    }
}

/// The journal, if stderr is a connection to it. One that cannot be reached otherwise still gets
/// the lines through stderr.
fn journal() -> Option<tracing_journald::Layer> {
    libsystemd::logging::connected_to_journal()
        .then(|| tracing_journald::layer().ok())
        .flatten()
        .map(|layer| layer.with_field_prefix(None).with_syslog_identifier("ecconfigd".into()))
}
