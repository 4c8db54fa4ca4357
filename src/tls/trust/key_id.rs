use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};

use crate::tls::error::Error;
use crate::tls::leaf::Leaf;

const PREFIX: &str = "sha256//";

/// SHA-256 of a public key (SubjectPublicKeyInfo, RFC 5280); it stays the same when a certificate
/// is renewed with the same key. Written `sha256//BASE64`, as curl's `--pinnedpubkey` and git's
/// `http.pinnedPubkey` take it (RFC 7469 calls it a pin).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 32]);

impl KeyId {
    /// That of a certificate's key.
    ///
    /// # Errors
    /// [`Error::Presented`] if this is no certificate.
    pub fn of(certificate: &CertificateDer<'_>) -> Result<Self, Error> {
        let leaf = Leaf::parse(certificate).map_err(Error::Presented)?;
        Ok(Self(Sha256::digest(leaf.public_key()).into()))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", STANDARD.encode(self.0))
    }
}

impl FromStr for KeyId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let encoded = text.strip_prefix(PREFIX).ok_or(())?;
        let bytes = STANDARD.decode(encoded).map_err(|_| ())?;
        bytes.try_into().map(Self).map_err(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_the_key_alone_and_reads_back_as_written() {
        let key = rcgen::KeyPair::generate().unwrap();
        let of = |name: &str, key: &rcgen::KeyPair| {
            let params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
            KeyId::of(params.self_signed(key).unwrap().der()).unwrap()
        };
        let id = of("a", &key);
        assert_eq!(id, of("b", &key));
        assert_ne!(id, of("a", &rcgen::KeyPair::generate().unwrap()));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("sha256//AAAA".parse::<KeyId>(), Err(()));
    }
}
