//! Private keys: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017) or SEC 1 (RFC 5915) in PEM.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::SigningKey;

const BEGIN: &str = "-----BEGIN ";

/// A private key together with the text it was read from.
///
/// The text is kept because a key is always written back as it came: an
/// operator's RSA key stays in the form their other programs expect.
pub(super) struct Key {
    pem: String,
    der: PrivateKeyDer<'static>,
}

impl Key {
    /// Makes an ECDSA P-256 key.
    pub(super) fn generate() -> Result<Key, rcgen::Error> {
        let made = rcgen::KeyPair::generate()?;
        Ok(Key { pem: made.serialize_pem(), der: made.into() })
    }

    /// Every private key in a PEM text, in order. Other blocks (`EC PARAMETERS`,
    /// certificates), encrypted keys and damaged ones are passed over.
    pub(super) fn all_in(text: &str) -> Vec<Key> {
        let starts: Vec<usize> = text.match_indices(BEGIN).map(|(at, _)| at).collect();
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        starts.iter().zip(ends).filter_map(|(&start, end)| Key::parse(&text[start..end])).collect()
    }

    fn parse(block: &str) -> Option<Key> {
        let der = PrivateKeyDer::from_pem_slice(block.as_bytes()).ok()?;
        let pem = format!("{}\n", block.trim_end());
        Some(Key { pem, der })
    }

    /// The key as a PEM block that ends in a line feed.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// The key for signing certificates.
    pub(super) fn issuer(&self) -> Result<rcgen::KeyPair, rcgen::Error> {
        rcgen::KeyPair::try_from(&self.der)
    }

    /// The key for handshakes; `None` for a kind that TLS has no use for.
    pub(super) fn signer(&self) -> Option<Arc<dyn SigningKey>> {
        any_supported_type(&self.der).ok()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.der == other.der
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_between_other_blocks_and_keep_their_text() {
        let (a, b) = (Key::generate().unwrap(), Key::generate().unwrap());
        let text = format!(
            "a comment\n-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{}{}",
            a.pem(),
            b.pem().trim_end(),
        );
        let found = Key::all_in(&text);
        assert_eq!(found, [a, b]);
        assert!(found.iter().all(|key| Key::all_in(key.pem()).len() == 1));
    }

    #[test]
    fn encrypted_and_damaged_keys_are_no_keys() {
        let key = Key::generate().unwrap();
        let encrypted = key.pem().replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        assert_eq!(Key::all_in(&encrypted), []);
        assert_eq!(Key::all_in(&key.pem()[..60]), []);
        assert_eq!(Key::all_in("-----BEGIN "), []);
    }

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(format!("{:?}", Key::generate().unwrap()), "Key(secret)");
    }
}
