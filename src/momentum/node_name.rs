//! The names of nodes.

/// The longest name of a host (RFC 1035, section 2.3.4).
const MAX: usize = 253;

/// Whether this can be a node's name: letters, digits, `.`, `-` and `_`, with a letter or a digit
/// first.
pub fn is_node_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    text.len() <= MAX
        && text.bytes().all(is_allowed)
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_names_and_nothing_that_a_terminal_or_a_path_would_obey() {
        for name in ["mta1", "mta1.example.com", "MTA_1-b", "1", &"a".repeat(MAX)] {
            assert!(is_node_name(name), "{name}");
        }
        for name in
            ["", ".", "..", "-x", "a/b", "a b", "a\nb", "é", "a\u{202e}b", &"a".repeat(MAX + 1)]
        {
            assert!(!is_node_name(name), "{name:?}");
        }
    }
}
