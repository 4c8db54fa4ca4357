//! The configuration server.
fn main() {}
