//! How much one request may ask for. Far above what git's own clients send, low enough that a
//! request cannot hurt.

/// The longest packet line, its four length digits included (`LARGE_PACKET_MAX` in git's pkt-line.h).
pub const MAX_PKT: usize = 65520;
/// Objects a fetch may want.
pub const MAX_WANTS: usize = 65_536;
/// Objects a fetch may say it has, in one request.
pub const MAX_HAVES: usize = 65_536;
/// Shallow commits a client may name.
pub const MAX_SHALLOWS: usize = 65_536;
/// References a push may change.
pub const MAX_COMMANDS: usize = 1_024;
/// Prefixes an `ls-refs` may ask for. git drops all of them above this number and sends everything
/// (`TOO_MANY_PREFIXES` in git's ls-refs.c); so do we.
pub const MAX_REF_PREFIXES: usize = 65_536;
/// References a shallow fetch may exclude with `deepen-not`.
pub const MAX_DEEPEN_NOT: usize = 256;
/// Bytes of a reference's name. Neither git nor libgit2 can keep a longer one (`GIT_REFNAME_MAX` in
/// libgit2's refs.h), and what comes from a client and goes back in an answer must fit a packet.
pub const MAX_REF_NAME: usize = 1_024;
