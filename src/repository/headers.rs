//! What commits and tags must begin with. libgit2 reads much that git calls a fault (`fsck_commit`,
//! `fsck_tag` and `fsck_ident` in its fsck.c), and clients may be set to refuse.

use crate::protocol::Id;

/// Checks a commit as it is stored. Fails with what is wrong with it.
pub(super) fn check_commit(raw: &[u8]) -> Result<(), &'static str> {
    let text = text(raw)?;
    let mut lines = header(&text)?;
    if !lines.next().is_some_and(|line| is_id(line, "tree ")) {
        return Err("does not begin with its tree");
    }
    let mut lines = lines.skip_while(|line| is_id(line, "parent "));
    if !lines.next().is_some_and(|line| is_person(line, "author ")) {
        return Err("has no author with name, address, time and zone");
    }
    if !lines.next().is_some_and(|line| is_person(line, "committer ")) {
        return Err("has no committer with name, address, time and zone");
    }
    Ok(())
}

/// Checks an annotated tag as it is stored. Fails with what is wrong with it.
pub(super) fn check_tag(raw: &[u8]) -> Result<(), &'static str> {
    let text = text(raw)?;
    let mut lines = header(&text)?;
    if !lines.next().is_some_and(|line| is_id(line, "object ")) {
        return Err("does not begin with what it names");
    }
    // The oldest tags have no tagger.
    match lines.find(|line| line.starts_with("tagger ")) {
        Some(line) if !is_person(line, "tagger ") => {
            Err("has no tagger with name, address, time and zone")
        }
        _ => Ok(()),
    }
}

/// Names and messages may be in any encoding; what is looked at here is ASCII in all of them.
fn text(raw: &[u8]) -> Result<std::borrow::Cow<'_, str>, &'static str> {
    match raw.contains(&0) {
        true => Err("holds a NUL character"),
        false => Ok(String::from_utf8_lossy(raw)),
    }
}

fn header(text: &str) -> Result<std::str::Lines<'_>, &'static str> {
    match text.split_once("\n\n") {
        Some((header, _)) => Ok(header.lines()),
        None if text.ends_with('\n') => Ok(text.lines()),
        None => Err("has a header that does not end"),
    }
}

fn is_id(line: &str, key: &str) -> bool {
    line.strip_prefix(key).is_some_and(|hex| Id::from_hex(hex.as_bytes()).is_some())
}

/// `NAME <ADDRESS> SECONDS ZONE`
fn is_person(line: &str, key: &str) -> bool {
    let parts = || {
        let (name, rest) = line.strip_prefix(key)?.split_once('<')?;
        let (address, rest) = rest.split_once("> ")?;
        let (seconds, zone) = rest.split_once(' ')?;
        Some((name, address, seconds, zone))
    };
    parts().is_some_and(|(name, address, seconds, zone)| {
        name.ends_with(' ')
            && !name.contains('>')
            && !address.contains(['<', '>'])
            && is_time(seconds)
            && is_zone(zone)
    })
}

fn is_time(seconds: &str) -> bool {
    // A sign or a leading zero makes another object of the same commit.
    seconds.parse::<i64>().is_ok_and(|number| number >= 0 && number.to_string() == seconds)
}

fn is_zone(zone: &str) -> bool {
    let digits = zone.strip_prefix(['+', '-']).unwrap_or_default();
    digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "tree 3ff7250869fac28ecaab0b03b0210a3a75d21c15\n";
    const JANE: &str = "Jane <jane@example.com> 1700000000 +0000";

    /// Persons that git's fsck finds fault with.
    const BAD: [&str; 14] = [
        "Jane 1700000000 +0000",
        "<jane@example.com> 1700000000 +0000",
        "Jane<jane@example.com> 1700000000 +0000",
        "Jane <jane@<example.com> 1700000000 +0000",
        "Ja>ne <jane@example.com> 1700000000 +0000",
        "Jane <jane@example.com>1700000000 +0000",
        "Jane <jane@example.com> 01700000000 +0000",
        "Jane <jane@example.com> 99999999999999999999 +0000",
        "Jane <jane@example.com> +1 +0000",
        "Jane <jane@example.com> yesterday +0000",
        "Jane <jane@example.com> 1700000000",
        "Jane <jane@example.com> 1700000000 UTC",
        "Jane <jane@example.com> 1700000000 +00:00",
        "",
    ];

    #[test]
    fn commits_of_git_are_accepted() {
        let person = format!("author {JANE}\ncommitter {JANE}\n");
        let parent = "parent 01158c236149fd004a54fcbfd51a6ba0797b7fc8\n";
        for commit in [
            format!("{TREE}{person}\nMessage\n"),
            format!("{TREE}{parent}{parent}{person}gpgsig -----\n x\n -----\n\nMessage"),
            format!("{TREE}{person}"),
            format!("{TREE}author  <> 0 -1200\ncommitter {JANE}\n\n"),
        ] {
            assert_eq!(check_commit(commit.as_bytes()), Ok(()), "{commit}");
        }
        let latin1 =
            [TREE.as_bytes(), b"author J\xe4ne <j> 1 +0000\n", b"committer J <j> 1 +0000\n"];
        assert_eq!(check_commit(&latin1.concat()), Ok(()));
    }

    #[test]
    fn commits_need_persons_as_git_writes_them() {
        for bad in BAD {
            let author = format!("{TREE}author {bad}\ncommitter {JANE}\n\n");
            assert!(check_commit(author.as_bytes()).unwrap_err().contains("author"), "{bad}");
            let committer = format!("{TREE}author {JANE}\ncommitter {bad}\n\n");
            assert!(check_commit(committer.as_bytes()).unwrap_err().contains("committer"), "{bad}");
        }
        let twice = format!("{TREE}author {JANE}\nauthor {JANE}\ncommitter {JANE}\n\n");
        assert!(check_commit(twice.as_bytes()).is_err());
    }

    #[test]
    fn headers_are_whole_and_hold_no_nul() {
        let person = format!("author {JANE}\ncommitter {JANE}");
        for commit in [
            format!("{TREE}{person}"),
            format!("{TREE}{person}\n\nMess\0age\n"),
            format!("{person}\n\nMessage\n"),
            format!("tree 3ff7\n{person}\n\nMessage\n"),
            String::new(),
        ] {
            assert!(check_commit(commit.as_bytes()).is_err(), "{commit}");
        }
    }

    #[test]
    fn tags_may_lack_a_tagger_but_not_have_a_bad_one() {
        let head = "object 3ff7250869fac28ecaab0b03b0210a3a75d21c15\ntype commit\ntag v1\n";
        for good in [format!("{head}\nOld\n"), format!("{head}tagger {JANE}\n\nNew\n")] {
            assert_eq!(check_tag(good.as_bytes()), Ok(()));
        }
        for bad in BAD {
            assert!(check_tag(format!("{head}tagger {bad}\n\nNew\n").as_bytes()).is_err(), "{bad}");
        }
    }
}
