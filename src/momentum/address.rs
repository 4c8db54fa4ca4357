use super::DEFAULT_PORT;
use super::config::excerpt;
use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// Where a server is reached: a host name or IP address, perhaps with a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// A host name, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    /// The TCP port; `None` where the file leaves it to the default.
    pub port: Option<u16>,
}

/// A text that is no [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no address; write HOST, HOST:PORT or, for IPv6, [ADDRESS]:PORT")]
pub struct AddressError(String);

impl Address {
    /// The same, with [`DEFAULT_PORT`] if it has no port of its own.
    pub fn with_default_port(&self) -> Self {
        Self { host: self.host.clone(), port: self.port.or(Some(DEFAULT_PORT)) }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Reads `HOST`, `HOST:PORT`, a bare IPv6 address, `[IPv6]` or `[IPv6]:PORT`.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (host, port) = split(text).ok_or_else(|| AddressError(excerpt(text)))?;
        Ok(Address { host: host.to_owned(), port })
    }
}

fn split(text: &str) -> Option<(&str, Option<u16>)> {
    if is_ipv6(text) {
        return Some((text, None));
    }
    if let Some(bracketed) = text.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']')?;
        let port = if rest.is_empty() { None } else { Some(port(rest.strip_prefix(':')?)?) };
        return is_ipv6(host).then_some((host, port));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, digits)) => (host, Some(port(digits)?)),
        None => (text, None),
    };
    is_host(host).then_some((host, port))
}

fn port(digits: &str) -> Option<u16> {
    let all_digits = digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|port| all_digits && *port != 0)
}

fn is_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

/// Underscores are no host name's, but nodes are called so.
fn is_host(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    !text.is_empty() && !text.starts_with(['-', '.']) && text.bytes().all(allowed)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            None => f.write_str(&self.host),
            Some(port) if self.host.contains(':') => write!(f, "[{}]:{port}", self.host),
            Some(port) => write!(f, "{}:{port}", self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written_back() {
        for text in ["node1", "mta_1.example.com:2027", "192.0.2.7", "2001:db8::7", "[::1]:2027"] {
            assert_eq!(text.parse::<Address>().expect(text).to_string(), text);
        }
        let bracketed: Address = "[2001:db8::7]".parse().expect("an address");
        assert_eq!(bracketed, Address { host: "2001:db8::7".to_owned(), port: None });
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            ":2027",
            "a:",
            "a:0",
            "a:+1",
            "a:65536",
            "a:b",
            "a:1:2",
            "a b",
            "a/b",
            "-x",
            "[::1",
            "[a]:1",
            "[::1]x",
            "user@host",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text:?}");
        }
    }
}
