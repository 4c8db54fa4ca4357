//! Keeping a pair in order without anybody asking.

use std::path::Path;
use std::time::SystemTime;

use super::error::Error;
use super::exchange::exchange;
use super::files::PairFiles;
use super::key::Key;
use super::leaf::Leaf;
use super::names::Names;
use super::pair::Pair;
use super::self_signed::issue;

/// A certificate with this many days left, or fewer, is due to be renewed.
pub const RENEWAL_DAYS: i64 = 30;

/// What was done to a pair, or why nothing was. Days left are whole days; negative
/// ones are days since the certificate expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upkeep {
    /// There was nothing to use: key and certificate are new.
    Created,
    /// The certificate is new, made for the key that was there.
    Completed,
    /// Our certificate was due: a new one stands in its place, with the same key.
    Renewed,
    /// Nothing was due.
    Current {
        /// Days until the certificate expires.
        days_left: i64,
    },
    /// The certificate is due, or not valid yet, and is the operator's to replace.
    OperatorMustRenew {
        /// Days until the certificate expires.
        days_left: i64,
    },
}

/// Makes what is missing of the pair under `prefix`, for a first start, and
/// nothing else. A key that is there is kept.
///
/// # Errors
/// If the pair is there and cannot be used, if an operator's certificate is there
/// without its key, or if the files cannot be written.
pub fn ensure(prefix: &Path, names: &Names, now: SystemTime) -> Result<(Pair, Upkeep), Error> {
    let files = PairFiles::new(prefix, None);
    if let Some(found) = present(&files, now)? {
        return Ok(found);
    }
    files.create_directory()?;
    let _lock = files.lock()?;
    // Somebody else may have made the pair before the lock was ours.
    if let Some(found) = present(&files, now)? {
        return Ok(found);
    }
    let upkeep = complete(&files, names, now)?;
    Ok((Pair::read(&files)?, upkeep))
}

fn present(files: &PairFiles, now: SystemTime) -> Result<Option<(Pair, Upkeep)>, Error> {
    let pair = Error::if_present(Pair::read(files))?;
    Ok(pair.map(|pair| {
        let days_left = pair.days_left(now);
        (pair, Upkeep::Current { days_left })
    }))
}

fn complete(files: &PairFiles, names: &Names, now: SystemTime) -> Result<Upkeep, Error> {
    let held = Error::if_present(files.keys())?;
    let (key, upkeep) = match held.and_then(|keys| keys.into_iter().next()) {
        Some(key) => (key, Upkeep::Completed),
        // Our own certificate is worth nothing without its key, an operator's may
        // only wait for it.
        None if is_operators(files)? => return Err(Error::Missing(files.key.clone())),
        None => (generate(files)?, Upkeep::Created),
    };
    renew(files, &key, names, now)?;
    Ok(upkeep)
}

/// Renews a certificate of ours that has [`RENEWAL_DAYS`] or less left, or is not
/// valid yet because it was made while the clock was ahead. The key stays, the
/// names too; addresses this machine has gained are added.
///
/// # Errors
/// If the pair cannot be read or the new certificate not be written; the old one
/// then still stands.
pub fn renew_if_due(prefix: &Path, now: SystemTime) -> Result<(Pair, Upkeep), Error> {
    let files = PairFiles::new(prefix, None);
    let pair = Pair::read(&files)?;
    let days_left = pair.days_left(now);
    if days_left > RENEWAL_DAYS && !pair.leaf.is_early(now) {
        return Ok((pair, Upkeep::Current { days_left }));
    }
    if !pair.is_ours() {
        return Ok((pair, Upkeep::OperatorMustRenew { days_left }));
    }
    let _lock = files.lock()?;
    // Read again: before the lock was ours, somebody may have put another pair there.
    let locked = Pair::read(&files)?;
    if locked.fingerprint() == pair.fingerprint() {
        let names = locked.leaf.names.clone().refreshed()?;
        renew(&files, &locked.key, &names, now)?;
    }
    Ok((Pair::read(&files)?, Upkeep::Renewed))
}

/// Writes a new certificate of `key`, which replaces every other key. Needs the lock.
pub(super) fn renew(
    files: &PairFiles,
    key: &Key,
    names: &Names,
    now: SystemTime,
) -> Result<(), Error> {
    let certificate = issue(names, key, now).map_err(|source| not_issued(files, source))?;
    exchange(files, key, &certificate)
}

/// Makes a key for `files`, without writing it.
pub(super) fn generate(files: &PairFiles) -> Result<Key, Error> {
    Key::generate().map_err(|source| not_issued(files, source))
}

/// Is there a certificate that was not made here? A damaged one may be anybody's.
pub(super) fn is_operators(files: &PairFiles) -> Result<bool, Error> {
    match files.chain() {
        Ok(chain) => Ok(!Leaf::parse(&chain[0]).is_ok_and(|leaf| leaf.ours)),
        Err(Error::NoCertificate(_) | Error::BadCertificate(..)) => Ok(true),
        Err(Error::Missing(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

fn not_issued(files: &PairFiles, source: rcgen::Error) -> Error {
    Error::Issue(files.key.clone(), source)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use tempfile::{TempDir, tempdir};

    use super::super::self_signed::VALIDITY;
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
    }

    fn names() -> Names {
        Names::of_machine("mgr.example.com").unwrap()
    }

    fn started(prefix: &TempDir) -> (Pair, Upkeep) {
        ensure(prefix.path(), &names(), now()).unwrap()
    }

    fn operators(prefix: &TempDir, not_after: SystemTime) {
        let mut params = rcgen::CertificateParams::new(["mgr".to_owned()]).unwrap();
        params.not_after = not_after.into();
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        fs::write(prefix.path().join("server.crt"), certificate).unwrap();
        fs::write(prefix.path().join("server.key"), key.serialize_pem()).unwrap();
    }

    #[test]
    fn the_first_start_makes_a_pair_and_the_second_keeps_it() {
        let prefix = tempdir().unwrap();
        let (made, upkeep) = started(&prefix);
        assert_eq!(upkeep, Upkeep::Created);
        assert!(made.is_ours());
        assert_eq!(made.expires(), now() + VALIDITY);

        let (kept, upkeep) = started(&prefix);
        assert_eq!(upkeep, Upkeep::Current { days_left: 365 });
        assert_eq!(kept.fingerprint(), made.fingerprint());
    }

    #[test]
    fn a_key_without_a_certificate_is_kept() {
        let prefix = tempdir().unwrap();
        let (old, _) = started(&prefix);
        fs::remove_file(prefix.path().join("server.crt")).unwrap();
        let (new, upkeep) = started(&prefix);
        assert_eq!(upkeep, Upkeep::Completed);
        assert!(new.key == old.key);
        assert_ne!(new.fingerprint(), old.fingerprint());
    }

    #[test]
    fn our_certificate_without_its_key_is_made_anew_and_an_operators_is_not() {
        let prefix = tempdir().unwrap();
        let key = prefix.path().join("server.key");
        started(&prefix);
        fs::remove_file(&key).unwrap();
        assert_eq!(started(&prefix).1, Upkeep::Created);

        operators(&prefix, now() + VALIDITY);
        fs::remove_file(&key).unwrap();
        let error = ensure(prefix.path(), &names(), now()).unwrap_err();
        assert!(matches!(error, Error::Missing(path) if path == key));
    }

    #[test]
    fn a_pair_that_cannot_be_used_is_left_alone() {
        let prefix = tempdir().unwrap();
        started(&prefix);
        fs::write(prefix.path().join("server.key"), "damaged").unwrap();
        assert!(ensure(prefix.path(), &names(), now()).is_err());
        let left = fs::read(prefix.path().join("server.key")).unwrap();
        assert_eq!(left, b"damaged");
    }

    #[test]
    fn ours_is_renewed_with_its_key_and_names_when_thirty_days_are_left() {
        let prefix = tempdir().unwrap();
        let (old, _) = started(&prefix);
        let due = now() + VALIDITY - 31 * DAY;

        let (_, upkeep) = renew_if_due(prefix.path(), due).unwrap();
        assert_eq!(upkeep, Upkeep::Current { days_left: 31 });
        let (new, upkeep) = renew_if_due(prefix.path(), due + Duration::from_secs(1)).unwrap();
        assert_eq!(upkeep, Upkeep::Renewed);
        assert!(new.key == old.key);
        assert_eq!(new.leaf.names, old.leaf.names);
        assert_eq!(new.days_left(due), 365);
        assert!(new.is_ours());
    }

    #[test]
    fn ours_is_renewed_after_it_expired_and_before_it_begins() {
        for wrong in [now() + 2 * VALIDITY, now() - 2 * DAY] {
            let prefix = tempdir().unwrap();
            started(&prefix);
            let (pair, upkeep) = renew_if_due(prefix.path(), wrong).unwrap();
            assert_eq!(upkeep, Upkeep::Renewed);
            assert_eq!(pair.days_left(wrong), 365);
        }
    }

    #[test]
    fn an_operators_certificate_is_only_reported() {
        let prefix = tempdir().unwrap();
        for (days, not_after) in [(30, now() + 30 * DAY), (-1, now() - DAY)] {
            operators(&prefix, not_after);
            let before = Pair::load(prefix.path()).unwrap();
            let (after, upkeep) = renew_if_due(prefix.path(), now()).unwrap();
            assert_eq!(upkeep, Upkeep::OperatorMustRenew { days_left: days });
            assert_eq!(after.fingerprint(), before.fingerprint());
        }
        operators(&prefix, now() + 31 * DAY);
        let (_, upkeep) = renew_if_due(prefix.path(), now()).unwrap();
        assert_eq!(upkeep, Upkeep::Current { days_left: 31 });
    }
}
