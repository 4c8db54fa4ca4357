//! `ecconfigd members` and `ecconfigd recover`.

use std::net::Ipv4Addr;
use std::process::ExitCode;

use super::args::{Args, PORT};
use super::failure::Failure;
use super::lock;
use crate::layout::Layout;
use crate::replication::{self, MemberNow};

/// Lists the members. The exit code tells whether all of them answer.
pub(super) fn members(args: &Args) -> Result<ExitCode, Failure> {
    let layout = args.layout();
    if !layout.cluster_log().exists() {
        println!("This server stands alone.");
        return Ok(ExitCode::SUCCESS);
    }
    let address = args.listen.unwrap_or((Ipv4Addr::LOCALHOST, PORT).into());
    let members = replication::ask_members(&layout, address).map_err(|error| {
        Failure::unavailable(format!("no answer from ecconfigd on {address}: {error}"))
    })?;
    members.iter().for_each(|member| println!("{member}"));
    Ok(match members.iter().all(MemberNow::is_there) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Makes this server stand alone.
pub(super) fn recover(layout: &Layout) -> Result<(), Failure> {
    let _not_running = lock::take(layout)?;
    let recovered = replication::recover(layout).map_err(|error| {
        Failure::system(format!("nothing was changed in {}: {error}", layout.cluster().display()))
    })?;
    let Some(recovered) = recovered else {
        println!("This server is no member of a cluster: nothing to do.");
        return Ok(());
    };
    println!("This server stands alone from now on, with the repositories that it has.");
    println!("The cluster's log is kept in {}.", recovered.kept.display());
    match recovered.not_made {
        0 => println!("Changes that only other servers had are lost."),
        count => println!(
            "Changes that only other servers had are lost; so are those of the last {count} entries of the log that had not been made here yet: look whether the repositories have what was committed last."
        ),
    }
    println!("Start it (systemctl start ecconfigd), and let others in again: eccfg join HOST.");
    Ok(())
}
