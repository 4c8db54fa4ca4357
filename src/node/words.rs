//! Old habits: long options with one hyphen.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use clap::{Arg, Command, CommandFactory};

use super::args::Args;

/// Gives each word that is the beginning of a long option behind one hyphen its second one:
/// `-clustername`, `-wc`, `-mess=text`, `-q`. A short option (`-m`), a value behind one (`-n5`,
/// `-uadmin`) and the value of the option before are left alone, as is all that follows `--`.
pub fn normalise(words: Vec<OsString>) -> Vec<OsString> {
    let all = Args::command();
    let mut reader =
        Reader { command: &all, options: all.get_arguments().collect(), next: Next::Any };
    let mut words = words.into_iter();
    let program = words.next();
    program.into_iter().chain(words.map(|word| reader.word(word))).collect()
}

/// What the next word can be.
#[derive(PartialEq, Eq)]
enum Next {
    Any,
    Value,
    /// Nothing behind `--` is an option.
    NoOption,
}

struct Reader<'c> {
    command: &'c Command,
    /// Those of the command and of all commands.
    options: Vec<&'c Arg>,
    next: Next,
}

impl Reader<'_> {
    fn word(&mut self, word: OsString) -> OsString {
        match (&self.next, word.as_bytes()) {
            (Next::NoOption, _) => return word,
            (Next::Value, _) => self.next = Next::Any,
            (Next::Any, b"--") => self.next = Next::NoOption,
            (Next::Any, [b'-', b'-', name @ ..]) => self.next = self.after_long(name),
            (Next::Any, [b'-', name @ ..]) if self.is_short(name) => {
                self.next = self.after(|option| option.get_short() == Some(name[0].into()));
            }
            (Next::Any, [b'-', name @ ..]) if self.is_long(name) => {
                self.next = self.after_long(name);
                return [OsString::from("-"), word].into_iter().collect();
            }
            (Next::Any, name) => self.enter(name),
        }
        word
    }

    /// The words behind the name of a command are read with its options.
    fn enter(&mut self, name: &[u8]) {
        let found = self.command.get_subcommands().find(|one| one.get_name().as_bytes() == name);
        if let Some(command) = found {
            self.command = command;
            self.options.extend(command.get_arguments());
        }
    }

    fn is_short(&self, name: &[u8]) -> bool {
        let &[letter] = name else { return false };
        self.options.iter().any(|option| option.get_short() == Some(letter.into()))
    }

    fn is_long(&self, name: &[u8]) -> bool {
        let beginning = before_value(name);
        let is_own = [&b"help"[..], b"version"].iter().any(|own| own.starts_with(beginning));
        let is_one = self.options.iter().any(|option| has_name(option, beginning));
        !beginning.is_empty() && (is_own || is_one)
    }

    fn after_long(&self, name: &[u8]) -> Next {
        match name.contains(&b'=') {
            true => Next::Any,
            false => self.after(|option| has_name(option, name)),
        }
    }

    fn after(&self, is_it: impl Fn(&Arg) -> bool) -> Next {
        let found = self.options.iter().find(|option| is_it(option));
        match found.is_some_and(|option| option.get_action().takes_values()) {
            true => Next::Value,
            false => Next::Any,
        }
    }
}

fn before_value(name: &[u8]) -> &[u8] {
    name.split(|&byte| byte == b'=').next().unwrap_or_default()
}

/// Whether this is the beginning of one of its long names.
fn has_name(option: &Arg, beginning: &[u8]) -> bool {
    let aliases = option.get_all_aliases().unwrap_or_default();
    let mut names = option.get_long().into_iter().chain(aliases);
    names.any(|name| name.as_bytes().starts_with(beginning))
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
            ("eccfg -q status -w x -d", "eccfg --q status --w x --d"),
            ("eccfg cat -rev 3 x", "eccfg cat --rev 3 x"),
        ] {
            assert_eq!(normalised(typed), meant);
        }
    }

    #[test]
    fn what_is_no_long_option_is_left_alone() {
        for words in [
            "eccfg commit -m why -u admin -p pw",
            "eccfg -u commit -n5 log",
            "eccfg log -n5",
            "eccfg commit -uadmin -m because",
            "eccfg delete -- -clustername",
            "eccfg pull --mine",
            "eccfg put - x",
            "eccfg commit -m -debug -p -quiet --message -mine",
            "eccfg commit --m -add-all",
        ] {
            assert_eq!(normalised(words), words);
        }
    }
}
