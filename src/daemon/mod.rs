//! The process: what it is told, what it needs from the system, how it starts, reloads and stops.

mod args;
mod backup;
mod backup_file;
mod certificate;
mod extra_args;
mod failure;
mod first_start;
mod initial;
mod limits;
mod lock;
mod logging;
mod members;
mod notify;
mod passwd;
mod ping;
mod reload;
mod restore;
mod serve;
mod signals;
mod sockets;
mod status;
mod user;
mod users;
mod verify;
mod watch;
mod watchdog;
mod welcome;

use std::process::ExitCode;

use args::{Args, Command};
use clap::CommandFactory;

use crate::process;

/// The command line of `ecconfigd`, for manual pages and completions.
pub fn command() -> clap::Command {
    Args::command()
}

/// The program `ecconfigd`.
pub fn main() -> ExitCode {
    process::harden();
    let args = match arguments() {
        Ok(args) => args,
        Err(code) => return code,
    };
    let result = match &args.command {
        None => serve::serve(&args),
        Some(Command::Passwd { role, name }) => passwd::passwd(&args.layout(), *role, name),
        Some(Command::Users { delete: None }) => users::users(&args.layout()),
        Some(Command::Users { delete: Some(name) }) => users::delete(&args.layout(), name),
        Some(Command::Members { put_out: Some(name), .. }) => members::put_out(&args, name),
        Some(Command::Members { at, .. }) if !at.is_empty() => members::look_at(&args, at),
        Some(Command::Members { .. }) => match members::members(&args) {
            Ok(code) => return code,
            Err(failure) => Err(failure),
        },
        Some(Command::Recover { .. }) => members::recover(&args.layout()),
        Some(Command::Backup { file }) => backup::backup(&args.layout(), file),
        Some(Command::Verify { what }) => verify::verify(&args.layout(), what.as_deref()),
        Some(Command::Restore { member, force_new_cluster, file }) => {
            restore::restore(&args.layout(), file, *member, *force_new_cluster)
        }
        Some(Command::Ping) => ping::ping(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

/// The arguments. Root has become the service's user when this returns: that user may put links in the
/// place of all files of the service, so root reads and writes none of them.
fn arguments() -> Result<Args, ExitCode> {
    let mut args = Args::of_process()?;
    let served = user::become_service(&mut args).and_then(|()| args.with_file());
    served.map_err(|failure| failure.tell())
}
