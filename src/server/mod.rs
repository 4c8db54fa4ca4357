//! HTTP over TLS: who connects, what is asked, who asks, and the answer.
//!
//! A request's way: `accept` takes the connection if `room` has a place for it, `connection` does the
//! handshake and speaks HTTP, `service` logs and turns failures into answers, `route` says what is asked, `auth`
//! who asks, and one file for each kind of route answers.

mod accept;
mod app;
mod attempts;
mod auth;
mod author;
mod begun;
mod body;
mod check;
mod conditional;
mod connection;
mod cross_site;
mod directory;
mod drain;
mod error;
mod file;
mod file_body;
mod git;
mod guest;
mod health;
mod held;
mod host;
mod hot_files;
mod info_refs;
mod json;
mod keep;
mod large_files;
pub mod limits;
mod members;
mod network;
mod nodes;
mod pack_body;
mod places;
mod push;
mod receive_pack;
mod request_body;
mod request_log;
mod requests;
mod response;
mod room;
mod route;
mod service;
mod shares;
mod socket;
mod stalls;
mod subclusters;
mod throttle;
mod upload_pack;

pub use accept::{Acceptor, Listener, Ping};
pub use app::App;
pub use drain::Drain;
pub use room::Room;
