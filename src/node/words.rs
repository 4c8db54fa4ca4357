//! Old habits: long options with one hyphen.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use clap::CommandFactory;

use super::args::Args;

/// Gives each word that is the beginning of a long option behind one hyphen its second one:
/// `-clustername`, `-wc`, `-mess=text`. A bundle or a value behind a short option (`-n5`, `-uadmin`)
/// is left alone, as is all that follows `--`.
pub fn normalise(words: Vec<OsString>) -> Vec<OsString> {
    let names = long_options();
    let mut is_over = false;
    let one = |word: OsString| {
        is_over = is_over || word == "--";
        match !is_over && is_long_option(word.as_bytes(), &names) {
            true => {
                let mut long = OsString::from("-");
                long.push(word);
                long
            }
            false => word,
        }
    };
    words.into_iter().map(one).collect()
}

fn is_long_option(word: &[u8], names: &[String]) -> bool {
    let Some(name) = word.strip_prefix(b"-") else { return false };
    let name = name.split(|&byte| byte == b'=').next().unwrap_or_default();
    name.len() > 1
        && !name.starts_with(b"-")
        && names.iter().any(|long| long.as_bytes().starts_with(name))
}

fn long_options() -> Vec<String> {
    let command = Args::command();
    let mut commands = vec![&command];
    let mut names = Vec::new();
    while let Some(command) = commands.pop() {
        commands.extend(command.get_subcommands());
        for argument in command.get_arguments() {
            let aliases = argument.get_all_aliases().unwrap_or_default();
            names.extend(argument.get_long().into_iter().chain(aliases).map(str::to_owned));
        }
    }
    names.extend(["help".to_owned(), "version".to_owned()]);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalised(words: &str) -> String {
        let words = normalise(words.split(' ').map(OsString::from).collect());
        words.join(" ".as_ref()).into_string().unwrap()
    }

    #[test]
    fn long_options_may_have_one_hyphen_and_be_short() {
        for (typed, meant) in [
            ("eccfg bootstrap -clustername west", "eccfg bootstrap --clustername west"),
            ("eccfg -wc /tmp/conf pull -man", "eccfg --wc /tmp/conf pull --man"),
            ("eccfg commit -mess=why -add-all", "eccfg commit --mess=why --add-all"),
            ("eccfg -working-copy x status", "eccfg --working-copy x status"),
        ] {
            assert_eq!(normalised(typed), meant);
        }
    }

    #[test]
    fn what_is_no_long_option_is_left_alone() {
        for words in [
            "eccfg commit -m why -u admin -p pw",
            "eccfg log -n5",
            "eccfg commit -uadmin -m because",
            "eccfg delete -- -clustername",
            "eccfg pull --mine",
            "eccfg put - x",
        ] {
            assert_eq!(normalised(words), words);
        }
    }
}
