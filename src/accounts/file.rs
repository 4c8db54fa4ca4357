//! The accounts as they are kept: lines `NAME:ROLE:HASH`, `#` for comments.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::lock_file::open_lock;
use super::{Error, Role, password};
use crate::files;

const HEADER: &str =
    "# The accounts of ecconfigd: NAME:ROLE:HASH. Change them with `ecconfigd passwd`.\n";
const MAX_NAME: usize = 64;

/// One account as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it may do.
    pub role: Role,
    /// The hash of its password, in the PHC string format.
    pub hash: String,
}

/// The file of accounts.
#[derive(Clone, Debug)]
pub struct File {
    path: PathBuf,
}

impl File {
    /// The file at `path`, which need not be there yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All accounts by name.
    pub fn read(&self) -> Result<BTreeMap<String, Entry>, Error> {
        match fs::read_to_string(&self.path) {
            Ok(text) => self.parse(&text),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(source) => Err(self.failed("read", source)),
        }
    }

    /// Makes an account or changes its password, and its role if one is given.
    pub fn set_password(
        &self,
        name: &str,
        role: Option<Role>,
        password: &str,
    ) -> Result<(), Error> {
        check_name(name)?;
        let hash = password::hash(password)?;
        self.change(|accounts| {
            let kept = accounts.get(name).map(|entry| entry.role);
            let role = role.or(kept).unwrap_or_else(|| Role::default_for(name));
            accounts.insert(name.to_owned(), Entry { role, hash });
        })
    }

    /// Gives an account that is not in the file yet a password, and leaves one that is alone.
    pub fn add(&self, name: &str, role: Role, password: &str) -> Result<(), Error> {
        check_name(name)?;
        let hash = password::hash(password)?;
        self.change(|accounts| {
            accounts.entry(name.to_owned()).or_insert(Entry { role, hash });
        })
    }

    /// Makes the account what it is at the other members, or removes it.
    pub fn put(&self, name: &str, account: Option<Entry>) -> Result<(), Error> {
        check_name(name)?;
        self.change(|accounts| match account {
            Some(account) => drop(accounts.insert(name.to_owned(), account)),
            None => drop(accounts.remove(name)),
        })
    }

    /// Changes the file under a lock, so that two programs do not undo each other's work.
    fn change(&self, work: impl FnOnce(&mut BTreeMap<String, Entry>)) -> Result<(), Error> {
        let lock_path = self.path.with_extension("lock");
        let locked = open_lock(&lock_path).and_then(|file| file.lock().map(|()| file));
        let _lock =
            locked.map_err(|source| Error::File { action: "lock", path: lock_path, source })?;
        let mut accounts = self.read()?;
        work(&mut accounts);
        self.write(&accounts).map_err(|e| self.failed("write", e))
    }

    fn write(&self, accounts: &BTreeMap<String, Entry>) -> io::Result<()> {
        let mut text = HEADER.to_owned();
        for (name, Entry { role, hash }) in accounts {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name}:{role}:{hash}");
        }
        files::replace_private(&self.path, &text)
    }

    fn parse(&self, text: &str) -> Result<BTreeMap<String, Entry>, Error> {
        let mut accounts = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, entry) = parse_line(line)
                .ok_or_else(|| Error::BadLine { path: self.path.clone(), line: index + 1 })?;
            accounts.insert(name, entry);
        }
        Ok(accounts)
    }

    fn failed(&self, action: &'static str, source: io::Error) -> Error {
        Error::File { action, path: self.path.clone(), source }
    }
}

fn parse_line(line: &str) -> Option<(String, Entry)> {
    let (name, rest) = line.split_once(':')?;
    let (role, hash) = rest.split_once(':')?;
    check_name(name).ok()?;
    password::is_hash(hash).then_some(())?;
    Some((name.to_owned(), Entry { role: role.parse().ok()?, hash: hash.to_owned() }))
}

fn check_name(name: &str) -> Result<(), Error> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._@-".contains(c);
    match !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(allowed) {
        true => Ok(()),
        false => Err(Error::BadName(name.escape_default().to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file() -> (tempfile::TempDir, File) {
        let dir = tempfile::tempdir().unwrap();
        let file = File::new(dir.path().join("accounts"));
        (dir, file)
    }

    #[test]
    fn a_new_password_keeps_the_role() {
        let (_dir, file) = file();
        file.set_password("jane", Some(Role::Administrator), "one").unwrap();
        file.set_password("jane", None, "two").unwrap();
        let accounts = file.read().unwrap();
        assert_eq!(accounts["jane"].role, Role::Administrator);
        assert!(password::matches("two", &accounts["jane"].hash));
    }

    #[test]
    fn nobody_else_may_read_the_file() {
        let (_dir, file) = file();
        file.set_password("jane", None, "one").unwrap();
        assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_bad_line_is_named() {
        let (_dir, file) = file();
        fs::write(file.path(), "# fine\n\nadmin:king:$argon2id$v=19$\n").unwrap();
        let message = file.read().unwrap_err().to_string();
        assert!(message.contains("accounts line 3: expected NAME:ROLE:HASH"), "{message}");
    }

    #[test]
    fn names_that_would_break_the_file_are_refused() {
        let (_dir, file) = file();
        for name in ["", "a:b", "a b", "a\nb", "é"] {
            assert!(matches!(file.set_password(name, None, "x"), Err(Error::BadName(_))), "{name}");
        }
    }
}
