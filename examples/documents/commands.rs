//! The commands that have a manual page, with the sections that are written by hand.

use clap::{Command, CommandFactory};

/// All of them.
pub fn all() -> [(Command, &'static str); 4] {
    [
        (ecconfigd::daemon::command(), include_str!("../../docs/man/ecconfigd.8")),
        (
            ecconfigd::tls::create_ssl_cert::Arguments::command(),
            include_str!("../../docs/man/create_ssl_cert.8"),
        ),
        (ecconfigd::node::command(), include_str!("../../docs/man/eccfg.8")),
        (ecconfigd_ctl(), include_str!("../../docs/man/ecconfigd_ctl.8")),
    ]
}

/// compat/ecconfigd_ctl is a shell script: this is its command line told to clap.
fn ecconfigd_ctl() -> Command {
    let actions = [
        ("start", "Start the server and wait until it answers"),
        ("stop", "Stop it, after it has finished what is in flight"),
        ("restart", "Stop it, start it again and wait until it answers"),
        ("status", "Tell whether it runs"),
    ];
    Command::new("ecconfigd_ctl")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Start, stop or restart the configuration server")
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .disable_version_flag(true)
        .subcommand_required(true)
        .subcommands(actions.map(|(name, about)| Command::new(name).about(about)))
}
