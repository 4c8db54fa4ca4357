//! `eccfg put`.

use std::io;
use std::path::Path;

use crate::node::command::output_of;
use crate::node::given::Given;
use crate::node::output::shown;
use crate::node::path_argument::resolve;
use crate::node::publish::{RUNNING, Work, publish};
use crate::node::remote::Remote;
use crate::node::session::Session;
use crate::node::working_copy::{BOOT, FILE, LINK, Leaf, Listing, Part, obstacle};
use crate::node::{Error, args, notes};

/// The command, for `sh`, that prints the running configuration.
const COMMAND: &str = "ec_console /tmp/2025 config show";
/// What replaces it, in the environment or the file `environment`.
const VARIABLE: &str = "ECCFG_RUNNING";

/// The name of the saved running configuration, in the directory of its node.
const RUNNING_FILE: &str = "running.conf";

pub fn run(session: &Session, options: &args::Put, given: Given) -> Result<(), Error> {
    match &options.destination {
        None if options.source == Path::new("running") => running(session, options),
        None => Err(Error::Usage(format!(
            "where is {} to be put? eccfg put SOURCE DESTINATION, or eccfg put running",
            options.source.display()
        ))),
        Some(destination) => file(session, options, destination, &given.source),
    }
}

fn file(
    session: &Session,
    options: &args::Put,
    destination: &Path,
    content: &[u8],
) -> Result<(), Error> {
    let (_lock, working_copy) = session.change()?;
    let whole = resolve(&working_copy, destination)?;
    let (part, path) = working_copy.locate(&whole);
    if path.is_empty() {
        return Err(Error::Usage(format!(
            "{} is a directory: name the file that is to be there",
            destination.display()
        )));
    }
    let mut remote = session.connect(&working_copy)?;
    let author = session.author();
    let default = format!("Put {}", shown(&whole));
    let message = options.message.as_deref().unwrap_or(&default);
    let work = Work { part, branch: BOOT, author, message };
    put(session, &mut remote, &work, path, content)
}

/// Only a configuration that differs is saved.
fn running(session: &Session, options: &args::Put) -> Result<(), Error> {
    drop(session.working_copy()?);
    let command = match &options.running_command {
        Some(command) => command.clone(),
        None => session.variable(VARIABLE)?.unwrap_or_else(|| COMMAND.to_owned()),
    };
    let content = output_of(session, &command)
        .map_err(|why| Error::Refused(format!("the running configuration was not saved: {why}")))?;
    let boot = session.cluster_boot()?;
    let host = nix::unistd::gethostname().map_err(io::Error::from);
    let host = host.map_err(Error::file(Path::new("the host name")))?;
    let host = host.to_string_lossy();
    let name = match &boot {
        Some(boot) => boot.node_name(&host).to_owned(),
        None => host.split('.').next().unwrap_or(&host).to_owned(),
    };
    let (_lock, working_copy) = session.change()?;
    let mut remote = session.connect_as(&working_copy, session.is_unattended())?;
    let author = session.author();
    let default = format!("Running configuration of {name}");
    let message = options.message.as_deref().unwrap_or(&default);
    let part: &Part = &working_copy.parts[0];
    let work = Work { part, branch: RUNNING, author, message };
    let path = format!("{name}/{RUNNING_FILE}");
    put(session, &mut remote, &work, path.as_bytes(), &content)
}

fn put(
    session: &Session,
    remote: &mut Remote,
    work: &Work<'_>,
    path: &[u8],
    content: &[u8],
) -> Result<(), Error> {
    let id = work.part.repository.blob(content)?;
    let published = publish(session, remote, work, |files| {
        if let Some(other) = obstacle(files, path) {
            return Err(Error::Refused(format!(
                "{} cannot be made, for {} is there",
                shown(path),
                shown(other)
            )));
        }
        let there = files.get(path).map(|leaf| leaf.mode).filter(|&mode| mode != LINK);
        let mode = there.unwrap_or(FILE);
        let mut files: Listing = files.clone();
        files.insert(path.to_owned(), Leaf { id, mode });
        Ok(files)
    })?;
    notes::published(session, work.part, published.as_ref());
    Ok(())
}
