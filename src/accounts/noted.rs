//! Changes of accounts that somebody has made on this member of a cluster, until the others have been
//! told: what the file of accounts holds besides is a copy of what the cluster has, and nobody is told
//! of what has happened to that.
//!
//! A line for each account: the SHA-256 of the rest, and the change in JSON.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Entry;
use super::file::Entries;
use crate::files;

/// A change of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// Its name.
    pub name: String,
    /// What it was.
    pub from: Option<Entry>,
    /// What it has become.
    pub account: Option<Entry>,
}

impl Noted {
    /// Whether the account still is what it was when it was changed here.
    pub fn fits(&self, accounts: &Entries) -> bool {
        accounts.get(&self.name) == self.from.as_ref()
    }

    /// Whether it changes nothing.
    pub fn is_nothing(&self) -> bool {
        self.from == self.account
    }

    /// Makes the change.
    pub fn make(&self, accounts: &mut Entries) {
        match &self.account {
            Some(account) => drop(accounts.insert(self.name.clone(), account.clone())),
            None => drop(accounts.remove(&self.name)),
        }
    }
}

/// Beside the file of accounts.
pub(super) fn path(accounts: &Path) -> PathBuf {
    accounts.with_extension("changes")
}

/// All of them, oldest first. What is damaged is passed over: it cannot be told from what nobody has
/// asked for.
pub(super) fn read(path: &Path) -> io::Result<Vec<Noted>> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read?,
    };
    let text = String::from_utf8_lossy(&text);
    let mut all = Vec::new();
    for line in text.lines() {
        match parse(line) {
            Some(noted) => all.push(noted),
            None => tracing::warn!(
                "a line of {} is damaged and passed over: set the password that was changed last on this server again (ecconfigd passwd NAME)",
                path.display(),
            ),
        }
    }
    Ok(all)
}

/// Replaces them.
pub(super) fn write(path: &Path, all: &[Noted]) -> io::Result<()> {
    if all.is_empty() {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    let mut text = String::new();
    for noted in all {
        let content = serde_json::to_string(noted)?;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} {content}", sum(&content));
    }
    files::replace_private(path, &text)
}

/// Adds one. Of two changes of an account the first tells what it was, the last what it is.
pub(super) fn add(all: &mut Vec<Noted>, mut noted: Noted) {
    if let Some(at) = all.iter().position(|other| other.name == noted.name) {
        noted.from = all.remove(at).from;
    }
    // One that was made and deleted again is nothing to tell.
    if noted.from != noted.account {
        all.push(noted);
    }
}

fn parse(line: &str) -> Option<Noted> {
    let (written, content) = line.split_once(' ')?;
    (written == sum(content)).then(|| serde_json::from_str(content).ok()).flatten()
}

fn sum(content: &str) -> String {
    Sha256::digest(content.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::Role;

    fn entry(hash: &str) -> Option<Entry> {
        Some(Entry { role: Role::Reader, hash: hash.into() })
    }

    fn noted(name: &str, from: &str, to: &str) -> Noted {
        Noted { name: name.into(), from: entry(from), account: entry(to) }
    }

    #[test]
    fn what_is_noted_is_read_and_what_is_damaged_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("accounts.changes");
        assert_eq!(read(&path).unwrap(), []);
        let all = [noted("jane", "a", "b"), noted("joe", "c", "d")];
        write(&path, &all).unwrap();
        assert_eq!(read(&path).unwrap(), all);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace(r#""hash":"b""#, r#""hash":"c""#)).unwrap();
        assert_eq!(read(&path).unwrap(), all[1..]);
        write(&path, &[]).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn two_changes_of_an_account_are_one() {
        let mut all = vec![noted("jane", "a", "b"), noted("joe", "c", "d")];
        add(&mut all, noted("jane", "b", "e"));
        assert_eq!(all, [noted("joe", "c", "d"), noted("jane", "a", "e")]);
    }

    #[test]
    fn an_account_that_was_made_and_deleted_again_is_nothing_to_tell() {
        let mut all = vec![Noted { from: None, ..noted("jane", "a", "b") }];
        add(&mut all, Noted { account: None, ..noted("jane", "b", "c") });
        assert_eq!(all, []);
    }
}
