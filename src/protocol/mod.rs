//! git's wire format, without sockets, repositories or threads: what clients send becomes values,
//! and answers become bytes. Everything that comes in is hostile until it has passed through here.
//!
//! Beside the server's half stands the client's, for eccfg: [`ask_for_pack`] and its like, and
//! [`Bands`] and its like.
//!
//! The formats are those of git's `gitprotocol-common(5)`, `gitprotocol-pack(5)`,
//! `gitprotocol-v2(5)` and `gitprotocol-http(5)`.

mod advertisement;
mod answer;
mod ask;
mod error;
mod fetch;
mod fetch_v0;
mod fetch_v2;
mod id;
pub mod limits;
mod ls_refs;
mod negotiation;
pub mod pkt;
mod push;
mod report;
mod sideband;
mod version;

pub use advertisement::{Advertised, Service, advertise, advertise_v2};
pub use answer::{Bands, PushReport, read_refs};
pub use ask::{ask_for_pack, ask_for_refs, ask_to_change};
pub use error::Error;
pub use fetch::{Deepen, FetchRequest, Filter, MultiAck};
pub use fetch_v0::{BatchEnd, parse as parse_fetch_v0};
pub use fetch_v2::{Command, parse as parse_v2};
pub use id::Id;
pub use ls_refs::LsRefs;
pub use negotiation::{Known, Negotiated, ShallowUpdate, answer_v0, answer_v2};
pub use pkt::{Pkt, PktReader};
pub use push::{PushRequest, RefCommand, Reporting};
pub use report::{RefResult, report};
pub use sideband::{Band, Sideband};
pub use version::Version;

/// How the server names itself to clients and in `agent=`.
pub const AGENT: &str = concat!("ecconfigd/", env!("CARGO_PKG_VERSION"));
