//! Makes a self-signed certificate.
use std::io::{stderr, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    ecconfigd::tls::create_ssl_cert::main(std::env::args_os(), &mut stdout(), &mut stderr())
}
