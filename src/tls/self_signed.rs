//! Self-signed certificates (RFC 5280) that OpenSSL, GnuTLS and rustls accept as
//! the one trusted certificate of the server that shows them.

use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose,
};

use super::key::Key;
use super::names::Names;

/// Our mark: the organization in the subject of every certificate made here.
pub const ORGANIZATION: &str = "ecconfigd self-signed";

/// How long a new certificate is valid: one year.
pub const VALIDITY: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Certificates begin this much before they are made, for clients whose clock is behind.
const CLOCK_SKEW: Duration = Duration::from_secs(60 * 60);

/// Makes a certificate for `names`, signed with its own `key`, as PEM.
pub(super) fn issue(names: &Names, key: &Key, now: SystemTime) -> Result<String, rcgen::Error> {
    let mut params = CertificateParams::new(names.alternatives())?;
    params.distinguished_name = subject(names);
    params.not_before = (now - CLOCK_SKEW).into();
    params.not_after = (now + VALIDITY).into();
    params.serial_number = Some(serial_number()?);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params.self_signed(&key.issuer()?)?.pem())
}

fn subject(names: &Names) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, ORGANIZATION);
    subject.push(DnType::CommonName, names.common());
    subject
}

/// A random serial number. rcgen's own is made from the public key, so a renewed
/// certificate would repeat it, which Firefox refuses.
fn serial_number() -> Result<rcgen::SerialNumber, rcgen::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| rcgen::Error::RingUnspecified)?;
    Ok(bytes.to_vec().into())
}
