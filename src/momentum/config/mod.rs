//! The grammar of ecelerity.conf and its family: options, lists, dictionaries, stanzas, includes.
//!
//! Only the syntax: which options exist, and what an include brings in, is the mail server's
//! business.

mod error;
mod lexer;
mod parser;
#[cfg(test)]
mod tests;
mod tree;

pub use error::ParseError;
pub use parser::{MAX_DEPTH, parse};
pub use tree::{Assignment, Include, Position, Scope, Stanza, Statement, Value};

pub(super) use error::excerpt;
pub(super) use lexer::{Kind, Lexer, Token};

/// Reads a configuration file as it comes from disk or from a repository.
///
/// # Errors
/// As [`parse`], and at the first byte that is not UTF-8.
pub fn parse_bytes(bytes: &[u8]) -> Result<Scope, ParseError> {
    parse(utf8(bytes)?)
}

pub(super) fn utf8(bytes: &[u8]) -> Result<&str, ParseError> {
    std::str::from_utf8(bytes).map_err(|_| {
        let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let message = "the file is not UTF-8 text from here on; save it as UTF-8";
        ParseError::at(Position::START.after(valid), message)
    })
}
