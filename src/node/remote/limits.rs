//! How long eccfg waits, and how much it takes.

use std::time::Duration;

/// A host's name must be found within this time.
pub(super) const RESOLVE: Duration = Duration::from_secs(5);
/// Each address of a host must take a connection within this time.
pub(super) const CONNECT: Duration = Duration::from_secs(3);
/// TLS must be agreed on within this time.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(5);
/// The end of a connection is told if it can be within this time.
pub(super) const FAREWELL: Duration = Duration::from_millis(100);
/// A server that neither takes nor sends anything for this long is given up.
pub(super) const SILENCE: Duration = Duration::from_secs(30);
/// The first byte of an answer that the server has to work for: it gives up waiting for its turn
/// after a minute, and then packs or writes to its disk.
pub(super) const WORK: Duration = Duration::from_secs(180);

/// A server that is being restarted refuses connections for a moment: these pauses are made before
/// it is taken for gone.
pub(super) const RESTART_PAUSES: [Duration; 4] = [
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1600),
];

/// The longest time that a busy server is waited for as it asks, and how many times.
pub(super) const BUSY_PAUSE: Duration = Duration::from_secs(10);
pub(super) const BUSY_TIMES: u32 = 2;

/// Bytes of an answer in JSON.
pub(super) const MAX_JSON: u64 = 16 << 20;
/// Bytes of an answer to a push or a question for references.
pub(super) const MAX_REPORT: u64 = 16 << 20;
/// Bytes of a sentence that the server passes on to the person.
pub(super) const MAX_SENTENCE: usize = 400;
/// Bytes of a push that are kept in memory.
pub(super) const MAX_IN_MEMORY: usize = 1 << 20;
