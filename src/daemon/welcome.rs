//! What somebody at a terminal wants to know first.

use std::io::{IsTerminal, Write, stdout};
use std::net::{IpAddr, SocketAddr};

use crate::layout::Layout;
use crate::tls::Fingerprint;

/// Says it, if there is a terminal.
pub(super) fn say(layout: &Layout, addresses: &[SocketAddr], certificate: Fingerprint) {
    if stdout().is_terminal() {
        // Nothing depends on it.
        let _ = stdout().write_all(text(layout, addresses, certificate).as_bytes());
    }
}

fn text(layout: &Layout, addresses: &[SocketAddr], certificate: Fingerprint) -> String {
    let listed: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let initial = layout.initial_passwords();
    let passwords = match initial.exists() {
        true => initial.display().to_string(),
        false => "set with `ecconfigd passwd NAME`".into(),
    };
    let host = addresses.first().map_or("localhost".into(), host);
    let certificate_file = layout.certificates().join("server.crt");
    format!(
        "\n\
         Listening on   {}\n\
         Certificate    {certificate}\n\
         Passwords      {passwords}\n\
         Next, in another terminal:\n\
         \n  git -c http.sslCAInfo={} clone https://admin@{host}/config/default\n\n",
        listed.join(", "),
        certificate_file.display(),
    )
}

/// An address that can be typed.
fn host(address: &SocketAddr) -> String {
    let port = address.port();
    match address.ip() {
        ip if ip.is_unspecified() => format!("localhost:{port}"),
        IpAddr::V4(ip) => format!("{ip}:{port}"),
        IpAddr::V6(ip) => format!("[{ip}]:{port}"),
    }
}
