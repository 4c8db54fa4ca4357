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

/// Whether two names, in lower case, are one, or one is the other without its domain.
pub fn is_same_node(one: &str, other: &str) -> bool {
    let is_short_for = |short: &str, full: &str| {
        full.strip_prefix(short).is_some_and(|domain| domain.len() > 1 && domain.starts_with('.'))
    };
    let is_short = |name: &str| !name.is_empty() && !name.contains('.');
    one == other
        || is_short(one) && is_short_for(one, other)
        || is_short(other) && is_short_for(other, one)
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

    #[test]
    fn a_node_may_be_named_in_short_or_in_full() {
        for (one, other) in
            [("cm", "cm"), ("cm", "cm.example.com"), ("cm.example.com", "cm.example.com")]
        {
            assert!(is_same_node(one, other) && is_same_node(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("cm", "cm2"),
            ("cm", "cm."),
            ("cm", "cm2.example.com"),
            ("cm.example.com", "cm.example.org"),
            ("cm.example", "cm.example.com"),
            ("", ".example.com"),
            ("", "cm"),
        ] {
            assert!(!is_same_node(one, other) && !is_same_node(other, one), "{one} {other}");
        }
    }
}
