//! What a server's own certificate says.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Name;

use super::key::Key;
use super::names::Names;
use super::self_signed::ORGANIZATION;

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// SHA-256 of a certificate in DER; shown as `SHA256:AB:CD:…`, the way of
/// `openssl x509 -fingerprint -sha256`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

/// A text that is no [`Fingerprint`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no SHA-256 fingerprint; write SHA256: and 64 hexadecimal digits, with colons or without"
)]
pub struct FingerprintError(String);

const PREFIX: &str = "SHA256:";
/// As much of a wrong text is shown.
const SHOWN: usize = 120;

impl Fingerprint {
    /// The fingerprint of a certificate.
    pub fn of(certificate: &CertificateDer<'_>) -> Fingerprint {
        Fingerprint(Sha256::digest(certificate).into())
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Reads 64 hexadecimal digits of either case, with or without colons, `SHA256:` in front of
    /// them or what `openssl x509 -fingerprint -sha256` writes there.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let bad = || FingerprintError(text.chars().take(SHOWN).collect());
        let text = text.trim();
        let named = text.split_once('=').map_or(text, |(_, digits)| digits);
        let digits = match named.get(..PREFIX.len()) {
            Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => &named[PREFIX.len()..],
            _ => named,
        };
        let digits: Vec<u8> = digits.bytes().filter(|byte| *byte != b':').collect();
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(bad());
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SHA256")?;
        self.0.iter().try_for_each(|byte| write!(f, ":{byte:02X}"))
    }
}

/// The facts of the first certificate of a chain.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) fingerprint: Fingerprint,
    pub(super) names: Names,
    pub(super) ours: bool,
    not_before: ASN1Time,
    not_after: ASN1Time,
    public_key: Vec<u8>,
}

impl Leaf {
    /// Reads a certificate; the error says what is wrong with it.
    pub(super) fn parse(certificate: &CertificateDer<'_>) -> Result<Leaf, String> {
        let (_, x509) = X509Certificate::from_der(certificate).map_err(|e| e.to_string())?;
        Ok(Leaf {
            fingerprint: Fingerprint::of(certificate),
            names: names(&x509),
            ours: x509.subject().as_raw() == x509.issuer().as_raw() && is_marked(x509.subject()),
            not_before: x509.validity().not_before,
            not_after: x509.validity().not_after,
            public_key: x509.public_key().raw.to_vec(),
        })
    }

    pub(super) fn expires(&self) -> SystemTime {
        self.not_after.to_datetime().into()
    }

    /// Is `now` before the certificate's time?
    pub(super) fn is_early(&self, now: SystemTime) -> bool {
        ASN1Time::new(now.into()) < self.not_before
    }

    pub(super) fn days_left(&self, now: SystemTime) -> i64 {
        let now = ASN1Time::new(now.into()).timestamp();
        (self.not_after.timestamp() - now).div_euclid(DAY_SECONDS)
    }

    /// The day of expiry in UTC, as `2027-01-31`.
    pub(super) fn last_day(&self) -> String {
        self.not_after.to_datetime().date().to_string()
    }

    /// The certificate's key: a SubjectPublicKeyInfo in DER.
    pub(super) fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// Is this the certificate's key?
    pub(super) fn belongs_to(&self, key: &Key) -> bool {
        key.signer()
            .and_then(|signer| signer.public_key().map(|spki| *spki == *self.public_key))
            .unwrap_or(false)
    }
}

fn is_marked(subject: &X509Name<'_>) -> bool {
    let mut organizations = subject.iter_organization();
    organizations.any(|organization| organization.as_str() == Ok(ORGANIZATION))
}

fn names(x509: &X509Certificate<'_>) -> Names {
    let mut common = x509.subject().iter_common_name();
    let common = common.find_map(|name| name.as_str().ok()).unwrap_or_default();
    let extension = x509.subject_alternative_name().ok().flatten();
    let alternatives = extension.iter().flat_map(|e| &e.value.general_names);
    Names::given(common.to_owned(), alternatives.filter_map(alternative))
}

fn alternative(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let address = v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject;

    use std::time::Duration;

    use super::super::self_signed::{VALIDITY, issue};
    use super::*;

    fn leaf(pem: &str) -> Leaf {
        Leaf::parse(&CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn what_was_put_into_a_certificate_is_read_back() {
        let names = Names::of_machine("mgr.example.com").unwrap();
        let key = Key::generate().unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let leaf = leaf(&issue(&names, &key, now).unwrap());
        assert!(leaf.ours);
        assert_eq!(leaf.names, names);
        assert_eq!(leaf.expires(), now + VALIDITY);
        assert!(!leaf.is_early(now));
        assert_eq!(leaf.last_day(), "2028-01-15");
        assert!(leaf.belongs_to(&key));
        assert!(!leaf.belongs_to(&Key::generate().unwrap()));
    }

    #[test]
    fn a_certificate_without_our_mark_is_not_ours() {
        let made = rcgen::generate_simple_self_signed(["mgr".to_owned()]).unwrap();
        assert!(!leaf(&made.cert.pem()).ours);
    }

    #[test]
    fn a_certificate_with_our_mark_that_another_one_signed_is_not_ours() {
        let mut params = rcgen::CertificateParams::new(["mgr".to_owned()]).unwrap();
        let authority = rcgen::Issuer::new(params.clone(), rcgen::KeyPair::generate().unwrap());
        params.distinguished_name.push(rcgen::DnType::OrganizationName, ORGANIZATION);
        let key = rcgen::KeyPair::generate().unwrap();
        assert!(!leaf(&params.signed_by(&key, &authority).unwrap().pem()).ours);
    }

    #[test]
    fn two_certificates_for_one_key_differ_in_serial_number() {
        let names = Names::given("mgr".into(), []);
        let key = Key::generate().unwrap();
        let serial = |pem: String| {
            let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
            let (_, x509) = X509Certificate::from_der(&der).unwrap();
            x509.raw_serial().to_vec()
        };
        let now = SystemTime::now();
        assert_ne!(
            serial(issue(&names, &key, now).unwrap()),
            serial(issue(&names, &key, now).unwrap())
        );
    }

    #[test]
    fn a_fingerprint_is_read_however_it_was_copied() {
        let fingerprint = Fingerprint::of(&CertificateDer::from(b"".as_slice()));
        let shown = fingerprint.to_string();
        let bare = shown["SHA256:".len()..].replace(':', "");
        for text in [&shown, &bare, &bare.to_lowercase(), &format!("sha256:{bare}")] {
            assert_eq!(text.parse(), Ok(fingerprint), "{text}");
        }
        let openssl = format!("sha256 Fingerprint={}", &shown["SHA256:".len()..]);
        assert_eq!(openssl.parse(), Ok(fingerprint));
        for text in ["", "SHA256:", &bare[1..], &format!("{bare}00"), &format!("SHA1:{bare}"), "é"]
        {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_fingerprint_is_shown_as_openssl_does() {
        let shown = Fingerprint::of(&CertificateDer::from(b"".as_slice())).to_string();
        assert!(shown.starts_with("SHA256:E3:B0:C4:42:98:FC"));
        assert_eq!(shown.len(), "SHA256".len() + 32 * 3);
    }
}
