//! The log: to the journal with its fields when the process is connected to it, else to stderr.

use std::fmt::{self, Debug};
use std::io::{IsTerminal, stderr};

use tracing::Metadata;
use tracing::field::Field;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::{self, Writer};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::failure;

/// Begins logging at a syslog level, 0 to 7; why the program ends is told at each. tracing's words
/// stand one step higher than syslog's: its `info` is a notice, its `debug` is info. That is how
/// tracing-journald maps them, too.
pub(super) fn start(level: u8) {
    let most = match level {
        0..=2 => LevelFilter::OFF,
        3 => LevelFilter::ERROR,
        4 => LevelFilter::WARN,
        5 => LevelFilter::INFO,
        6 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let wanted = move |metadata: &Metadata<'_>| match metadata.target() {
        failure::TARGET => true,
        target => target.starts_with("ecconfigd") && *metadata.level() <= most,
    };
    let registry = tracing_subscriber::registry();
    match journal() {
        Some(journal) => registry.with(journal.with_filter(filter_fn(wanted))).init(),
        None => {
            let terminal = stderr().is_terminal();
            let layer = tracing_subscriber::fmt::layer()
                .with_writer(stderr)
                .with_ansi(terminal)
                .with_target(false)
                .fmt_fields(format::debug_fn(write_field));
            registry.with(layer.with_filter(filter_fn(wanted))).init();
        }
    }
}

/// The sentence, then the fields. The ids of messages are for the journal's catalogue only.
fn write_field(line: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> fmt::Result {
    match field.name() {
        "message" => write!(line, "{value:?}"),
        "message_id" => Ok(()),
        name => write!(line, " {name}={value:?}"),
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
