//! The accounts as they are kept: lines `NAME:ROLE:HASH`, `#` for comments.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::lock_file::open_lock;
use super::noted::{self, Noted};
use super::{Error, Role, htdigest, password};
use crate::files;
use crate::layout::Layout;

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

/// Accounts by name.
pub type Entries = BTreeMap<String, Entry>;

/// The file of accounts.
#[derive(Clone, Debug)]
pub struct File {
    path: PathBuf,
    /// Where one of these is, the server is a member of a cluster.
    of_members: Vec<PathBuf>,
}

/// Keeps other programs from changing the accounts while it is there.
pub struct Locked<'a> {
    file: &'a File,
    _lock: fs::File,
}

impl Locked<'_> {
    /// Makes the file hold these accounts and no others.
    pub fn write(&self, accounts: &Entries) -> Result<(), Error> {
        self.file.write(accounts).map_err(|e| self.file.failed("write", e))
    }

    /// The others need not be told of these changes any more.
    pub fn forget(&self, told: &[Noted]) -> Result<(), Error> {
        let mut all = self.file.noted()?;
        all.retain(|noted| !told.contains(noted));
        self.write_noted(&all)
    }

    fn note(&self, noted: Noted) -> Result<(), Error> {
        let mut all = self.file.noted()?;
        noted::add(&mut all, noted);
        self.write_noted(&all)
    }

    fn write_noted(&self, all: &[Noted]) -> Result<(), Error> {
        let path = noted::path(&self.file.path);
        noted::write(&path, all).map_err(|source| Error::File { action: "write", path, source })
    }
}

impl File {
    /// The file of accounts of this installation, which need not be there yet.
    pub fn of(layout: &Layout) -> Self {
        let of_members = vec![layout.cluster_log(), layout.introduction()];
        Self { path: layout.accounts(), of_members }
    }

    /// A file of accounts that lies elsewhere, as in a backup.
    pub fn at(path: PathBuf) -> Self {
        Self { path, of_members: Vec::new() }
    }

    /// Whether the server is a member of a cluster, or has been let in: then the file is a copy of
    /// what the cluster has.
    pub fn is_of_member(&self) -> bool {
        self.of_members.iter().any(|path| path.exists())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All accounts by name.
    pub fn read(&self) -> Result<Entries, Error> {
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
        self.change(name, |accounts| {
            let kept = accounts.get(name).map(|entry| entry.role);
            let role = role.or(kept).unwrap_or_else(|| Role::default_for(name));
            accounts.insert(name.to_owned(), Entry { role, hash });
            Ok(())
        })
    }

    /// Removes an account. One that also stands in the original's password file stays, for that is not
    /// written, and its old password would be good again.
    pub fn delete(&self, name: &str, htdigest: &Path) -> Result<(), Error> {
        check_name(name)?;
        if htdigest::read(htdigest)?.iter().any(|(other, _)| other == name) {
            return Err(Error::InHtDigest { name: name.to_owned(), path: htdigest.to_owned() });
        }
        self.change(name, |accounts| {
            if accounts.remove(name).is_none() {
                return Err(Error::NoAccount(name.to_owned()));
            }
            match accounts.values().any(|entry| entry.role == Role::Administrator) {
                true => Ok(()),
                false => Err(Error::LastAdministrator(name.to_owned())),
            }
        })
    }

    /// Gives an account that is not in the file yet a password, and leaves one that is alone.
    pub fn add(&self, name: &str, role: Role, password: &str) -> Result<(), Error> {
        check_name(name)?;
        let hash = password::hash(password)?;
        self.change(name, |accounts| {
            accounts.entry(name.to_owned()).or_insert(Entry { role, hash });
            Ok(())
        })
    }

    /// Changes that were made on this member and that the others have not been told of.
    pub fn noted(&self) -> Result<Vec<Noted>, Error> {
        let path = noted::path(&self.path);
        noted::read(&path).map_err(|source| Error::File { action: "read", path, source })
    }

    /// Waits until nobody else changes the accounts.
    pub fn lock(&self) -> Result<Locked<'_>, Error> {
        let path = self.path.with_extension("lock");
        match open_lock(&path).and_then(|file| file.lock().map(|()| file)) {
            Ok(_lock) => Ok(Locked { file: self, _lock }),
            Err(source) => Err(Error::File { action: "lock", path, source }),
        }
    }

    /// Changes one account under a lock, so that two programs do not undo each other's work.
    fn change(
        &self,
        name: &str,
        work: impl FnOnce(&mut Entries) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let locked = self.lock()?;
        let before = self.read()?;
        let mut after = before.clone();
        work(&mut after)?;
        if self.is_of_member() {
            if before.is_empty() {
                return Err(Error::Gone { path: self.path.clone() });
            }
            let [from, account] = [&before, &after].map(|accounts| accounts.get(name).cloned());
            if from != account {
                locked.note(Noted { name: name.to_owned(), from, account })?;
            }
        }
        locked.write(&after)
    }

    fn write(&self, accounts: &Entries) -> io::Result<()> {
        let mut text = HEADER.to_owned();
        for (name, Entry { role, hash }) in accounts {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name}:{role}:{hash}");
        }
        files::replace_private(&self.path, &text)
    }

    fn parse(&self, text: &str) -> Result<Entries, Error> {
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
        let layout = Layout::new(dir.path());
        fs::create_dir_all(layout.cluster()).unwrap();
        let file = File::of(&layout);
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
    fn what_is_changed_on_a_member_is_noted_for_the_others() {
        let (dir, file) = file();
        file.set_password("admin", None, "one").unwrap();
        assert_eq!(file.noted().unwrap(), []);
        fs::write(Layout::new(dir.path()).cluster_log(), "").unwrap();
        let before = file.read().unwrap();
        file.set_password("admin", None, "two").unwrap();
        let [noted] = file.noted().unwrap().try_into().unwrap();
        assert!(noted.fits(&before));
        let mut after = before;
        noted.make(&mut after);
        assert_eq!(after, file.read().unwrap());
        file.lock().unwrap().forget(&[noted]).unwrap();
        assert_eq!(file.noted().unwrap(), []);
    }

    #[test]
    fn nothing_is_changed_on_a_member_whose_file_is_gone() {
        let (dir, file) = file();
        fs::write(Layout::new(dir.path()).cluster_log(), "").unwrap();
        for content in [None, Some("")] {
            content.iter().for_each(|content| fs::write(file.path(), content).unwrap());
            let refused = file.set_password("jane", None, "one");
            assert!(matches!(refused, Err(Error::Gone { .. })), "{refused:?}");
            assert_eq!(file.noted().unwrap(), []);
        }
    }

    #[test]
    fn names_that_would_break_the_file_are_refused() {
        let (_dir, file) = file();
        for name in ["", "a:b", "a b", "a\nb", "é"] {
            assert!(matches!(file.set_password(name, None, "x"), Err(Error::BadName(_))), "{name}");
        }
    }
}
