use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;

use super::error::Error;
use super::files::PairFiles;
use super::key::Key;
use super::leaf::{Fingerprint, Leaf};

/// A certificate chain and the private key of its first certificate.
#[derive(Debug)]
pub struct Pair {
    pub(super) certified: Arc<CertifiedKey>,
    pub(super) key: Key,
    pub(super) leaf: Leaf,
}

impl Pair {
    /// Reads `PREFIX/server.key` and `PREFIX/server.crt`: any chain in PEM, with an
    /// EC, RSA or Ed25519 key. Safe while the pair is being exchanged.
    ///
    /// # Errors
    /// If a file is missing, cannot be read or holds nothing of use, or if no key
    /// belongs to the first certificate.
    pub fn load(prefix: &Path) -> Result<Pair, Error> {
        Pair::read(&PairFiles::new(prefix, None))
    }

    pub(super) fn read(files: &PairFiles) -> Result<Pair, Error> {
        let mut chain = files.chain()?;
        loop {
            let damaged = |reason| Error::BadCertificate(files.certificate.clone(), reason);
            let leaf = Leaf::parse(&chain[0]).map_err(damaged)?;
            let keys = files.keys()?;
            if let Some(pair) = Pair::matching(&chain, leaf, keys) {
                return Ok(pair);
            }
            // The files may have been exchanged between the two reads. If this
            // certificate still stands, its key was not there.
            let current = files.chain()?;
            if current == chain {
                let (key, certificate) = (files.key.clone(), files.certificate.clone());
                return Err(Error::Mismatch(key, certificate));
            }
            chain = current;
        }
    }

    fn matching(chain: &[CertificateDer<'static>], leaf: Leaf, keys: Vec<Key>) -> Option<Pair> {
        let key = keys.into_iter().find(|key| leaf.belongs_to(key))?;
        let certified = CertifiedKey::new(chain.to_vec(), key.signer()?);
        Some(Pair { certified: Arc::new(certified), key, leaf })
    }

    /// The certificates, the server's own first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.certified.cert
    }

    /// The fingerprint of the server's certificate.
    pub fn fingerprint(&self) -> Fingerprint {
        self.leaf.fingerprint
    }

    /// Was the certificate made here, so that it may be renewed unasked?
    pub fn is_ours(&self) -> bool {
        self.leaf.ours
    }

    /// The end of the certificate's validity.
    pub fn expires(&self) -> SystemTime {
        self.leaf.expires()
    }

    /// The day in UTC on which the certificate expires, as `2027-01-31`.
    pub fn last_day(&self) -> String {
        self.leaf.last_day()
    }

    /// Whole days of validity left at `now`; negative once the certificate has expired.
    pub fn days_left(&self, now: SystemTime) -> i64 {
        self.leaf.days_left(now)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;
    use std::thread;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;
    use rcgen::{CertificateParams, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256};
    use tempfile::TempDir;

    use super::*;

    /// Where the inner key of a PKCS#8 document begins, for the keys made here.
    const RSA_2048_INNER: usize = 26;
    const EC_P256_INNER: usize = 29;

    fn operators(prefix: &TempDir, key: &rcgen::KeyPair) {
        let params = CertificateParams::new(["mgr.example.com".to_owned()]).unwrap();
        let certificate = params.self_signed(key).unwrap().pem();
        fs::write(prefix.path().join("server.crt"), certificate).unwrap();
        fs::write(prefix.path().join("server.key"), key.serialize_pem()).unwrap();
    }

    fn ec(prefix: &TempDir) -> rcgen::KeyPair {
        let key = rcgen::KeyPair::generate().unwrap();
        operators(prefix, &key);
        key
    }

    fn error(prefix: &TempDir) -> Error {
        Pair::load(prefix.path()).unwrap_err()
    }

    #[test]
    fn keys_of_every_kind_are_loaded() {
        for algorithm in [&PKCS_RSA_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ED25519] {
            let prefix = tempfile::tempdir().unwrap();
            operators(&prefix, &rcgen::KeyPair::generate_for(algorithm).unwrap());
            assert!(!Pair::load(prefix.path()).unwrap().is_ours());
        }
    }

    #[test]
    fn keys_in_the_older_forms_of_openssl_are_loaded() {
        for (algorithm, label, inner) in [
            (&PKCS_RSA_SHA256, "RSA PRIVATE KEY", RSA_2048_INNER),
            (&rcgen::PKCS_ECDSA_P256_SHA256, "EC PRIVATE KEY", EC_P256_INNER),
        ] {
            let prefix = tempfile::tempdir().unwrap();
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            operators(&prefix, &key);
            let older = rcgen::KeyPair::try_from(&key.serialized_der()[inner..]).unwrap();
            let older = older.serialize_pem().replace("PRIVATE KEY", label);
            fs::write(prefix.path().join("server.key"), older).unwrap();
            let pair = Pair::load(prefix.path()).unwrap();
            assert!(pair.key.issuer().is_ok(), "{label} cannot sign certificates");
        }
    }

    #[test]
    fn the_whole_chain_is_served_and_the_key_is_that_of_its_first_certificate() {
        let prefix = tempfile::tempdir().unwrap();
        let path = prefix.path().join("server.crt");
        ec(&prefix);
        let issuer = fs::read_to_string(&path).unwrap();
        ec(&prefix);
        let own = fs::read_to_string(&path).unwrap();

        fs::write(&path, format!("{own}{issuer}")).unwrap();
        assert_eq!(Pair::load(prefix.path()).unwrap().chain().len(), 2);
        fs::write(&path, format!("{issuer}{own}")).unwrap();
        let message = error(&prefix).to_string();
        assert!(message.contains("server.key") && message.contains("server.crt"), "{message}");
    }

    #[test]
    fn the_key_that_matches_is_found_among_others() {
        let prefix = tempfile::tempdir().unwrap();
        let path = prefix.path().join("server.key");
        let key = ec(&prefix).serialize_pem();
        let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
        for both in [format!("{key}{other}"), format!("{other}{key}")] {
            fs::write(&path, both).unwrap();
            assert!(Pair::load(prefix.path()).is_ok());
        }
        fs::write(&path, other).unwrap();
        assert!(matches!(error(&prefix), Error::Mismatch(..)));
    }

    #[test]
    fn a_pair_exchanged_between_the_two_reads_is_read_again() {
        let (prefix, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        ec(&prefix);
        let new_key = ec(&new).serialize_pem();
        let expected = Pair::load(new.path()).unwrap().fingerprint();
        let pipe = prefix.path().join("server.key");
        fs::remove_file(&pipe).unwrap();
        mkfifo(&pipe, Mode::S_IRWXU).unwrap();
        let read = thread::scope(|scope| {
            let reader = scope.spawn(|| Pair::load(prefix.path()));
            // This opens when the reader opens it, who then has the old certificate.
            let mut pipe = OpenOptions::new().write(true).open(&pipe).unwrap();
            for name in ["server.crt", "server.key"] {
                fs::rename(new.path().join(name), prefix.path().join(name)).unwrap();
            }
            pipe.write_all(new_key.as_bytes()).unwrap();
            drop(pipe);
            reader.join().unwrap().unwrap()
        });
        assert_eq!(read.fingerprint(), expected);
    }

    #[test]
    fn what_is_missing_or_useless_is_told_apart() {
        let prefix = tempfile::tempdir().unwrap();
        let (key, certificate) =
            (prefix.path().join("server.key"), prefix.path().join("server.crt"));
        ec(&prefix);
        fs::write(&key, "no key\n").unwrap();
        assert!(matches!(error(&prefix), Error::NoKey(path) if path == key));
        fs::remove_file(&key).unwrap();
        assert!(matches!(error(&prefix), Error::Missing(path) if path == key));
        fs::create_dir(&key).unwrap();
        assert!(matches!(error(&prefix), Error::Read(path, _) if path == key));
        fs::write(&certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            .unwrap();
        assert!(matches!(error(&prefix), Error::BadCertificate(path, _) if path == certificate));
        fs::write(&certificate, "").unwrap();
        assert!(matches!(error(&prefix), Error::NoCertificate(path) if path == certificate));
        fs::remove_file(&certificate).unwrap();
        assert!(matches!(error(&prefix), Error::Missing(path) if path == certificate));
    }
}
