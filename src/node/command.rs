//! Commands of the mail server.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SIGKILL, kill};
use nix::unistd::Pid;

use super::password;
use super::session::Session;

/// A command that has not ended within this time is ended.
const LIMIT: Duration = Duration::from_secs(120);
/// What `sh` says of a command that is not installed.
pub const NOT_FOUND: i32 = 127;

/// Not looked for in the mail server's directory first: then this whole process would have to be
/// copied to start it.
const SHELL: &str = "/bin/sh";
/// Takes the terminal away from a command, which the service's user may have chosen, and root may have
/// started: it could type there for root.
const WITHOUT_TERMINAL: &str = "/usr/bin/setsid";

/// Runs a command with `sh`, without input. Fails with why it could not be run to its end.
pub fn run(session: &Session, command: &str) -> Result<Output, String> {
    let mut shell = shell();
    shell.args(["-c", command]).env("PATH", session.path()).stdin(Stdio::null());
    // The mail server has no use for it, and might tell.
    shell.env_remove(password::VARIABLE);
    let child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.map_err(|error| error.to_string())?;
    let id = Pid::from_raw(child.id().cast_signed());
    let (sender, receiver) = channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    receiver.recv_timeout(LIMIT).map_or_else(
        |_| {
            // It may have ended in this moment.
            let _ = kill(id, SIGKILL);
            Err(format!("it did not end within {} s", LIMIT.as_secs()))
        },
        |output| output.map_err(|error| error.to_string()),
    )
}

fn shell() -> Command {
    if !Path::new(WITHOUT_TERMINAL).exists() {
        return Command::new(SHELL);
    }
    let mut shell = Command::new(WITHOUT_TERMINAL);
    shell.args(["--wait", SHELL]);
    shell
}

/// What it prints. Fails with why there is nothing to be had of it.
pub fn output_of(session: &Session, command: &str) -> Result<Vec<u8>, String> {
    let failed = |why: String| format!("{command}: {why}");
    let output = run(session, command).map_err(failed)?;
    match output.status.success() && !output.stdout.is_empty() {
        true => Ok(output.stdout),
        false => Err(failed(said(&output))),
    }
}

/// What it says of its failure.
pub fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
    match text.trim() {
        "" => format!("it said nothing ({})", output.status),
        text => format!("{text} ({})", output.status),
    }
}
