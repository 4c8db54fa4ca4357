//! The configuration server.

use std::process::ExitCode;

fn main() -> ExitCode {
    ecconfigd::daemon::main()
}
