//! What is written about the program, compared with the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const LOGGING: &str = include_str!("../docs/logging.md");
const CATALOGUE: &str = include_str!("../systemd/ecconfigd.catalog");
const EVENTS: &str = include_str!("../src/events.rs");

/// The ids in src/events.rs.
fn event_ids() -> BTreeSet<&'static str> {
    let values = EVENTS.lines().filter_map(|line| line.split_once(": &str = \""));
    values.map(|(_, value)| value.trim_end_matches("\";")).collect()
}

#[test]
fn every_event_has_its_explanation_in_the_catalogue() {
    let explained: BTreeSet<&str> =
        CATALOGUE.lines().filter_map(|line| line.strip_prefix("-- ")).collect();
    assert_eq!(explained, event_ids());
    assert!(event_ids().iter().all(|id| id.len() == 32));
}

#[test]
fn the_page_on_logging_lists_every_event() {
    let ids = first_cells("| `").into_iter().filter(|cell| cell.len() == 32);
    assert_eq!(ids.collect::<BTreeSet<_>>(), event_ids());
}

#[test]
fn the_page_on_logging_lists_every_field_and_no_other() {
    let listed: BTreeSet<String> = first_cells("| `")
        .into_iter()
        .filter(|cell| cell.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .map(str::to_lowercase)
        .collect();
    let mut logged = BTreeSet::new();
    for file in sources(Path::new("src")) {
        let source = fs::read_to_string(file).unwrap();
        for call in source.split("tracing::").skip(1).filter(|call| is_log_call(call)) {
            logged.extend(fields(call));
        }
    }
    assert!(logged.contains("subcluster") && logged.contains("message_id"), "{logged:?}");
    assert_eq!(listed, logged);
}

#[test]
fn the_catalogue_speaks_only_of_fields_that_there_are() {
    let known: BTreeSet<&str> = first_cells("| `").into_iter().collect();
    for field in CATALOGUE.split('@').skip(1).step_by(2) {
        assert!(known.contains(field), "{field}");
    }
}

/// What stands in the first cell of the tables' rows.
fn first_cells(start: &str) -> Vec<&'static str> {
    let rows = LOGGING.lines().filter_map(|line| line.strip_prefix(start));
    rows.filter_map(|row| row.split('`').next()).collect()
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => vec![path],
        })
        .collect()
}

fn is_log_call(call: &str) -> bool {
    ["error!(", "warn!(", "info!(", "debug!(", "trace!("].iter().any(|name| call.starts_with(name))
}

/// The names of the fields before the sentence.
fn fields(call: &str) -> Vec<String> {
    let arguments = call.split_once('(').unwrap().1;
    let before_sentence = arguments.split('"').next().unwrap();
    let words = before_sentence.split(',').map(|field| field.split('=').next().unwrap().trim());
    words
        .map(|word| word.trim_start_matches(['%', '?']).to_owned())
        .filter(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .collect()
}
