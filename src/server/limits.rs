//! How much the server takes on. Clients that ask for more are told: 413, 429 or 503.

use std::time::Duration;

/// TLS handshakes must be done within this time.
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// A request's head must have come within this time, counted from the answer before it.
pub const HEAD_TIME: Duration = Duration::from_secs(60);
/// A client that takes nothing of its answer for this long is given up.
pub const WRITE_TIME: Duration = Duration::from_secs(60);
/// A client that sends nothing of its request's body for this long is given up.
pub const BODY_PAUSE: Duration = Duration::from_secs(30);
/// A body must have come within this time.
pub const BODY_TIME: Duration = Duration::from_secs(900);
/// Bytes of a body that are still taken when the answer has been given without them.
pub const MAX_THROWN_AWAY: usize = 16 << 20;
/// They must come within this time.
pub const THROW_AWAY_TIME: Duration = Duration::from_secs(10);
/// What is in flight when the server stops may go on for this long.
pub const DRAIN_TIME: Duration = Duration::from_secs(30);
/// A connection without a request when the server stops may still bring one within this time: it
/// may have been sent before the client could know.
pub const LAST_REQUEST_TIME: Duration = Duration::from_millis(500);

/// A question that waits for something new is answered within this time.
pub const MAX_WAIT: Duration = Duration::from_secs(300);
/// Subclusters that one question may name.
pub const MAX_NAMES: usize = 64;
/// Questions and streams of events that wait at once: each node has one.
pub const MAX_WAITS: usize = MAX_CONNECTIONS as usize;
/// The same, of one address.
pub const MAX_WAITS_OF_ADDRESS: usize = MAX_WAITS / 4 * 3;
/// A stream of events ends after this time, and its client asks for another with its password.
pub const EVENTS_TIME: Duration = Duration::from_secs(3600);
/// A stream on which nothing happens says so this often: proxies and browsers give up others.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Bytes of a node's word and of what it is kept in, at the most.
pub const NODE_BYTES: usize = 3 << 10;
/// Nodes whose last word is remembered; of more, some of the address that speaks for most are
/// forgotten.
pub const MAX_NODES: usize = 20_000;
/// Nodes that one address speaks for; of more, those that were heard of last are forgotten.
pub const MAX_NODES_OF_ADDRESS: usize = 5_000;
/// Subclusters that one node has a commit of.
pub const MAX_NODE_PARTS: usize = 8;
/// Characters of what a node says went wrong.
pub const MAX_NODE_ERROR: usize = 300;
/// A node that has said nothing for this long is told as gone: thrice the longest wait.
pub const NODE_GONE: Duration = Duration::from_secs(900);
/// A node that has said nothing for this long is forgotten.
pub const NODE_FORGOTTEN: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// What nodes have said is written to disk this long after the first word that is not there yet.
pub const NODES_PAUSE: Duration = Duration::from_secs(30);

/// Bytes of a request's head, HTTP/1 and HTTP/2.
pub const MAX_HEAD: usize = 32 << 10;
/// Bytes of a URL's path and query.
pub const MAX_URL: usize = 8 << 10;
/// Bytes of a fetch request, unpacked.
pub const MAX_FETCH_BODY: usize = 8 << 20;
/// Bytes of a request in JSON, unpacked.
pub const MAX_JSON_BODY: u64 = 4 << 10;
/// Bytes of a push, packed as git sends it.
pub const MAX_PUSH_BODY: u64 = 2 << 30;
/// Requests at once on one HTTP/2 connection.
pub const MAX_STREAMS: u32 = 64;
/// Bytes of bodies that an HTTP/2 client may send before they are read: HTTP/2's own number. They are
/// not read before a password has been checked.
pub const HTTP2_WINDOW: u32 = 65_535;
/// Bytes of bodies that are in memory at once; the rest of each is on disk.
pub const MAX_BODIES_IN_MEMORY: usize = 128 << 20;
/// The same, of one address.
pub const MAX_BODIES_IN_MEMORY_OF_ADDRESS: usize = 96 << 20;
/// Bytes of [`MAX_BODIES_IN_MEMORY`] that are for administrators alone.
pub const KEPT_BODIES: usize = 16 << 20;
/// Pieces of bodies that are written to disk at once.
pub const WRITES_AT_ONCE: usize = 32;

/// Descriptors that connections may not use: repositories, packs and uploads need some too.
pub const RESERVED_DESCRIPTORS: u64 = 256;
/// Connections at once, if the process may have descriptors for them.
pub const MAX_CONNECTIONS: u64 = 16_384;
/// One in so many of these places is kept for addresses that have few connections. Here as below, an
/// address is an IPv4 address, or an IPv6 /64.
pub const KEPT_FOR_FEW: usize = 8;
/// Connections that are few.
pub const FEW_CONNECTIONS: usize = 8;
/// Connections without an accepted password that are talked to at once.
pub const MAX_STRANGERS: usize = 2048;
/// Of one address, so many more wait for a place among them, for [`HANDSHAKE_TIME`].
pub const MAX_WAITING_STRANGERS: usize = 1024;
/// One of them that has said nothing for this long makes room for another one of its address.
pub const STRANGER_GRACE: Duration = Duration::from_millis(500);
/// Bytes that a connection takes: its TLS and a question that waits, measured with 10,000 of them, and
/// a head that does not end.
pub const CONNECTION_BYTES: usize = (33 << 10) + MAX_HEAD;
/// Bytes that a stranger may have the server hold beside: heads that wait, and a body that nobody
/// reads yet.
pub const STRANGER_BYTES: usize = MAX_HEADS_OF_STRANGER + HTTP2_WINDOW as usize;
/// Bytes of the heads that may wait on one connection for its first password to be accepted.
pub const MAX_HEADS_OF_STRANGER: usize = 64 << 10;

/// Fetches that make packs at once. Each is bound by the processor.
pub const PACKS_AT_ONCE: usize = 4;
/// Those of them that only administrators get.
pub const KEPT_PACKS: usize = 1;
/// Pushes that index packs and wait for the disk at once.
pub const PUSHES_AT_ONCE: usize = 8;
/// Those of them that only administrators get.
pub const KEPT_PUSHES: usize = 6;
/// Files and directories read at once.
pub const READS_AT_ONCE: usize = 32;
/// Those of them that only administrators get.
pub const KEPT_READS: usize = 8;
/// Bytes of a file that is read from a copy on disk, piece by piece; smaller ones are answered from
/// memory.
pub const LARGE_FILE: usize = 1 << 20;
/// Bytes of a piece of such a file.
pub const FILE_PIECE: usize = 64 << 10;
/// Bytes of the largest piece of any answer: a client that does not take one within [`WRITE_TIME`] is
/// given up.
pub const ANSWER_PIECE: usize = 256 << 10;
/// Large files that are copied at once: each takes its own length in memory, and if it is kept as
/// what differs from another one, that one's.
pub const LARGE_READS_AT_ONCE: usize = 2;
/// Those of them that only administrators get.
pub const KEPT_LARGE_READS: usize = 1;
/// Bytes of the copies of large files on disk.
pub const MAX_LARGE_FILES: usize = 2 << 30;
/// Those that one address has had made.
pub const MAX_LARGE_FILES_OF_ADDRESS: usize = 1 << 30;
/// Bytes that answers hold in memory until their clients have taken them.
pub const MAX_ANSWERS: usize = 56 << 20;
/// The same, of one address.
pub const MAX_ANSWERS_OF_ADDRESS: usize = 42 << 20;
/// Bytes of [`MAX_ANSWERS`] that are for administrators alone.
pub const KEPT_ANSWERS: usize = 8 << 20;
/// What an answer counts that is read piece by piece: one with the client, one on its way, one made.
pub const ANSWER_IN_PIECES: usize = 6 * FILE_PIECE;
/// Answers of no more bytes than this do not count: a connection has [`MAX_STREAMS`] of them.
pub const SMALL_ANSWER: usize = 4 << 10;
/// Bytes of the small files that are kept in memory.
pub const MAX_HOT_BYTES: usize = 32 << 20;
/// Bytes of the largest of them.
pub const MAX_HOT_FILE: usize = 64 << 10;
/// Bytes of the requests that wait for a password to be checked, or for the other members.
pub const MAX_REQUESTS_IN_MEMORY: usize = 64 << 20;
/// The same, of one address.
pub const MAX_REQUESTS_IN_MEMORY_OF_ADDRESS: usize = 48 << 20;
/// Passwords that are checked or wait for it at once, of one address: an IPv4 address, or an IPv6 /64.
pub const MAX_ATTEMPTS_OF_ADDRESS: usize = 128;
/// The same, of all addresses.
pub const MAX_ATTEMPTS: usize = 4096;
/// Bytes of one of them: a name, a password, a task.
pub const ATTEMPT_BYTES: usize = 4 << 10;
/// Bytes that hashing a password takes.
pub const HASH_BYTES: usize = 19 << 20;
/// Passwords hashed at once.
pub const HASHES_AT_ONCE: usize = 2;
/// Requests that may wait for one of these places. More are told to come again.
pub const MAX_WAITING: usize = 1024;
/// How long a request waits for its place.
pub const WAIT_TIME: Duration = Duration::from_secs(60);
/// When clients that were told to come again should do so, in seconds.
pub const RETRY_AFTER: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::libgit2::MAX_OBJECT;
    use crate::repository::Allowance;

    /// What a delta is made of and what it makes, as large as nodes may push them.
    const DELTA_BYTES: usize = 2 * Allowance::NODE.object as usize;
    const UNIT: &str = include_str!("../../systemd/ecconfigd.service");

    /// What the limits allow to be in memory at once, by who holds it.
    const HELD: &[(&str, usize)] = &[
        ("connections", MAX_CONNECTIONS as usize * CONNECTION_BYTES),
        ("strangers", MAX_STRANGERS * STRANGER_BYTES),
        ("requests", MAX_REQUESTS_IN_MEMORY),
        ("bodies", MAX_BODIES_IN_MEMORY),
        ("pieces being written", WRITES_AT_ONCE * (256 << 10)),
        ("attempts", MAX_ATTEMPTS * ATTEMPT_BYTES),
        ("hashes", HASHES_AT_ONCE * HASH_BYTES),
        ("nodes, and the file made of them", 2 * MAX_NODES * NODE_BYTES),
        ("hot files", MAX_HOT_BYTES),
        ("answers", MAX_ANSWERS),
        ("large files that are copied", LARGE_READS_AT_ONCE * MAX_OBJECT),
        ("deltas in pushes of nodes", (PUSHES_AT_ONCE - KEPT_PUSHES) * DELTA_BYTES),
    ];

    fn setting(name: &str) -> usize {
        let value = UNIT.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let value = value.unwrap_or_else(|| panic!("{name} is not in the unit"));
        match value.strip_suffix('G') {
            Some(number) => number.parse::<usize>().unwrap() << 30,
            None => value.parse().unwrap(),
        }
    }

    #[test]
    fn what_may_be_held_fits_into_the_memory_of_the_unit() {
        let all: usize = HELD.iter().map(|(_, bytes)| bytes).sum();
        let most = setting("MemoryMax");
        assert!(all < most, "{} MiB of {}: {HELD:?}", all >> 20, most >> 20);
    }

    #[test]
    fn what_strangers_hold_does_not_even_slow_the_server_down() {
        let strangers = MAX_STRANGERS * (CONNECTION_BYTES + STRANGER_BYTES);
        assert!(strangers < setting("MemoryHigh") / 2, "{} MiB", strangers >> 20);
    }

    #[test]
    fn connections_and_files_fit_into_the_descriptors_of_the_unit() {
        let works = PACKS_AT_ONCE + PUSHES_AT_ONCE + READS_AT_ONCE + WRITES_AT_ONCE;
        assert!(works < RESERVED_DESCRIPTORS as usize);
        assert!(MAX_CONNECTIONS + RESERVED_DESCRIPTORS < setting("LimitNOFILE") as u64);
    }
}
