use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;
use rustls::pki_types::ServerName;

use super::error::Error;

/// Longest common name of a certificate (RFC 5280, ub-common-name).
const COMMON_NAME_MAX: usize = 64;

/// The names and addresses by which clients may reach a server: what its
/// certificate is valid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    common: String,
    alternatives: Vec<String>,
}

impl Names {
    /// The names of this machine under the host name `host`: that name, its short
    /// form, `localhost`, and all addresses but link-local ones.
    ///
    /// # Errors
    /// [`Error::HostName`] if `host` is neither a host name nor an IP address.
    pub fn of_machine(host: &str) -> Result<Names, Error> {
        Names::new(host, machine_addresses())
    }

    fn new(host: &str, addresses: impl IntoIterator<Item = IpAddr>) -> Result<Names, Error> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let short = match ServerName::try_from(host.as_str()) {
            Ok(ServerName::DnsName(_)) => host.split('.').next().unwrap_or(&host).to_owned(),
            Ok(_) => host.clone(),
            Err(_) => return Err(Error::HostName(host)),
        };
        let is_short = host.len() <= COMMON_NAME_MAX;
        let common = if is_short { &host } else { &short };
        let mut names = Names::given(common.clone(), []);
        names.add([host, short, "localhost".to_owned()]);
        let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        let addresses = addresses.into_iter().filter(is_reachable);
        names.add(loopback.into_iter().chain(addresses).map(|ip| ip.to_string()));
        Ok(names)
    }

    /// Names as they stand in a certificate.
    pub(super) fn given(common: String, alternatives: impl IntoIterator<Item = String>) -> Names {
        let alternatives = alternatives.into_iter().collect();
        Names { common, alternatives }
    }

    /// These names and the ones this machine has now. Nothing is taken away: a
    /// service address may be on another machine just now.
    pub(super) fn refreshed(mut self) -> Result<Names, Error> {
        let now = Names::of_machine(&self.common)?;
        self.add(now.alternatives);
        Ok(self)
    }

    /// The name for the certificate's subject.
    pub(super) fn common(&self) -> &str {
        &self.common
    }

    /// Host names and IP addresses for the certificate's alternative names.
    pub(super) fn alternatives(&self) -> &[String] {
        &self.alternatives
    }

    fn add(&mut self, names: impl IntoIterator<Item = String>) {
        for name in names {
            if !self.alternatives.contains(&name) {
                self.alternatives.push(name);
            }
        }
    }
}

/// Link-local addresses mean nothing without an interface and repeat on every link.
fn is_reachable(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !v4.is_link_local(),
        IpAddr::V6(v6) => !v6.is_unicast_link_local(),
    }
}

/// A machine whose interfaces cannot be listed still gets a certificate for its names.
fn machine_addresses() -> Vec<IpAddr> {
    let interfaces = getifaddrs().inspect_err(|error| {
        tracing::warn!(%error, "cannot list this machine's addresses, its certificate will carry its names only");
    });
    let addresses = interfaces.into_iter().flatten().filter_map(|i| i.address);
    addresses.filter_map(|address| ip_address(&address)).collect()
}

fn ip_address(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| v4.ip().into());
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| v6.ip().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(host: &str, addresses: &[&str]) -> Names {
        let addresses = addresses.iter().map(|a| a.parse().unwrap());
        Names::new(host, addresses).unwrap()
    }

    #[test]
    fn a_full_name_brings_its_short_form_and_the_loopback() {
        let names = names("Mgr.Example.com.", &[]);
        assert_eq!(names.common(), "mgr.example.com");
        assert_eq!(
            names.alternatives(),
            ["mgr.example.com", "mgr", "localhost", "127.0.0.1", "::1"]
        );
    }

    #[test]
    fn link_local_addresses_are_left_out_and_nothing_stands_twice() {
        let names = names(
            "localhost",
            &["127.0.0.1", "169.254.1.1", "fe80::1", "10.0.0.1", "2001:db8::1", "10.0.0.1"],
        );
        assert_eq!(
            names.alternatives(),
            ["localhost", "127.0.0.1", "::1", "10.0.0.1", "2001:db8::1"]
        );
    }

    #[test]
    fn an_address_may_stand_for_the_host_name() {
        assert_eq!(names("10.1.2.3", &[]).common(), "10.1.2.3");
        assert_eq!(names("10.1.2.3", &[]).alternatives()[..2], ["10.1.2.3", "localhost"]);
    }

    #[test]
    fn a_name_too_long_for_the_subject_is_there_by_its_short_form() {
        let long = format!("mgr.{}.example", "x".repeat(60));
        assert_eq!(names(&long, &[]).common(), "mgr");
        assert_eq!(names(&long, &[]).alternatives()[0], long);
    }

    #[test]
    fn what_is_no_host_name_is_refused() {
        for host in ["", ".", "two words", "*.example.com", "a..b", "-", "mgr\0", "münchen"] {
            assert!(matches!(Names::new(host, []), Err(Error::HostName(_))), "{host:?}");
        }
    }

    #[test]
    fn refreshing_keeps_what_was_there() {
        let old = Names::given("mgr".into(), ["mgr".into(), "192.0.2.77".into()]);
        let new = old.refreshed().unwrap();
        assert_eq!(new.alternatives()[..2], ["mgr", "192.0.2.77"]);
        assert!(new.alternatives().contains(&"::1".to_owned()));
    }
}
