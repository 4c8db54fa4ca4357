//! A manual page: what clap knows of a command, and behind it the sections written by hand.

use std::io;

use clap::{Arg, Command};
use clap_mangen::Man;

const MANUAL: &str = "Momentum Administration";

/// The page in section 8.
pub fn page(command: Command, by_hand: &str) -> io::Result<Vec<u8>> {
    let name = command.get_name().to_uppercase();
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let subcommands: Vec<Command> = command.get_subcommands().flat_map(leaves).cloned().collect();
    let usage = usage(&command, &subcommands);
    // An empty date would be left out, and the words behind it would move up.
    let man = Man::new(command.override_usage(usage)).title(name).section("8").date(" ");
    let man = man.manual(MANUAL);

    let mut page = Vec::new();
    man.render_title(&mut page)?;
    // Paths and commands are copied from here: no hyphens that are not theirs. Some of man's macros
    // go back to what HY says.
    page.extend_from_slice(b".nr HY 0\n.nh\n");
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if !subcommands.is_empty() {
        page.extend_from_slice(b".SH COMMANDS\n");
        subcommands.iter().try_for_each(|subcommand| section(subcommand, &mut page))?;
    }
    page.extend_from_slice(by_hand.as_bytes());
    Ok(tidy(&page))
}

/// The command itself, or the ones that it is a group of.
fn leaves(command: &Command) -> Vec<&Command> {
    match command.has_subcommands() {
        true => command.get_subcommands().filter(|sub| sub.get_name() != "help").collect(),
        false => vec![command],
    }
}

/// Without empty lines, which have no place in roff, and with only the first of the definitions
/// that clap_mangen repeats in each section.
fn tidy(page: &[u8]) -> Vec<u8> {
    let is_definition = |line: &[u8]| line.starts_with(b".ie ") || line.starts_with(b".el ");
    let lines = page.split_inclusive(|&byte| byte == b'\n').enumerate();
    let wanted =
        lines.filter(|(number, line)| *line != b"\n" && (*number < 2 || !is_definition(line)));
    wanted.flat_map(|(_, line)| line).copied().collect()
}

/// The part on a subcommand. clap_mangen would make a page of its own for each.
fn section(subcommand: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    page.extend_from_slice(format!(".SS \"{}\"\n", escaped(&form(subcommand))).as_bytes());
    let about = subcommand.get_long_about().or(subcommand.get_about()).unwrap_or_default();
    let about = Command::new("about").long_about(about.clone());
    let own = own(subcommand).cloned();
    let options = Command::new("options").disable_help_flag(true).args(own);
    body(page, |text| Man::new(about).render_description_section(text))?;
    body(page, |text| Man::new(options).render_options_section(text))
}

/// Adds a section without its heading.
fn body(
    page: &mut Vec<u8>,
    render: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut text = Vec::new();
    render(&mut text)?;
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    page.extend(lines.filter(|line| !line.starts_with(b".SH")).flatten());
    Ok(())
}

/// One line for the command, if it can stand alone, and one for each subcommand.
fn usage(command: &Command, subcommands: &[Command]) -> String {
    let alone = Some(command).filter(|command| !command.is_subcommand_required_set());
    alone.into_iter().chain(subcommands).map(form).collect::<Vec<_>>().join("\n")
}

/// How a command is called: `ecconfigd passwd [--role ROLE] NAME`.
fn form(command: &Command) -> String {
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    let options = own(command).filter(|arg| !arg.is_positional()).map(word);
    let positionals = command.get_positionals().map(word);
    [name].into_iter().chain(options).chain(positionals).collect::<Vec<_>>().join(" ")
}

fn word(arg: &Arg) -> String {
    let takes_value = arg.get_num_args().is_some_and(|range| range.takes_values());
    let value = arg.get_value_names().filter(|_| takes_value).map(|names| names.join(" "));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let word = long.into_iter().chain(value).collect::<Vec<_>>().join(" ");
    if arg.is_required_set() { word } else { format!("[{word}]") }
}

/// The arguments of the command itself: no help, and none that its subcommands inherit from it.
fn own(command: &Command) -> impl Iterator<Item = &Arg> {
    let is_subcommand = command.get_bin_name().is_some_and(|name| name.contains(' '));
    command.get_arguments().filter(move |arg| {
        let name = arg.get_id().as_str();
        !(name == "help" || name == "version" || is_subcommand && arg.is_global_set())
    })
}

/// A hyphen that is typed is `\-` in roff.
fn escaped(text: &str) -> String {
    text.replace('-', "\\-")
}
