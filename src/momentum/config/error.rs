use super::tree::Position;

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{position}: {message}")]
pub struct ParseError {
    /// The word, bracket or quote the message speaks of.
    pub position: Position,
    /// What is wrong there, and what would be right.
    pub message: String,
}

impl ParseError {
    pub(in crate::momentum) fn at(position: Position, message: impl Into<String>) -> Self {
        let message = message.into();
        ParseError { position, message }
    }
}

/// The beginning of a text from a file, quoted and on one line: a forgotten quotation mark makes
/// a "name" of half a file, which belongs in no log.
pub(in crate::momentum) fn excerpt(text: &str) -> String {
    const LENGTH: usize = 40;
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}
