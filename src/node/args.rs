//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

use super::words::normalise;

/// The nodes' tool of the configuration server.
///
/// Works on the working copy in /opt/msys/ecelerity/etc/conf, whatever the current directory is.
/// Options may be shortened while they stay unique, and written with one hyphen.
#[derive(Debug, Parser)]
#[command(name = "eccfg", version, infer_long_args = true, args_override_self = true)]
pub struct Args {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, ClapArgs)]
pub struct Common {
    /// Tell errors only.
    #[arg(long, global = true, conflicts_with = "debug")]
    pub quiet: bool,

    /// Tell every step and how long it took.
    #[arg(long, global = true)]
    pub debug: bool,

    /// Who asks [default: $USER].
    #[arg(short, long, global = true, value_name = "NAME")]
    pub username: Option<String>,

    /// The password. Without it: the environment variable ECCFG_PASSWORD, --password-file, or the
    /// question on the terminal.
    // Its beginnings, which would also be those of --password-file.
    #[arg(short, long, aliases = ["p", "pa", "pas", "pass", "passw", "passwo", "passwor"],
          global = true, value_name = "PASSWORD", allow_hyphen_values = true)]
    pub password: Option<String>,

    /// A file whose first line is the password.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "password")]
    pub password_file: Option<PathBuf>,

    /// The working copy [default: /opt/msys/ecelerity/etc/conf].
    #[arg(long = "wc", alias = "working-copy", global = true, value_name = "PATH")]
    pub working_copy: Option<PathBuf>,

    /// Keep every file below DIR. Needs no privileges.
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the configuration out of a server for the first time.
    Bootstrap(Bootstrap),
    /// Make the ecconfigd of this machine a member of a server's cluster, as an administrator.
    ///
    /// bootstrap --clustername does that too. The name of this machine must stand in
    /// global/msgc_server.conf (or mbus.conf), with its address.
    Join(Join),
    /// Bring the working copy to the newest revision.
    Pull(Pull),
    /// Bring each change here as soon as it is made, until told to stop.
    ///
    /// For a service of its own, in place of the timer: waits at the server for the next change, and
    /// does then what pull --auto does. While no server can be reached it tries again, at most once a
    /// minute.
    Watch,
    /// List which node has which revision: exit code 1 if any is behind.
    Nodes {
        /// Only those of this subcluster.
        #[arg(value_name = "SUBCLUSTER")]
        subcluster: Option<String>,
    },
    /// Commit the local changes.
    Commit(Commit),
    /// Schedule files and directories for deletion by the next commit.
    Delete {
        /// Files and directories.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Undo local changes, deletions included.
    Revert {
        /// Files and directories.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Say that a conflict of `pull --manual` has been mended.
    Resolve {
        /// Give the local side up.
        #[arg(long)]
        revert: bool,
        /// Files in conflict.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// List the local changes: M changed, A added, D deleted, ? unknown, ! missing, C in conflict.
    Status {
        /// Files and directories [default: all].
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Tell which subcluster, server and revision the working copy is of.
    Info,
    /// Show the local changes.
    Diff {
        /// Files and directories [default: all].
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Show the revisions, the newest first.
    Log {
        /// Show no more than NUMBER.
        #[arg(short = 'n', long = "number", value_name = "NUMBER")]
        number: Option<usize>,
        /// Only those that changed this file or directory.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print a file as it is at a revision.
    Cat {
        /// A revision: its number, or seven digits or more of a commit id [default: that of the
        /// working copy].
        #[arg(short, long, value_name = "REVISION")]
        revision: Option<String>,
        /// The file.
        file: PathBuf,
    },
    /// Commit the files of an earlier revision again, and pull.
    Rollback {
        /// Why.
        #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
        message: Option<String>,
        /// That of `global`, instead of the subcluster.
        #[arg(long)]
        global: bool,
        /// The revision to go back to.
        revision: String,
    },
    /// In the repository, make DESTINATION an exact copy of the directory SOURCE.
    Clone(Directories),
    /// In the repository, lay the directory SOURCE over DESTINATION: what only DESTINATION has
    /// stays.
    Overlay(Directories),
    /// Put a file into the repository if it differs; `put running` saves the running configuration.
    Put(Put),
    /// Accept the key of a server.
    Trust(Trust),
    /// Keep the service account's password for `pull --auto` and `put running`.
    ///
    /// Asks for it, or reads the first line of the standard input.
    StorePassword,
    /// Look at subclusters and change them at the server.
    #[command(subcommand)]
    Subcluster(Subcluster),
}

/// How to know the server when it is met for the first time.
#[derive(Debug, ClapArgs)]
#[group(multiple = false)]
pub struct Meeting {
    /// The fingerprint of the server's certificate. On the server,
    /// `openssl x509 -noout -fingerprint -sha256 -in /var/ecconfigd/apache/server.crt` tells it.
    #[arg(long, value_name = "SHA256:HEX")]
    pub fingerprint: Option<String>,
    /// A file of certificates that sign those of the servers.
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub struct Bootstrap {
    /// The subcluster that this node is to be a member of [default: default].
    #[arg(long, value_name = "NAME", conflicts_with = "singlenode")]
    pub clustername: Option<String>,
    /// This node is no member of a cluster: cluster.boot is not written.
    #[arg(long)]
    pub singlenode: bool,
    #[command(flatten)]
    pub meeting: Meeting,
    /// The server [default: the one on this machine].
    #[arg(value_name = "HOST[:PORT]")]
    pub server: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub struct Join {
    #[command(flatten)]
    pub meeting: Meeting,
    /// A server of the cluster, or the one that is to be the first of it.
    #[arg(value_name = "HOST[:PORT]")]
    pub server: String,
}

#[derive(Debug, ClapArgs)]
pub struct Pull {
    /// For cron: as the service account, and as `autoupdate` in cluster.boot says.
    #[arg(long)]
    pub auto: bool,
    /// Where changes overlap, keep the local ones.
    #[arg(long, conflicts_with_all = ["theirs", "manual"])]
    pub mine: bool,
    /// Where changes overlap, take the new ones.
    #[arg(long, conflicts_with = "manual")]
    pub theirs: bool,
    /// Where changes overlap, leave both in the file, with markers.
    #[arg(long)]
    pub manual: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Commit {
    /// Add all unknown files without asking.
    #[arg(long)]
    pub add_all: bool,
    /// Delete all missing files without asking.
    #[arg(long)]
    pub delete_all: bool,
    /// Why.
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub message: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub struct Directories {
    /// Why.
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub message: Option<String>,
    /// A directory of the working copy, such as that of a node.
    pub source: PathBuf,
    /// Another one, which need not be there.
    pub destination: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub struct Put {
    /// Why.
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub message: Option<String>,
    /// The command that prints the running configuration [default: the variable ECCFG_RUNNING, or
    /// ec_console /tmp/2025 config show].
    #[arg(long, value_name = "COMMAND")]
    pub running_command: Option<String>,
    /// A file of this machine, or the word running.
    pub source: PathBuf,
    /// The path in the repository, for a file.
    pub destination: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub struct Trust {
    #[command(flatten)]
    pub meeting: Meeting,
    /// The server [default: the one of the working copy].
    #[arg(value_name = "HOST[:PORT]")]
    pub server: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Subcluster {
    /// List the subclusters on one line, with ! before one in CONFLICT.
    Clusters,
    /// Put a subcluster into CONFLICT: updates and commits are refused.
    Conflict { cluster: String },
    /// Copy a subcluster.
    ///
    /// Without --with-history the newest files of SOURCE are laid over those of DESTINATION.
    Copy {
        /// DESTINATION must not exist and gets all revisions.
        #[arg(long)]
        with_history: bool,
        source: String,
        destination: String,
    },
    /// Make a subcluster from the packaged templates.
    Create { cluster: String },
    /// Tell the host name of the MASTER.
    Master { cluster: Option<String> },
    /// Pin the MASTER to a node, for good.
    Override { cluster: String, node: String },
    /// Let the MASTER be elected again; NODE is it for the moment.
    Resume { cluster: String, node: String },
    /// Try to end the CONFLICT of a subcluster.
    Resolve { cluster: String },
    /// Tell the SLAVE nodes that can be reached.
    Slaves {
        /// One line for each, with how many changes of the cluster it lacks.
        #[arg(long)]
        verbose: bool,
        cluster: Option<String>,
    },
}

impl Args {
    /// Those of this process, in the form that the parser knows.
    pub fn words() -> Vec<OsString> {
        normalise(std::env::args_os().collect())
    }
}
