//! `ecconfigd members` and `ecconfigd recover`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
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
    let address = address(args);
    let no_answer = |error| no_answer(address, &error);
    let members = replication::ask_members(&layout, address).map_err(no_answer)?;
    let admitted = replication::ask_admitted(&layout, address).map_err(no_answer)?;
    members.iter().for_each(|member| println!("{member}"));
    admitted.iter().for_each(|server| println!("{server}"));
    Ok(match members.iter().all(MemberNow::is_there) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Puts a server out of the cluster.
pub(super) fn put_out(args: &Args, name: &str) -> Result<(), Failure> {
    let address = address(args);
    let put_out = replication::put_out(&args.layout(), address, name);
    put_out.map_err(|error| no_answer(address, &error))?.map_err(Failure::unavailable)?;
    println!("{name} is put out of the cluster: no member knows its key any more.");
    println!("Take it out of global/msgc_server.conf, too, if it is still listed there.");
    Ok(())
}

/// Has the server look for members at these addresses.
pub(super) fn look_at(args: &Args, members: &[(String, String)]) -> Result<(), Failure> {
    let server = address(args);
    for (name, address) in members {
        let looked = replication::look_at(&args.layout(), server, name, address);
        looked.map_err(|error| no_answer(server, &error))?.map_err(Failure::unavailable)?;
        println!("{name} answers at {address}.");
    }
    println!(
        "When a member leads, commit global/msgc_server.conf with the addresses that are right."
    );
    Ok(())
}

fn address(args: &Args) -> SocketAddr {
    args.listen.unwrap_or((Ipv4Addr::LOCALHOST, PORT).into())
}

fn no_answer(address: SocketAddr, error: &io::Error) -> Failure {
    Failure::unavailable(format!("no answer from ecconfigd on {address}: {error}"))
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
        Some(0) => println!("Changes that only other servers had are lost."),
        None => println!(
            "Changes that only other servers had are lost; the log is damaged, so it is not known whether its last entries had been made here: look whether the repositories have what was committed last."
        ),
        Some(count) => println!(
            "Changes that only other servers had are lost; so are those of the last {count} entries of the log that had not been made here yet: look whether the repositories have what was committed last."
        ),
    }
    println!("Start it (systemctl start ecconfigd), and let others in again: eccfg join HOST.");
    Ok(())
}
