//! eccfg against the real server.

#[path = "../server/fixture/mod.rs"]
#[allow(dead_code, unused_imports, reason = "it is the server's tests' own")]
mod fixture;

mod fetch;
mod node;
mod push;
