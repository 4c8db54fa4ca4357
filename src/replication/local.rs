//! What commands on a member's own machine ask it: they have its key, and come as it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::link::{Link, Unanswered};
use super::raft::Member;
use super::standing::MemberNow;
use super::wire::MEMBERS;
use crate::layout::Layout;
use crate::tls::{Pair, ServerTls};

/// Each other member is asked by the one that is asked here.
const PATIENCE: Duration = Duration::from_secs(10);

/// The members, as the server at this address of this machine knows them.
pub fn ask_members(layout: &Layout, address: SocketAddr) -> io::Result<Vec<MemberNow>> {
    let pair = Pair::load(&layout.certificates()).map_err(io::Error::other)?;
    let tls = Arc::new(ServerTls::new(pair).map_err(io::Error::other)?);
    let key = tls.key().map_err(io::Error::other)?.to_string();
    let name = format!("ecconfigd on {address}");
    let link = Link::new(Member { name, address: address.to_string(), key }, tls);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(link.ask(MEMBERS, Vec::new(), PATIENCE));
    let answer = answer.map_err(|error| match error {
        Unanswered::Unreachable(_, cause) => cause,
        other => io::Error::other(other),
    })?;
    Ok(serde_json::from_slice(&answer)?)
}
