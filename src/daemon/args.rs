//! The command line, with the words of `EXTRA_ARGS` behind it.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Parser, Subcommand};

use super::extra_args::ExtraArgs;
use super::failure::Failure;
use crate::accounts::Role;
use crate::layout::Layout;

/// The port of the original.
pub(super) const PORT: u16 = 2027;

/// The Momentum configuration server.
///
/// Keeps the configuration of a mail cluster in git repositories and serves them over TLS. No
/// argument is needed for normal operation. The words of the environment variable EXTRA_ARGS are
/// further arguments; without it, those it has in /opt/msys/ecelerity/etc/environment are the
/// server's.
#[derive(Debug, Parser)]
#[command(name = "ecconfigd", version, args_override_self = true)]
pub(super) struct Args {
    /// How much to log, from 0 to 7: 3 errors, 4 warnings too, 5 notices such as commits, 6
    /// requests, 7 everything.
    #[arg(long, global = true, value_name = "LEVEL", default_value_t = 4,
          value_parser = clap::value_parser!(u8).range(0..=7))]
    log_level: u8,

    /// Run in the foreground and set the log level to 7.
    #[arg(long, global = true)]
    debug: bool,

    /// Keep every file below DIR. Needs no privileges.
    #[arg(long, global = true, value_name = "DIR",
          value_parser = PathBufValueParser::new().try_map(std::path::absolute))]
    root: Option<PathBuf>,

    /// Where to listen, if systemd passes no sockets [default: [::]:2027, with --root
    /// 127.0.0.1:2027].
    #[arg(long, global = true, value_name = "ADDR")]
    pub(super) listen: Option<SocketAddr>,

    /// Keep everything and vote, as a member of a cluster, but serve nobody: a third machine for two
    /// that serve, so that either of them may fail.
    #[arg(long)]
    pub(super) vote_only: bool,

    #[command(subcommand)]
    pub(super) command: Option<Command>,

    /// What there is to be said of the arguments as soon as there is a log.
    #[arg(skip)]
    pub(super) warnings: Vec<String>,

    /// Whether the caller has set EXTRA_ARGS.
    #[arg(skip)]
    has_extra: bool,
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Set the password of an account, and make it if it is new.
    ///
    /// Asks on a terminal; otherwise reads the first line of the standard input. A running server
    /// notices.
    Passwd {
        /// What the account may do: administrator, service (read, and save running
        /// configurations) or reader [default: its role, or reader if it is new].
        #[arg(long)]
        role: Option<Role>,
        /// The account's name.
        name: String,
    },
    /// List the accounts and their roles, or delete one.
    Users {
        /// Delete this account instead. A running server notices, and tells the other members of its
        /// cluster.
        #[arg(long, value_name = "NAME")]
        delete: Option<String>,
    },
    /// List the servers of the cluster, how they are and how far they have come, and who was let in
    /// and is no member: exit code 1 if a member does not answer.
    ///
    /// Asks the server on 127.0.0.1:2027, or where --listen says.
    Members {
        /// Put a server out of the cluster instead: its key opens nothing any more at any member,
        /// whether it is listed or not. It comes back by eccfg join alone.
        #[arg(long, value_name = "NAME")]
        put_out: Option<String>,
        /// Have the server look for the member NAME at this address, too, until it is restarted: when
        /// members have moved, do not find each other, and so take no commit of a new list.
        #[arg(long, value_name = "NAME=HOST[:PORT]", value_parser = name_and_address,
              conflicts_with = "put_out")]
        at: Vec<(String, String)>,
    },
    /// Let this server go on alone when most of the others are lost for good.
    ///
    /// What only they had is lost. The server must be stopped; start it afterwards, and let others
    /// in again with eccfg join. Never do it while the others may come back: they would go on
    /// without this one.
    Recover {
        /// Yes, it is to be so.
        #[arg(long, required = true)]
        force_new_cluster: bool,
    },
    /// Write all that this server has into one archive: repositories, accounts, key and certificate.
    ///
    /// The server may be running, and changes may come in. What the archive's references lead to is in
    /// it; that is checked before the file gets its name. It holds secrets: only its owner may read it.
    Backup {
        /// The archive, in the form of tar; - is the standard output.
        #[arg(value_name = "FILE|-")]
        file: PathBuf,
    },
    /// Check that a backup, or what lies in a directory, is whole: exit code 0 if it is.
    ///
    /// Of a backup the sum of each file, and in any case everything that branches and tags lead to.
    /// Changes nothing, and tells the newest revision of each subcluster.
    Verify {
        /// A backup, - for one on the standard input, or a directory like /var/ecconfigd [default:
        /// what this server has].
        #[arg(value_name = "FILE|DIRECTORY")]
        what: Option<PathBuf>,
    },
    /// Put a backup back, into the directory of a server that is stopped and has nothing.
    ///
    /// All of it is checked first. Start the server afterwards.
    Restore {
        /// It was a member of a cluster and others of them live: it becomes one again, with another
        /// number, and gets everything from them.
        #[arg(long, conflicts_with = "force_new_cluster")]
        member: bool,
        /// It was a member of a cluster that is lost as a whole: it begins anew with what the backup
        /// has, and others join it. Never do it while others live: there would be two clusters.
        #[arg(long)]
        force_new_cluster: bool,
        /// The backup; - is the standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Ask the server on this machine whether it is well: exit code 0 if it is.
    ///
    /// Asks /livez on 127.0.0.1:2027, or where --listen says.
    Ping,
}

impl Command {
    /// Whether it reads or writes a file of the caller's, who may be root: such a command acts as the
    /// service's user by itself, when that is open.
    pub(super) fn has_archive(&self) -> bool {
        matches!(self, Self::Backup { .. } | Self::Verify { .. } | Self::Restore { .. })
    }
}

impl Args {
    /// The arguments of this process and its caller. Help and wrong usage have been told already when
    /// this fails.
    pub(super) fn of_process() -> Result<Self, ExitCode> {
        let own = Self::try_parse_from(std::env::args_os()).map_err(|error| tell(&error))?;
        let args = match ExtraArgs::of_caller() {
            Some(extra) => extra.and_then(Self::with_extra),
            None => Ok(own),
        };
        args.map_err(|failure| failure.tell())
    }

    /// The same with the words of the file, which lies below the root, if they are wanted: the file is
    /// the service's, and commands are typed by people.
    pub(super) fn with_file(self) -> Result<Self, Failure> {
        if self.has_extra || self.command.is_some() {
            return Ok(self);
        }
        let extra = ExtraArgs::of_file(&self.layout().environment())?;
        let origin = extra.origin.clone();
        let mut args = Self::with_extra(extra)?;
        args.warnings.extend(self.warnings);
        match args.root == self.root {
            true => Ok(args),
            // Nor may whoever can write it, who is not root, say where root writes.
            false => Err(Failure::usage(format!(
                "{origin}: --root has no place in a file that lies below it; take it out"
            ))),
        }
    }

    fn with_extra(extra: ExtraArgs) -> Result<Self, Failure> {
        let words = std::env::args_os().chain(extra.words);
        let args = Self::try_parse_from(words).map_err(|error| {
            Failure::usage(format!("{}: {}", extra.origin, what_is_wrong(&error)))
        })?;
        Ok(Self { warnings: extra.warnings, has_extra: true, ..args })
    }

    /// From 0 to 7.
    pub(super) fn level(&self) -> u8 {
        if self.debug { 7 } else { self.log_level }
    }

    pub(super) fn layout(&self) -> Layout {
        Layout::new(self.root.as_deref().unwrap_or("/".as_ref()))
    }

    /// Where to listen if nothing else is said, the second if the first cannot be: a machine
    /// without IPv6 has no `[::]`.
    pub(super) fn default_addresses(&self) -> Vec<SocketAddr> {
        match self.root {
            Some(_) => vec![(Ipv4Addr::LOCALHOST, PORT).into()],
            None => {
                vec![(Ipv6Addr::UNSPECIFIED, PORT).into(), (Ipv4Addr::UNSPECIFIED, PORT).into()]
            }
        }
    }
}

fn name_and_address(text: &str) -> Result<(String, String), &'static str> {
    let parts = text.split_once('=').ok_or("write NAME=HOST or NAME=HOST:PORT")?;
    Ok((parts.0.to_owned(), parts.1.to_owned()))
}

/// Help goes to those who asked for it.
fn tell(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        return Failure::usage(what_is_wrong(error)).tell();
    }
    // Nothing better can be done where even this cannot be written.
    let _ = error.print();
    ExitCode::SUCCESS
}

/// What is wrong with a command line, in one line, as it may be read in the journal.
fn what_is_wrong(error: &clap::Error) -> String {
    let text = error.to_string();
    let what = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    let words: Vec<&str> = what.split_whitespace().collect();
    format!("{}; `ecconfigd --help` shows what there is", words.join(" "))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_last_word_wins_and_debug_is_level_7() {
        let args = Args::parse_from(["ecconfigd", "--log-level", "4", "--log-level", "6"]);
        assert_eq!(args.level(), 6);
        assert_eq!(Args::parse_from(["ecconfigd"]).level(), 4);
        assert_eq!(Args::parse_from(["ecconfigd", "--debug"]).level(), 7);
    }
}
