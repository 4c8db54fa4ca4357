use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// The file `environment`: shell-style assignments, `export` before them or after them.
///
/// Nothing is expanded: no shell runs here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// The variables, each with the last value it was given.
    pub variables: BTreeMap<String, String>,
    /// The lines left out, in the order of the file. They are worth a warning, no more.
    pub bad_lines: Vec<BadLine>,
}

/// A line of the environment file that sets nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("environment, line {line}, is left out: {problem}")]
pub struct BadLine {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it, and what would be right.
    pub problem: String,
    /// The line itself, which may hold what should not be logged.
    pub text: String,
}

impl Environment {
    /// Reads the file at `path`. A missing file is an empty one; what is not UTF-8 is replaced.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read(path: &Path) -> io::Result<Self> {
        match fs::read(path) {
            Ok(bytes) => Ok(Self::parse(&String::from_utf8_lossy(&bytes))),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(Self::default()),
                _ => Err(error),
            },
        }
    }

    /// Reads the text of the file.
    pub fn parse(text: &str) -> Self {
        let mut environment = Self::default();
        for (index, line) in text.lines().enumerate() {
            match assignments(line).or_else(|problem| to_the_end(line).ok_or(problem)) {
                Ok(assigned) => environment.variables.extend(assigned),
                Err(problem) => {
                    let (line, text) = (index + 1, line.to_owned());
                    environment.bad_lines.push(BadLine { line, problem, text });
                }
            }
        }
        environment
    }
}

fn assignments(line: &str) -> Result<Vec<(String, String)>, String> {
    let unfinished = "a quotation mark is never closed, or a backslash ends the line";
    let words = shlex::split(line).ok_or(unfinished)?;
    let mut assigned = Vec::new();
    let mut exporting = false;
    for (index, word) in words.iter().enumerate() {
        // The oldest form, `NAME=VALUE; export NAME`; to shlex, `;` is a letter like any other.
        let before_export = words.get(index + 1).is_some_and(|next| next == "export");
        let word = if before_export { word.trim_end_matches(';') } else { word };
        match word.split_once('=') {
            Some((name, value)) if is_name(name) => assigned.push(literal(line, name, value)?),
            None if word == "export" => exporting = true,
            None if exporting && is_name(word) => {}
            _ => return Err(format!("{word:?} is not of the form NAME=VALUE")),
        }
    }
    Ok(assigned)
}

/// A value without quotes that has spaces, as in `EXTRA_ARGS=--log-level 5`: to a shell this is a command
/// that is given a variable, but systemd reads to the end of the line (EnvironmentFile= in
/// systemd.exec(5)), and that is how the server has had this file under systemd.
fn to_the_end(line: &str) -> Option<Vec<(String, String)>> {
    const OF_SHELLS: [char; 9] = ['$', '`', ';', '&', '|', '<', '>', '\\', '\''];
    let (name, value) = line.trim().split_once('=')?;
    let is_plain = is_name(name) && !value.starts_with(['"', ' ']) && !value.contains(OF_SHELLS);
    // What is wrong otherwise is a quote that does not end.
    let is_plain = is_plain && shlex::split(value).is_some();
    is_plain.then(|| vec![(name.to_owned(), value.to_owned())])
}

fn literal(line: &str, name: &str, value: &str) -> Result<(String, String), String> {
    // The words come without their quotes: a line that has single ones gets the benefit of doubt.
    if value.contains(['$', '`']) && !line.contains('\'') {
        return Err(format!(
            "only a shell expands the \"$\" or \"`\" in {name}; write the value out"
        ));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// A name as POSIX has it: letters, digits and underscores, no digit first.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_comments_and_export_are_understood() {
        let environment = Environment::parse(concat!(
            "# how ecconfigd starts\r\n\n",
            "EXTRA_ARGS=\"--log-level 7\" # louder; costs $0\n",
            "export TRY=20\n",
            "TMPDIR='/var/$tmp'; export TMPDIR\n",
            "export TRY TMPDIR\n",
            "LUA_PATH='./?.lua;;'\n",
            "EMPTY=\n",
        ));
        assert_eq!(environment.bad_lines, []);
        let expected = [
            ("EMPTY", ""),
            ("EXTRA_ARGS", "--log-level 7"),
            ("LUA_PATH", "./?.lua;;"),
            ("TMPDIR", "/var/$tmp"),
            ("TRY", "20"),
        ];
        let read = environment.variables.iter().map(|(name, value)| (&**name, &**value));
        assert!(read.eq(expected), "{:?}", environment.variables);
    }

    #[test]
    fn bad_lines_are_reported_and_the_others_kept() {
        let text = "TRY=1\nEXTRA_ARGS=\"--debug\nulimit -n 4096\nPATH=$PATH:/x\n2X=1\nTRY=3\n";
        let environment = Environment::parse(text);
        assert_eq!(environment.variables.get("TRY").map(String::as_str), Some("3"));
        assert_eq!(environment.variables.len(), 1);
        let messages: Vec<_> = environment.bad_lines.iter().map(BadLine::to_string).collect();
        assert_eq!(messages.len(), 4, "{messages:?}");
        assert!(messages[0].starts_with("environment, line 2, is left out: a quotation mark"));
        assert!(messages[1].contains("\"ulimit\" is not of the form NAME=VALUE"));
        assert!(messages[2].contains("in PATH; write the value out"));
        assert!(messages[3].starts_with("environment, line 5"));
        assert_eq!(environment.bad_lines[1].text, "ulimit -n 4096");
    }

    #[test]
    fn a_value_without_quotes_goes_to_the_end_of_the_line_as_for_systemd() {
        let environment = Environment::parse("EXTRA_ARGS=--log-level 5 --root \"/a b\"\r\n");
        assert_eq!(environment.bad_lines, []);
        assert_eq!(environment.variables["EXTRA_ARGS"], "--log-level 5 --root \"/a b\"");
        for bad in ["A=1 x; B=2", "A=1 >x", "A=$B x", "A= x", "a b=1 2", "A=1 \"x"] {
            assert_eq!(Environment::parse(bad).bad_lines.len(), 1, "{bad}");
        }
    }

    #[test]
    fn a_missing_file_is_an_empty_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let read = Environment::read(&directory.path().join("environment"));
        assert_eq!(read.expect("no error"), Environment::default());
        Environment::read(directory.path()).expect_err("a directory is no file");
    }
}
