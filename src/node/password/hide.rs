//! A password on the command line stands in the process list, where every account of the machine
//! may read it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::VARIABLE;

/// If there is a password among `arguments`, the program's own name first and long options with two
/// hyphens, executes the program again without it and with the password in [`VARIABLE`], which only
/// the same account and root may read. Returns if there is nothing to hide. It may be written `-p
/// PW`, `-pPW`, `--password PW`, `--password=PW`, or shorter.
///
/// # Errors
/// If the program cannot be executed again. It can go on; the password stays to be seen.
pub fn hide_from_process_list(arguments: &[OsString]) -> io::Result<()> {
    let Some((others, password)) = take_out(arguments) else { return Ok(()) };
    let mut words = others.into_iter();
    let name = words.next().unwrap_or_default();
    let again = |program: &OsStr| {
        let mut command = Command::new(program);
        command.arg0(&name).args(words.clone()).env(VARIABLE, &password);
        command.exec()
    };
    // By its path the process keeps its name; the link still leads to a program that an update has
    // replaced.
    if let Ok(path) = env::current_exe() {
        again(path.as_os_str());
    }
    Err(again(OsStr::new("/proc/self/exe")))
}

/// The other arguments, and the last password.
fn take_out(arguments: &[OsString]) -> Option<(Vec<OsString>, OsString)> {
    let (mut others, mut password) = (Vec::new(), None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match Word::of(argument.as_bytes()) {
            Word::Password(Some(value)) => password = Some(OsStr::from_bytes(value).to_owned()),
            Word::Password(None) => match rest.next() {
                Some(value) => password = Some(value.clone()),
                // It is left to be complained about.
                None => others.push(argument.clone()),
            },
            Word::Message => {
                others.push(argument.clone());
                others.extend(rest.next().cloned());
            }
            Word::End => {
                others.push(argument.clone());
                others.extend(rest.by_ref().cloned());
            }
            Word::Other => others.push(argument.clone()),
        }
    }
    password.map(|password| (others, password))
}

/// What a word of the command line is.
enum Word<'a> {
    /// The option, perhaps with its value.
    Password(Option<&'a [u8]>),
    /// An option whose value, the next word, may look like an option.
    Message,
    /// After it there are no options.
    End,
    Other,
}

impl<'a> Word<'a> {
    fn of(word: &'a [u8]) -> Self {
        match word {
            b"--" => Self::End,
            b"-p" => Self::Password(None),
            b"-m" => Self::Message,
            [b'-', b'-', long @ ..] => Self::of_long(long),
            // clap takes the value with an equals sign too.
            [b'-', b'p', b'=', value @ ..] | [b'-', b'p', value @ ..] => {
                Self::Password(Some(value))
            }
            _ => Self::Other,
        }
    }

    fn of_long(long: &'a [u8]) -> Self {
        let mut halves = long.splitn(2, |&byte| byte == b'=');
        let (name, value) = (halves.next().unwrap_or_default(), halves.next());
        if b"password".starts_with(name) {
            Self::Password(value)
        } else if b"message".starts_with(name) && value.is_none() {
            Self::Message
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(words: &[&str]) -> Option<(Vec<String>, String)> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let text = |word: OsString| word.into_string().unwrap();
        take_out(&words)
            .map(|(others, password)| (others.into_iter().map(text).collect(), text(password)))
    }

    #[test]
    fn the_last_password_is_taken_out_and_all_else_is_left() {
        for words in [
            &["eccfg", "commit", "--password", "a b", "--password=x=y", "--add-all"][..],
            &["eccfg", "-px=y", "commit", "--add-all"],
            &["eccfg", "-p=x=y", "commit", "--add-all"],
            &["eccfg", "commit", "--pass", "x=y", "--add-all"],
            &["eccfg", "commit", "--add-all", "-p", "x=y"],
        ] {
            let (others, password) = taken(words).unwrap();
            assert_eq!(others, ["eccfg", "commit", "--add-all"], "{words:?}");
            assert_eq!(password, "x=y", "{words:?}");
        }
        let (others, _) = taken(&["eccfg", "-p", "x", "commit", "--mess", "-p", "-m=-p"]).unwrap();
        assert_eq!(others, ["eccfg", "commit", "--mess", "-p", "-m=-p"]);
    }

    #[test]
    fn without_a_password_nothing_happens() {
        for words in [
            &["eccfg", "pull", "-u", "admin"][..],
            &["eccfg", "--password-file", "x", "--password-file=x"],
            &["eccfg", "delete", "--", "--password=x", "-p", "x"],
            &["eccfg", "commit", "-m", "-p"],
            &["eccfg", "put", "-", "--password"],
        ] {
            assert_eq!(taken(words), None, "{words:?}");
        }
    }
}
