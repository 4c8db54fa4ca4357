//! What commands on a member's own machine ask it: they have its key, and come as it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use super::admissions::Admitted;
use super::link::{Link, Unanswered};
use super::raft::Member;
use super::standing::MemberNow;
use super::wire::{ADMITTED, LOOK_AT, MEMBERS, PUT_OUT};
use crate::layout::Layout;
use crate::tls::{Pair, ServerTls};

/// Each other member is asked by the one that is asked here.
const PATIENCE: Duration = Duration::from_secs(10);
/// What has to be decided by all may take so long.
const CHANGE_PATIENCE: Duration = Duration::from_secs(60);

/// The members, as the server at this address of this machine knows them.
pub fn ask_members(layout: &Layout, address: SocketAddr) -> io::Result<Vec<MemberNow>> {
    ask(layout, address, MEMBERS, Vec::new(), PATIENCE).map_err(cause)
}

/// Those who have been let in and are no members, as it knows them. One of an earlier version, which
/// runs until it is restarted, tells of nobody.
pub fn ask_admitted(layout: &Layout, address: SocketAddr) -> io::Result<Vec<Admitted>> {
    match ask(layout, address, ADMITTED, Vec::new(), PATIENCE) {
        Err(Unanswered::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(Vec::new()),
        answer => answer.map_err(cause),
    }
}

/// Has it put a server out of the cluster. The inner failure is its answer.
pub fn put_out(layout: &Layout, address: SocketAddr, name: &str) -> io::Result<Result<(), String>> {
    order(layout, address, PUT_OUT, serde_json::to_vec(name)?)
}

/// Has it look for a member at another address. The inner failure is its answer.
pub fn look_at(
    layout: &Layout,
    address: SocketAddr,
    name: &str,
    at: &str,
) -> io::Result<Result<(), String>> {
    order(layout, address, LOOK_AT, serde_json::to_vec(&(name, at))?)
}

fn order(
    layout: &Layout,
    address: SocketAddr,
    path: &str,
    question: Vec<u8>,
) -> io::Result<Result<(), String>> {
    match ask(layout, address, path, question, CHANGE_PATIENCE) {
        Err(Unanswered::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(Err(
            "the server that runs is of an earlier version: restart it (systemctl restart ecconfigd)".into(),
        )),
        answer => answer.map_err(cause),
    }
}

fn ask<T: DeserializeOwned>(
    layout: &Layout,
    address: SocketAddr,
    path: &str,
    question: Vec<u8>,
    patience: Duration,
) -> Result<T, Unanswered> {
    let name = format!("ecconfigd on {address}");
    let failed = |error: io::Error| Unanswered::Unreachable(name.clone(), error);
    let (link, runtime) = link(layout, &name, address).map_err(failed)?;
    let answer = runtime.block_on(link.ask(path, question, patience))?;
    serde_json::from_slice(&answer).map_err(|error| failed(error.into()))
}

fn link(layout: &Layout, name: &str, address: SocketAddr) -> io::Result<(Link, Runtime)> {
    let pair = Pair::load(&layout.certificates()).map_err(io::Error::other)?;
    let tls = Arc::new(ServerTls::new(pair).map_err(io::Error::other)?);
    let key = tls.key().map_err(io::Error::other)?.to_string();
    let member = Member { name: name.to_owned(), address: address.to_string(), key };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok((Link::new(member, Arc::default(), tls), runtime))
}

fn cause(error: Unanswered) -> io::Error {
    match error {
        Unanswered::Unreachable(_, cause) => cause,
        other => io::Error::other(other),
    }
}
