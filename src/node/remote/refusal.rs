//! Answers that are no success, in sentences.

use hyper::StatusCode;

use super::Error;
use super::words::safe;
use crate::momentum::Address;

/// `sentence` is the server's own, fit for a terminal; empty if it gave none.
pub(super) fn refusal(
    address: &Address,
    account: Option<&str>,
    status: StatusCode,
    sentence: &str,
) -> Error {
    let because = match sentence {
        "" => String::new(),
        sentence => format!(": {sentence}"),
    };
    let code = status.as_u16();
    match status {
        StatusCode::UNAUTHORIZED => Error::Authentication(unauthorized(address, account)),
        StatusCode::FORBIDDEN => Error::Authentication(format!(
            "{} may not do this on {address}{because}; use the name of an administrator (--username)",
            account.unwrap_or("nobody without a name"),
        )),
        StatusCode::NOT_FOUND | StatusCode::GONE => match sentence {
            "" => no_ecconfigd(address),
            sentence => Error::NotFound(format!("{address}: {sentence}")),
        },
        StatusCode::CONFLICT => Error::Conflict(format!("{address} refuses this{because}")),
        StatusCode::PAYLOAD_TOO_LARGE => Error::Refused(format!(
            "{address} does not take so much at once{because}; commit less at a time"
        )),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Error::Connection(format!("{address} cannot do this at the moment{because}"))
        }
        StatusCode::REQUEST_TIMEOUT => Error::Connection(format!(
            "{address} has waited too long for what this machine sends: the network is slow or was interrupted; try again"
        )),
        StatusCode::INSUFFICIENT_STORAGE => Error::Connection(format!(
            "the disk of {address} is full, and nothing was changed{because}"
        )),
        _ if status.is_server_error() => {
            Error::Connection(format!("{address} failed with status {code}{because}"))
        }
        _ if status.is_client_error() && !sentence.is_empty() => {
            Error::Refused(format!("{address} refuses this{because}"))
        }
        _ => no_ecconfigd(address),
    }
}

fn unauthorized(address: &Address, account: Option<&str>) -> String {
    match account {
        None => format!("{address} wants a name and a password: give --username and --password"),
        Some(account) => format!(
            "{address} does not accept this password of {account}: either the name or the password is wrong; an administrator sets a new one on the server with: ecconfigd passwd {account}"
        ),
    }
}

/// What a server says in git's way.
pub(super) fn told(address: &Address, why: &str) -> Error {
    let text = format!("{address}: {}", safe(why.as_bytes()));
    match why.contains("CONFLICT") {
        true => Error::Conflict(text),
        false => Error::NotFound(text),
    }
}

/// Something answers, and not as an ecconfigd does.
pub(super) fn no_ecconfigd(address: &Address) -> Error {
    Error::Connection(format!(
        "what answers on {address} is no ecconfigd, or none of this version: check host and port"
    ))
}
