//! What servers say, made fit for terminals.

use super::limits::MAX_SENTENCE;

/// The text without anything by which it could move the cursor, change its own direction or go on
/// for ever, on one line.
pub(in crate::node) fn safe(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let words: Vec<&str> = text.split(is_space).filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    let mut shown: String = line.chars().filter(|&c| !is_hidden(c)).take(MAX_SENTENCE).collect();
    if shown.len() < line.len() && line.chars().count() > MAX_SENTENCE {
        shown.push('…');
    }
    shown
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

/// Characters without a shape that change how others are shown (Unicode's bidirectional controls
/// and their like).
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_would_obey_is_left() {
        assert_eq!(safe(b"fetch\x1b[2J first\r\n\x07now\n"), "fetch [2J first now");
        assert_eq!(safe("a\u{202e}b\u{9b}c".as_bytes()), "ab c");
        assert_eq!(safe(&[b'a', 0xff]), "a\u{fffd}");
        assert_eq!(safe(&[b'x'; 9999]).chars().count(), MAX_SENTENCE + 1);
    }
}
