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
/// A stream of events ends after this time, and its client asks for another with its password.
pub const EVENTS_TIME: Duration = Duration::from_secs(3600);
/// A stream on which nothing happens says so this often: proxies and browsers give up others.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Nodes whose last word is remembered; of more, the one that has been silent longest is forgotten.
pub const MAX_NODES: usize = 20_000;
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

/// Descriptors that connections may not use: repositories, packs and uploads need some too.
pub const RESERVED_DESCRIPTORS: u64 = 256;
/// Connections at once, if the process may have descriptors for them.
pub const MAX_CONNECTIONS: u64 = 50_000;

/// Fetches that make packs at once. Each is bound by the processor.
pub const PACKS_AT_ONCE: usize = 4;
/// Pushes that index packs and wait for the disk at once.
pub const PUSHES_AT_ONCE: usize = 8;
/// Files and directories read at once.
pub const READS_AT_ONCE: usize = 32;
/// Bytes of the small files that are kept in memory.
pub const MAX_HOT_BYTES: usize = 32 << 20;
/// Bytes of the largest of them.
pub const MAX_HOT_FILE: usize = 64 << 10;
/// Passwords that are checked or wait for it at once, of one address: an IPv4 address, or an IPv6 /64.
pub const MAX_ATTEMPTS_OF_ADDRESS: usize = 128;
/// The same, of all addresses.
pub const MAX_ATTEMPTS: usize = 4096;
/// Passwords hashed at once; each takes 19 MiB.
pub const HASHES_AT_ONCE: usize = 2;
/// Requests that may wait for one of these places. More are told to come again.
pub const MAX_WAITING: usize = 1024;
/// How long a request waits for its place.
pub const WAIT_TIME: Duration = Duration::from_secs(60);
/// When clients that were told to come again should do so, in seconds.
pub const RETRY_AFTER: u64 = 5;
