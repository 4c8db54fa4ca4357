//! The branches with a meaning of their own.

/// The live configuration. It only moves forward and is never deleted.
pub const BOOT: &str = "refs/heads/boot";
/// The saved running configurations of the nodes. It only moves forward and is never deleted.
pub const RUNNING: &str = "refs/heads/running";

/// Whether history on this reference is kept for ever.
pub(super) fn is_kept(name: &str) -> bool {
    name == BOOT || name == RUNNING
}

/// The longest part of a name: it is a file's, and so is the name of its lock, with `.lock` at the
/// end.
const MAX_PART: usize = 250;

/// Branches and tags are kept here, and nothing else.
pub(super) fn is_allowed(name: &str) -> bool {
    name.starts_with("refs/heads/") || name.starts_with("refs/tags/")
}

/// Whether a reference can have this name.
pub(super) fn is_valid(name: &str) -> bool {
    name.split('/').all(|part| part.len() <= MAX_PART) && git2::Reference::is_valid_name(name)
}

/// Whether a name would be taken for another thing, or hides one. git looks for a word in several
/// places, for tags before branches and for both before what it has fetched (gitrevisions(7)): of a tag
/// `boot`, `git log boot` shows the history and not that of the live configuration.
pub(super) fn is_misleading(name: &str) -> bool {
    let (is_tag, short) = match (name.strip_prefix("refs/tags/"), name.strip_prefix("refs/heads/"))
    {
        (Some(short), _) => (true, short),
        (_, Some(short)) => (false, short),
        _ => return true,
    };
    let (first, is_alone) = match short.split_once('/') {
        Some((first, _)) => (first, false),
        None => (short, true),
    };
    let is = |word: &str| first.eq_ignore_ascii_case(word);
    let is_kept = is("boot") || is("running");
    let hides_branch = match is_tag {
        true => is_kept && is_alone,
        // The nodes could never save theirs where a branch lies below this name. `boot` is there.
        false => {
            is_kept && is_alone && !matches!(name, BOOT | RUNNING) || is("running") && !is_alone
        }
    };
    // What a clone calls the branches that it has fetched.
    let hides_remote = is("origin");
    let is_place = is("refs") || is("heads") || is("tags") || is("remotes");
    let is_head = is_alone && (is("HEAD") || first.ends_with("_HEAD") || first == "@");
    let is_option = short.starts_with('-');
    let is_id = is_alone
        && matches!(short.len(), 40 | 64)
        && short.bytes().all(|digit| digit.is_ascii_hexdigit());
    hides_branch || hides_remote || is_place || is_head || is_option || is_id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_git_would_take_for_something_else_are_known() {
        for bad in [
            "refs/tags/boot",
            "refs/tags/running",
            "refs/tags/BOOT",
            "refs/tags/HEAD",
            "refs/tags/FETCH_HEAD",
            "refs/tags/@",
            "refs/tags/origin",
            "refs/tags/origin/boot",
            "refs/tags/refs/heads/boot",
            "refs/tags/heads/boot",
            "refs/tags/-d",
            "refs/tags/0123456789abcdef0123456789abcdef01234567",
            "refs/heads/HEAD",
            "refs/heads/Boot",
            "refs/heads/running/x",
            "refs/heads/refs/heads/boot",
            "refs/heads/tags/v1",
            "refs/heads/remotes/origin/boot",
            "refs/heads/origin/boot",
            "refs/heads/--all",
        ] {
            assert!(is_misleading(bad), "{bad}");
        }
    }

    #[test]
    fn names_that_people_give_are_good() {
        for good in [
            BOOT,
            RUNNING,
            "refs/heads/topic",
            "refs/heads/topic/boot",
            "refs/heads/bootstrap",
            "refs/tags/v1",
            "refs/tags/boot-2026",
            "refs/tags/boot/2026-11-29",
            "refs/tags/20261129",
            "refs/tags/release/HEAD",
        ] {
            assert!(!is_misleading(good), "{good}");
        }
    }
}
