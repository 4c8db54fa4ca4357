//! Why TLS was not agreed on, in sentences.

use std::io::{self, ErrorKind};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::UnixTime;
use rustls::{CertificateError, Error as TlsError};
use x509_parser::time::ASN1Time;

use super::Error;
use super::dial::{Failure, lasting, passing};
use crate::momentum::Address;
use crate::tls::{UnknownKey, UnprovenKey};

pub(super) fn failure(address: &Address, error: &io::Error) -> Failure {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
    match inner {
        Some(TlsError::InvalidCertificate(why)) => {
            Failure { error: Error::Certificate(certificate(address, why)), is_passing: false }
        }
        Some(TlsError::InvalidMessage(_)) => lasting(format!(
            "what listens on {address} does not speak TLS: is this the port of an ecconfigd?"
        )),
        Some(why) => lasting(format!("{address} and this machine do not agree on TLS: {why}")),
        None => match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                passing(format!(
                    "{address} closes connections before TLS is agreed on: it is being restarted, or no ecconfigd"
                ))
            }
            _ => lasting(format!("{address} cannot be reached ({error}): check the network")),
        },
    }
}

fn certificate(address: &Address, why: &CertificateError) -> String {
    match why {
        CertificateError::Other(other)
            if let Some(found) = other.0.downcast_ref::<UnknownKey>() =>
        {
            unknown_key(address, found)
        }
        CertificateError::Other(other) if other.0.is::<UnprovenKey>() => format!(
            "{address} cannot prove that it has the key of the certificate that it shows: either somebody stands between this machine and the server, or the server's files are mixed up; nothing was sent there"
        ),
        CertificateError::ExpiredContext { not_after, .. } => format!(
            "the certificate of {address} has expired on {}: it must be renewed there (ecconfigd renews its own by itself at its next start); if it has not, this machine's clock is wrong: it shows {}",
            day(*not_after),
            now(),
        ),
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "the certificate of {address} is not valid before {}: this machine's clock is probably wrong, it shows {}; set it and try again",
            day(*not_before),
            now(),
        ),
        CertificateError::NotValidForNameContext { presented, .. } => format!(
            "the certificate of {address} is not for this name but for {}: use one of these, or have the name put into the certificate",
            names(presented),
        ),
        // The second, if the authorities have the same name.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
            "the certificate of {address} has not been signed by an authority in etc/.eccfg/ca.pem: either another authority signs now, or somebody stands between this machine and the server; if it is right, accept the authority with: eccfg trust --ca-file FILE {address}"
        ),
        other => format!(
            "the certificate of {address} is of no use ({other:?}): a good one must be put in its place there"
        ),
    }
}

fn unknown_key(address: &Address, found: &UnknownKey) -> String {
    let what = match found.is_first {
        true => {
            format!("this machine does not trust any configuration server yet, {address} neither")
        }
        false => format!(
            "the key of {address} is none of those that this machine trusts: either ecconfigd was newly installed there or got a new key, or somebody stands between this machine and the server"
        ),
    };
    format!(
        "{what}. It shows the certificate {}. Ask for the fingerprint on the server itself (`openssl x509 -noout -fingerprint -sha256 -in /var/ecconfigd/apache/server.crt`); only if it is the same, accept it with: eccfg trust {address}",
        found.certificate,
    )
}

fn names(presented: &[String]) -> String {
    match presented {
        [] => "none at all".into(),
        names => names.join(", "),
    }
}

fn now() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    day(UnixTime::since_unix_epoch(now))
}

/// The time in UTC, as `2027-01-31 09:30 UTC`.
fn day(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    match ASN1Time::from_timestamp(seconds) {
        Ok(time) => {
            let time = time.to_datetime();
            format!("{} {:02}:{:02} UTC", time.date(), time.hour(), time.minute())
        }
        Err(_) => "an unknown time".into(),
    }
}
