//! The machines of a cluster, read from the messaging bus's files in `conf/global`.

mod mbus;
mod msgc_server;

pub use mbus::from_mbus;
pub use msgc_server::from_msgc_server;

use super::address::Address;
use super::config::{ParseError, Position, excerpt};
use std::collections::HashMap;

/// The two files, as [`from_files`] takes them.
pub const FILES: [&str; 2] = ["msgc_server.conf", "mbus.conf"];

/// A machine of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its name, short or full.
    pub name: String,
    /// Where it is reached; a port is an extension of ours.
    pub address: Address,
}

/// Why the peers cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}, {fault}")]
pub struct PeersError {
    /// `msgc_server.conf` or `mbus.conf`.
    pub file: &'static str,
    /// What is wrong in it, and where.
    pub fault: ParseError,
}

/// Reads whichever of the two files is there. msgc_server.conf wins over the older mbus.conf.
///
/// # Errors
/// As [`from_msgc_server`] and [`from_mbus`]; the file that does not count is not looked at.
pub fn from_files(
    msgc_server: Option<&[u8]>,
    mbus: Option<&[u8]>,
) -> Result<Vec<Peer>, PeersError> {
    match (msgc_server, mbus) {
        (Some(bytes), _) => from_msgc_server(bytes),
        (None, Some(bytes)) => from_mbus(bytes),
        (None, None) => Ok(Vec::new()),
    }
}

/// The peers read so far.
///
/// A repeated line counts once: an mbus.conf of several subclusters has them. One name with two
/// addresses is refused: a line copied and half edited would cost the cluster a member.
#[derive(Default)]
struct Peers {
    peers: Vec<Peer>,
    known: HashMap<String, Address>,
}

impl Peers {
    fn add(&mut self, position: Position, name: &str, address: &str) -> Result<(), ParseError> {
        let error =
            |message| ParseError::at(position, format!("peer {}: {message}", excerpt(name)));
        let address: Address = address.parse().map_err(|cause| error(format!("{cause}")))?;
        match self.known.insert(name.to_ascii_lowercase(), address.clone()) {
            None => self.peers.push(Peer { name: name.to_owned(), address }),
            Some(known) if known == address => {}
            Some(known) => return Err(error(format!("its address above is {known}; keep one"))),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MSGC_SERVER: &[u8] = b"msgc_server { peers = [ a = 192.0.2.1 ] }";
    const MBUS: &[u8] = b"Spread_Segment 192.0.2.255:4803 { b 192.0.2.2 }";

    fn names(msgc_server: Option<&[u8]>, mbus: Option<&[u8]>) -> Vec<String> {
        let peers = from_files(msgc_server, mbus).expect("valid files");
        peers.into_iter().map(|peer| peer.name).collect()
    }

    #[test]
    fn the_newer_file_wins_even_over_a_broken_older_one() {
        assert_eq!(names(Some(MSGC_SERVER), Some(b"Spread_Segment")), ["a"]);
        assert_eq!(names(None, Some(MBUS)), ["b"]);
        assert!(names(None, None).is_empty());
    }

    #[test]
    fn a_repeated_peer_counts_once_and_a_contradiction_is_an_error() {
        let twice = b"msgc_server { peers = [ a = 192.0.2.1 A = 192.0.2.1 ] }";
        assert_eq!(names(Some(twice), None), ["a"]);
        let error = from_msgc_server(b"msgc_server { peers = [ a = 192.0.2.1 A = 192.0.2.2 ] }");
        let message = error.expect_err("two addresses").to_string();
        assert_eq!(
            message,
            "msgc_server.conf, line 1, column 39: peer \"A\": its address above is 192.0.2.1; keep one"
        );
    }
}
