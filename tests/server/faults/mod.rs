//! The thirteen faults that users of other git servers met. Each has a test whose name begins with
//! its number; `cargo test --test server fault_` runs them all.
//!
//!  1. clones slow for want of large packets, or for gzip over packs
//!  2. success told before the failure was known
//!  3. gzipped or chunked bodies not understood
//!  4. version 2 of pushing, a NAK too many, a report in the wrong band
//!  5. merges and annotated tags sent by halves, a NAK too few
//!  6. thin packs refused
//!  7. objects kept of a push that was refused
//!  8. updates lost, atomic pushes done by halves
//!  9. everybody waits for packs that are built
//! 10. numbers and work without bounds
//! 11. a slow handshake stops all others
//! 12. answers dropped at the end
//! 13. wrong headers

mod bodies;
mod connections;
mod fetches;
mod headers;
mod limits;
mod pushes;
