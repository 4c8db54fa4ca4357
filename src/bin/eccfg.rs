//! The nodes' tool.

use std::process::ExitCode;

fn main() -> ExitCode {
    ecconfigd::node::main()
}
