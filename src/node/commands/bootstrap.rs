//! `eccfg bootstrap`.

use super::join;
use super::pull::{targets, tell};
use crate::momentum::{Address, ClusterBoot};
use crate::node::given::Given;
use crate::node::remote::Remote;
use crate::node::session::Session;
use crate::node::working_copy::{Lock, Paths, Plan, Strategy, WorkingCopy};
use crate::node::{Error, args, boot_file, notes};

/// The subcluster of an installation that has no others.
const DEFAULT: &str = "default";
const HOW_TO_KEEP_A_PASSWORD: &str = "For eccfg pull --auto, give this node the service account's \
                                      password: eccfg store-password";

pub fn run(session: &Session, options: &args::Bootstrap, given: Given) -> Result<(), Error> {
    let paths = session.paths()?;
    let boot = session.cluster_boot()?;
    must_be_first(&paths)?;
    let subcluster = subcluster(options, boot.as_ref());
    let server = server(options)?;
    session.meet(&server, &options.meeting, given)?;
    let login = session.login()?;
    let mut remote = session.connect_to(&[server], login)?;
    let lock = Lock::take(&paths)?;
    let origin = format!("https://{}", remote.address());
    // Another one may have been quicker.
    must_be_first(&paths)?;
    let mut working_copy = WorkingCopy::create(&lock, &paths, &subcluster, &origin)?;
    session.finish_what_was_begun(&lock, &working_copy)?;
    let plan = plan(session, &mut remote, &working_copy)?;
    // Before there is a working copy, so that one that is killed can be given again.
    if !options.singlenode {
        boot_file::set_cluster(&session.layout.cluster_boot(), &subcluster)?;
    }
    let is_kept = session.keep_service_password(login)?;
    tell(session, &working_copy.carry_out(&lock, plan)?);
    if !is_kept {
        session.output.say(HOW_TO_KEEP_A_PASSWORD);
    }
    match options.singlenode {
        true => Ok(()),
        false => join::after_bootstrap(session, &mut remote),
    }
}

fn must_be_first(paths: &Paths) -> Result<(), Error> {
    match WorkingCopy::open(paths)? {
        None => Ok(()),
        Some(_) => Err(Error::Refused(format!(
            "there is a working copy in {} already: eccfg pull brings it up to date",
            paths.tree.display()
        ))),
    }
}

/// What the command line says, or else what was written down before.
fn subcluster(options: &args::Bootstrap, boot: Option<&ClusterBoot>) -> String {
    let written = boot.filter(|_| !options.singlenode).map(|boot| boot.cluster_name.clone());
    options.clustername.clone().or(written).unwrap_or_else(|| DEFAULT.to_owned())
}

fn server(options: &args::Bootstrap) -> Result<Address, Error> {
    let typed = options.server.as_deref().unwrap_or("127.0.0.1");
    typed.parse().map_err(|error: crate::momentum::AddressError| Error::Usage(error.to_string()))
}

/// Files that are there already are local changes; what overlaps is told, and nothing is done.
fn plan(session: &Session, remote: &mut Remote, working_copy: &WorkingCopy) -> Result<Plan, Error> {
    let names: Vec<&str> = working_copy.parts.iter().map(|part| part.subcluster.as_str()).collect();
    let heads = session.ask(remote, &names)?;
    let targets = targets(working_copy, &heads)?;
    for (part, &target) in working_copy.parts.iter().zip(&targets) {
        session.fetch(part, remote, target)?;
        part.set_upstream(target)?;
    }
    let plan = working_copy.plan(&targets, Strategy::Refuse)?;
    if plan.conflicts.is_empty() {
        return Ok(plan);
    }
    notes::conflicts(session.output, &plan.conflicts);
    Err(Error::Refused(format!(
        "{} holds other files than the server under these names: move it away, bootstrap, and copy \
         back what you need",
        working_copy.paths.tree.display()
    )))
}
