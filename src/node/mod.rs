//! eccfg, the nodes' tool: a working copy of the configuration, brought up to date and committed.
//!
//! `main` reads the `args` and calls one of the commands. A command asks the server through
//! `remote` and changes files through `working_copy`, and nothing else does either.

mod access;
mod advice;
mod args;
mod boot_file;
mod command;
mod commands;
mod debug;
mod error;
mod given;
mod history;
mod message;
mod notes;
mod output;
mod owner;
pub mod password;
mod path_argument;
mod progress;
mod publish;
mod reload;
pub mod remote;
mod report;
mod session;
mod sources;
pub mod trust;
mod user;
mod watch;
mod words;
mod working_copy;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use self::args::Args;
pub use self::error::Error;
use self::owner::owner;
use self::session::Session;
use crate::process;

/// The command line, for manual page and completions.
pub fn command() -> clap::Command {
    Args::command()
}

/// Runs eccfg with the arguments of this process.
pub fn main() -> ExitCode {
    process::harden();
    let words = Args::words();
    if let Err(error) = password::hide_from_process_list(&words) {
        eprintln!("eccfg: others can see the password in the process list: {error}");
    }
    let args = match Args::try_parse_from(words) {
        Ok(args) => args,
        Err(error) => {
            // Nobody is there to be told if even this cannot be written.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("eccfg: {error}");
            error.exit_code()
        }
    }
}

fn run(args: Args) -> Result<(), Error> {
    crate::libgit2::configure()?;
    crate::libgit2::sync_everything()?;
    debug::start(&args.common);
    let session = Session::new(args.common)?;
    commands::run(&session, args.command)
}
