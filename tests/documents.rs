//! What is written about the program, compared with the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "../examples/documents/commands.rs"]
mod commands;
#[path = "../examples/documents/page.rs"]
mod page;

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
    // eccfg tells people at a terminal, not the journal.
    let server = sources(Path::new("src")).into_iter();
    for file in server.filter(|file| !file.starts_with("src/node")) {
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

#[test]
fn every_option_is_in_the_manual_page_and_no_other() {
    let ecconfigd = env!("CARGO_BIN_EXE_ecconfigd");
    let commands = ecconfigd::daemon::command();
    let helps = commands.get_subcommands().map(|command| format!("{} --help", command.get_name()));
    let helps = helps.chain(["--help".to_owned()]);
    let told = helps.flat_map(|words| options(&help(ecconfigd, &words))).collect();
    assert_eq!(page_options("ecconfigd"), told);
    let eccfg = env!("CARGO_BIN_EXE_eccfg");
    let commands = ecconfigd::node::command();
    let helps = commands.get_subcommands().map(|command| format!("{} --help", command.get_name()));
    let told = helps.chain([
        "--help".to_owned(),
        "subcluster copy --help".to_owned(),
        "subcluster slaves --help".to_owned(),
    ]);
    assert_eq!(
        page_options("eccfg"),
        told.flat_map(|words| options(&help(eccfg, &words))).collect()
    );
    let told = options(&help(env!("CARGO_BIN_EXE_create_ssl_cert"), "--help"));
    assert_eq!(page_options("create_ssl_cert"), told);
}

#[test]
fn every_exit_code_is_in_the_manual_page_and_no_other() {
    let failures = include_str!("../src/daemon/failure.rs").lines();
    let codes = failures.filter_map(|line| line.split_once(": u8 = ")).map(|(_, code)| code);
    assert_eq!(exit_codes("ecconfigd"), numbers(codes));
    let sources =
        [include_str!("../src/node/error.rs"), include_str!("../src/node/remote/error.rs")];
    let codes = sources.iter().flat_map(|source| {
        let body = source.split("fn exit_code").nth(1).unwrap().split("\n    }\n").next().unwrap();
        let codes = body.lines().filter_map(|line| line.split_once(" => "));
        codes.map(|(_, code)| code).filter(|code| code.starts_with(|c: char| c.is_ascii_digit()))
    });
    assert_eq!(exit_codes("eccfg"), numbers(codes));
    let source = include_str!("../src/tls/create_ssl_cert.rs").split("fn exit_code").nth(1);
    let codes = source.unwrap().lines().filter_map(|line| line.split_once(" => "));
    assert_eq!(exit_codes("create_ssl_cert"), numbers(codes.map(|(_, code)| code)));
}

#[test]
fn every_file_of_the_server_is_in_its_manual_page() {
    let layout = ecconfigd::layout::Layout::new("/");
    let paths = [
        layout.state(),
        layout.repositories(),
        layout.certificates(),
        layout.accounts(),
        layout.htdigest(),
        layout.initial_passwords(),
        layout.lock(),
        layout.spool(),
        layout.cluster(),
        layout.nodes(),
    ];
    let page = unescaped(&page_of("ecconfigd"));
    for path in paths {
        assert!(page.contains(&format!(".I {}\n", path.display())), "{}", path.display());
    }
}

#[test]
fn every_action_of_the_scripts_is_in_their_manual_page_and_no_other() {
    let script = include_str!("../compat/ecconfigd_ctl");
    let page = page_of("ecconfigd_ctl");
    let told = page.lines().filter_map(|line| line.strip_prefix(".SS \"ecconfigd_ctl "));
    let told: BTreeSet<&str> = told.map(|rest| rest.trim_end_matches('"')).collect();
    assert_eq!(told, actions(script, "Usage: ecconfigd_ctl "));
    let page = unescaped(&page);
    let words: BTreeSet<&str> = page.split(|c| !is_of_action(c)).collect();
    let script = include_str!("../compat/init.d/ecconfigd");
    assert!(words.is_superset(&actions(script, "Usage: /etc/init.d/ecconfigd ")));
}

#[test]
fn both_packages_hold_the_same_files() {
    let manifest = include_str!("../Cargo.toml");
    let (deb, rpm) = manifest.split_once("[package.metadata.generate-rpm]").unwrap();
    let own = ["packaging/deb/", "packaging/rpm/", "LICENSE"];
    assert!(!assets(deb, &own).is_empty());
    assert_eq!(assets(deb, &own), assets(rpm, &own));
}

#[test]
fn groff_has_nothing_to_say_about_the_manual_pages() {
    if Command::new("groff").arg("--version").output().is_err() {
        return eprintln!("not tested: there is no groff");
    }
    let dir = tempfile::tempdir().unwrap();
    for (command, by_hand) in commands::all() {
        let file = dir.path().join(command.get_name());
        fs::write(&file, page::page(command, by_hand).unwrap()).unwrap();
        let groff = Command::new("groff").args(["-ww", "-man", "-Tutf8", "-z"]).arg(&file).output();
        assert_eq!(String::from_utf8(groff.unwrap().stderr).unwrap(), "");
    }
}

fn page_of(name: &str) -> String {
    let (command, by_hand) =
        commands::all().into_iter().find(|(command, _)| command.get_name() == name).unwrap();
    String::from_utf8(page::page(command, by_hand).unwrap()).unwrap()
}

fn unescaped(page: &str) -> String {
    page.replace("\\-", "-").replace("\\fB", "").replace("\\fR", "")
}

fn help(program: &str, words: &str) -> String {
    let output = Command::new(program).args(words.split(' ')).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The long options of a text.
fn options(text: &str) -> BTreeSet<String> {
    let is_of_option = |c: char| c.is_ascii_lowercase() || c == '-';
    let words = text.split(|c| !is_of_option(c));
    words.filter(|word| word.starts_with("--")).map(str::to_owned).collect()
}

/// The long options that a page speaks of, but those of other programs in its examples.
fn page_options(name: &str) -> BTreeSet<String> {
    let others = ["git ", "journalctl ", "systemctl ", "tar "];
    let page = unescaped(&page_of(name));
    let lines = page.lines().filter(|line| !others.iter().any(|other| line.contains(other)));
    lines.flat_map(options).collect()
}

/// The codes that a page explains, but success.
fn exit_codes(name: &str) -> BTreeSet<u8> {
    let page = page_of(name);
    let section = page.split(".SH ").find(|section| section.starts_with("EXIT STATUS")).unwrap();
    let codes = section.lines().filter_map(|line| line.strip_prefix(".B "));
    let codes = codes.filter_map(|code| code.parse().ok());
    codes.filter(|&code| code != 0).collect()
}

fn numbers<'a>(codes: impl Iterator<Item = &'a str>) -> BTreeSet<u8> {
    codes.map(|code| code.trim_end_matches([';', ',']).parse().unwrap()).collect()
}

/// The actions in a script's line on its usage.
fn actions<'a>(script: &'a str, start: &str) -> BTreeSet<&'a str> {
    let (_, rest) = script.split_once(start).unwrap();
    let word = rest.split(|c| !(is_of_action(c) || c == '|')).next().unwrap();
    word.split('|').collect()
}

fn is_of_action(c: char) -> bool {
    c.is_ascii_lowercase() || c == '-'
}

/// Source and mode of what a package holds, but for its own.
fn assets<'a>(metadata: &'a str, own: &[&str]) -> BTreeSet<(&'a str, &'a str)> {
    let lines = metadata.lines().filter_map(|line| line.trim().strip_prefix("{ source = \""));
    let fields = lines.map(|line| line.split('"').collect::<Vec<_>>());
    // dpkg compares what it has brought before: see packaging/lib/kept.
    let fields = fields.filter(|fields| !fields[2].starts_with("/usr/share/ecconfigd/"));
    let assets = fields.map(|fields| (fields[0], fields[4]));
    assets.filter(|(source, _)| !own.iter().any(|own| source.starts_with(own))).collect()
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
