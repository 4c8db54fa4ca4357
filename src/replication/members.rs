//! The servers that replicate to each other. One that stands alone is all there are.

/// This server's host name, as the system has it now.
pub(super) fn this_host() -> String {
    let name = nix::unistd::gethostname().unwrap_or_default();
    match name.to_string_lossy().trim_end_matches('.') {
        "" => "localhost".into(),
        name => name.to_ascii_lowercase(),
    }
}

/// The host names of all members.
pub(super) fn all() -> Vec<String> {
    vec![this_host()]
}

/// The one of `members` that `name` means, in its short form or in full.
pub(super) fn find(members: Vec<String>, name: &str) -> Option<String> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    members.into_iter().find(|member| is_same(member, &name))
}

/// Whether two names are one, or one is the other without its domain.
pub(super) fn is_same(one: &str, other: &str) -> bool {
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
    fn a_member_may_be_named_in_short_or_in_full() {
        for (one, other) in
            [("cm", "cm"), ("cm", "cm.example.com"), ("cm.example.com", "cm.example.com")]
        {
            assert!(is_same(one, other) && is_same(other, one), "{one} {other}");
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
            assert!(!is_same(one, other) && !is_same(other, one), "{one} {other}");
        }
    }

    #[test]
    fn this_server_is_a_member_under_each_of_its_names() {
        let host = this_host();
        assert_eq!(find(all(), &host), Some(host.clone()));
        assert_eq!(find(all(), &format!("{}.", host.to_uppercase())), Some(host.clone()));
        assert_eq!(find(all(), "no-such-member"), None);
    }
}
