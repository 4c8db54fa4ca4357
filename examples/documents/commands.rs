//! The commands that have a manual page, with the sections that are written by hand.

use clap::builder::PossibleValue;
use clap::{Arg, Command, CommandFactory};

/// All of them.
pub fn all() -> [(Command, &'static str); 3] {
    [
        (ecconfigd::daemon::command(), include_str!("../../docs/man/ecconfigd.8")),
        (
            ecconfigd::tls::create_ssl_cert::Arguments::command(),
            include_str!("../../docs/man/create_ssl_cert.8"),
        ),
        (ecconfigd_ctl(), include_str!("../../docs/man/ecconfigd_ctl.8")),
    ]
}

/// compat/ecconfigd_ctl is a shell script: this is its command line told to clap.
fn ecconfigd_ctl() -> Command {
    let actions = [
        PossibleValue::new("start").help("Start the server and wait until it answers"),
        PossibleValue::new("stop").help("Stop it, after it has finished what is in flight"),
        PossibleValue::new("restart").help("Stop it and start it again"),
        PossibleValue::new("status").help("Tell whether it runs"),
    ];
    Command::new("ecconfigd_ctl")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Start, stop or restart the configuration server")
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(Arg::new("action").value_name("ACTION").required(true).value_parser(actions))
}
