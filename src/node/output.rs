//! What people are told.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use super::Error;
use super::progress::Progress;

/// The two streams.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    is_quiet: bool,
}

impl Output {
    pub fn new(is_quiet: bool) -> Self {
        Self { is_quiet }
    }

    /// A line of what was asked for: said even if only errors are to be told.
    pub fn answer(&self, line: impl Display) {
        // Nobody is there to be told that the reader has gone.
        let _ = writeln!(io::stdout(), "{line}");
    }

    /// Bytes that were asked for, as they are.
    pub fn content(&self, content: &[u8]) -> Result<(), Error> {
        match io::stdout().write_all(content).and_then(|()| io::stdout().flush()) {
            // Nobody is there to be told that the reader has gone.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Error::file("the standard output".as_ref())(error))
            }
            _ => Ok(()),
        }
    }

    /// A line of what happens.
    pub fn say(&self, line: impl Display) {
        if !self.is_quiet {
            self.answer(line);
        }
    }

    /// For something that may take long.
    pub fn progress(&self) -> Progress {
        Progress::new(self.is_quiet)
    }

    /// Something to look at, though the command goes on.
    pub fn warn(&self, line: impl Display) {
        if !self.is_quiet {
            self.alarm(line);
        }
    }

    /// Something that a person must look at, even if only errors are to be told.
    pub fn alarm(&self, line: impl Display) {
        eprintln!("eccfg: {line}");
    }

    /// Asks a question that is answered with yes or no; `None` if nobody is there to ask.
    pub fn ask(&self, question: impl Display) -> Option<bool> {
        let answer = self.ask_for(format_args!("{question} (y/n) "))?;
        Some(matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    /// Asks for a line; `None` if nobody is there to ask.
    pub fn ask_for(&self, question: impl Display) -> Option<String> {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return None;
        }
        eprint!("{question}");
        let mut line = String::new();
        io::stdin().read_line(&mut line).ok().filter(|&read| read > 0)?;
        Some(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

/// A path as people can read it on any terminal.
pub fn shown(path: &[u8]) -> impl Display {
    let text = String::from_utf8_lossy(path);
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect::<String>()
}
