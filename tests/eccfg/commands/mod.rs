//! One file for each command, with the real binaries.

mod bootstrap;
mod commit;
mod options;
mod pull;
mod put;
