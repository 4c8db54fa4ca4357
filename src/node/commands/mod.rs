//! One file for each command.

mod bootstrap;
mod cat;
mod commit;
mod copy_directory;
mod delete;
mod diff;
mod info;
mod join;
mod log;
mod nodes;
pub(super) mod pull;
mod put;
mod resolve;
mod revert;
mod rollback;
mod status;
mod store_password;
mod subcluster;
mod trust;

use self::copy_directory::Others;
use super::Error;
use super::args::Command;
use super::given::Given;
use super::session::Session;
use super::watch;

/// Does what the command line says, as the service's user if root calls it: that user may put links in
/// the place of every file that a command reads or writes.
pub fn run(session: &Session, command: Command) -> Result<(), Error> {
    let given = Given::read(&command)?;
    session.become_service()?;
    match command {
        Command::Delete { files } => delete::run(session, &files),
        Command::Revert { files } => revert::run(session, &files),
        Command::Resolve { revert, files } => resolve::run(session, revert, &files),
        Command::Status { files } => status::run(session, &files),
        Command::Info => info::run(session),
        Command::Diff { files } => diff::run(session, &files),
        Command::Log { number, file } => log::run(session, number, file.as_deref()),
        Command::Cat { revision, file } => cat::run(session, revision.as_deref(), &file),
        Command::Bootstrap(options) => bootstrap::run(session, &options, given),
        Command::Join(options) => join::run(session, &options, given),
        Command::Pull(options) => pull::run(session, &options),
        Command::Commit(options) => commit::run(session, &options),
        Command::Rollback { message, global, revision } => {
            rollback::run(session, &revision, global, message.as_deref())
        }
        Command::Clone(directories) => copy_directory::run(session, &directories, Others::Deleted),
        Command::Overlay(directories) => copy_directory::run(session, &directories, Others::Kept),
        Command::Put(options) => put::run(session, &options, given),
        Command::Trust(options) => trust::run(session, &options, given),
        Command::StorePassword => store_password::run(session),
        Command::Nodes { subcluster } => nodes::run(session, subcluster.as_deref()),
        Command::Watch => watch::run(session),
        Command::Subcluster(command) => subcluster::run(session, &command),
    }
}
