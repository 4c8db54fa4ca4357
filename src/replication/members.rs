//! The servers that replicate to each other. One that stands alone is all there are.

use crate::momentum::is_same_node;

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
    members.into_iter().find(|member| is_same_node(member, &name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_server_is_a_member_under_each_of_its_names() {
        let host = this_host();
        assert_eq!(find(all(), &host), Some(host.clone()));
        assert_eq!(find(all(), &format!("{}.", host.to_uppercase())), Some(host.clone()));
        assert_eq!(find(all(), "no-such-member"), None);
    }
}
