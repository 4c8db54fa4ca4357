//! The accounts as a running server holds them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{LazyLock, Mutex};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::htdigest::{self, HtDigest};
use super::stamp::Stamp;
use super::{Entries, Entry, Error, File, MAX_PASSWORD, Role, password};

/// Somebody who has shown the right password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

/// What a cluster has of accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfCluster {
    /// Its accounts.
    pub accounts: Entries,
    /// Names that have not been made accounts of the cluster yet, and may be by a password in this
    /// server's file of the original's. Others in that are not let in: whoever can write it, or an old
    /// copy of it, would make accounts of the whole cluster.
    pub old_names: BTreeSet<String>,
}

/// The names in the original's password file. None if it cannot be read.
pub fn old_names(htdigest: &Path) -> BTreeSet<String> {
    let all = htdigest::read(htdigest).unwrap_or_default();
    all.into_iter().map(|(name, _)| name).collect()
}

/// All accounts at one moment. Replacing them forgets the passwords that were verified.
pub struct Accounts {
    known: BTreeMap<String, Known>,
    /// What the cluster has, where there is one.
    of_cluster: Option<OfCluster>,
    stamps: [Stamp; 2],
    /// Of this process, with its key taken in.
    mac: Hmac<Sha256>,
    verified: Mutex<HashMap<String, [u8; 32]>>,
}

/// What an unknown name is compared with, so that the time it takes does not give it away.
static DECOY: LazyLock<String> =
    LazyLock::new(|| password::hash("decoy").expect("a short password can be hashed"));

enum Known {
    Argon2(Entry),
    HtDigest(HtDigest),
}

impl Accounts {
    /// Reads the file of accounts, and the original's password file for names that are not in it. In a
    /// cluster it is told what that has, and the file does not count.
    pub fn load(
        file: &File,
        htdigest: &Path,
        of_cluster: Option<OfCluster>,
    ) -> Result<Self, Error> {
        // Before the files are read: a change while they are only makes them read once more.
        let stamps = [file.path(), htdigest].map(Stamp::of);
        let entries = match &of_cluster {
            Some(of_cluster) => of_cluster.accounts.clone(),
            None => file.read()?,
        };
        let is_let_in = |name: &String| {
            of_cluster.as_ref().is_none_or(|of_cluster| of_cluster.old_names.contains(name))
        };
        let mut known: BTreeMap<String, Known> =
            entries.into_iter().map(|(name, entry)| (name, Known::Argon2(entry))).collect();
        let old = htdigest::read(htdigest)?.into_iter();
        for (name, digest) in old.filter(|(name, _)| is_let_in(name)) {
            known.entry(name).or_insert(Known::HtDigest(digest));
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|e| Error::Hash(e.to_string()))?;
        let mac = Hmac::new_from_slice(&key).expect("any length is a key");
        Ok(Self { known, of_cluster, stamps, mac, verified: Mutex::default() })
    }

    /// Whether the files these accounts were read from are still the same, and what the cluster has.
    pub fn are_current(
        &self,
        file: &File,
        htdigest: &Path,
        of_cluster: Option<&OfCluster>,
    ) -> bool {
        self.stamps == [file.path(), htdigest].map(Stamp::of)
            && self.of_cluster.as_ref() == of_cluster
    }

    /// Whether there is an account of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.known.contains_key(name)
    }

    /// Names, roles, and whether the password is still kept in the original's way.
    pub fn list(&self) -> impl Iterator<Item = (&str, Role, bool)> {
        self.known.iter().map(|(name, known)| {
            (name.as_str(), known.role(name), matches!(known, Known::HtDigest(_)))
        })
    }

    /// Recognises a password that was verified before. Takes microseconds.
    pub fn recall(&self, name: &str, password: &str) -> Option<Account> {
        let tag = *self.verified().get(name)?;
        self.mac(name, password).verify_slice(&tag).ok()?;
        Some(Account { name: name.to_owned(), role: self.known.get(name)?.role(name) })
    }

    /// Verifies a password and remembers it, under a key that nobody else has. Takes tens of
    /// milliseconds. Whether the password is kept in the original's way is told too.
    pub fn verify(&self, name: &str, password: &str) -> Option<(Account, bool)> {
        if password.len() > MAX_PASSWORD {
            return None;
        }
        let known = self.known.get(name);
        let (good, is_old) = match known {
            Some(Known::Argon2(entry)) => (password::matches(password, &entry.hash), false),
            Some(Known::HtDigest(digest)) => {
                password::matches(password, &DECOY);
                (digest.matches(name, password), true)
            }
            None => {
                password::matches(password, &DECOY);
                (false, false)
            }
        };
        let account = Account { name: name.to_owned(), role: known?.role(name) };
        good.then(|| {
            self.verified().insert(name.to_owned(), self.tag(name, password));
            (account, is_old)
        })
    }

    /// What stands for name and password as long as these accounts do. Tells nothing of them.
    pub fn tag(&self, name: &str, password: &str) -> [u8; 32] {
        self.mac(name, password).finalize().into_bytes().into()
    }

    fn mac(&self, name: &str, password: &str) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(name.as_bytes());
        mac.update(&[0]);
        mac.update(password.as_bytes());
        mac
    }

    fn verified(&self) -> std::sync::MutexGuard<'_, HashMap<String, [u8; 32]>> {
        self.verified.lock().expect("no code panics while it holds the list of verified passwords")
    }
}

impl Known {
    fn role(&self, name: &str) -> Role {
        match self {
            Self::Argon2(entry) => entry.role,
            Self::HtDigest(_) => Role::default_for(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::layout::Layout;

    fn accounts(htdigest: &str) -> Accounts {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path());
        fs::create_dir_all(layout.state()).unwrap();
        let file = File::of(&layout);
        file.set_password("admin", None, "new").unwrap();
        let old = dir.path().join("svn-auth.htdigest");
        fs::write(&old, htdigest).unwrap();
        Accounts::load(&file, &old, None).unwrap()
    }

    #[test]
    fn only_a_verified_password_is_recalled() {
        let accounts = accounts("");
        assert!(accounts.recall("admin", "new").is_none());
        assert!(accounts.verify("admin", "old").is_none());
        assert!(accounts.verify("nobody", "new").is_none());
        let (account, _) = accounts.verify("admin", "new").unwrap();
        assert_eq!(account.role, Role::Administrator);
        assert_eq!(accounts.recall("admin", "new"), Some(account));
        assert!(accounts.recall("admin", "old").is_none());
    }

    #[test]
    fn the_original_file_serves_names_that_are_not_in_ours() {
        // md5("ecuser:ecconfigd repo:secret"), md5("admin:ecconfigd repo:secret")
        let accounts = accounts(
            "ecuser:ecconfigd repo:5074a2e0f160d46268fd78d3b62f9604\nadmin:ecconfigd repo:c4277675a62acd6808e8b2f45a96b763\n",
        );
        let (account, is_old) = accounts.verify("ecuser", "secret").unwrap();
        assert_eq!((account.role, is_old), (Role::Service, true));
        assert!(accounts.verify("admin", "secret").is_none());
    }
}
