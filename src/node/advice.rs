//! What to do about what the system says.

/// Parts of the system's messages (strerror(3), untranslated), and what is said in their place.
/// libgit2 passes on no more than these texts.
const SENTENCES: [(&str, &str); 7] = [
    ("No space left on device", "the disk is full: make room and try again"),
    ("Disk quota exceeded", "the disk quota is used up: make room and try again"),
    (
        "Read-only file system",
        "the file system is read-only: mount it writable and try again; if it was writable before, \
         the disk may be failing, which dmesg tells",
    ),
    (
        "Permission denied",
        "permission denied: run eccfg as root or as ecuser, who must be allowed to use it",
    ),
    (
        "Operation not permitted",
        "the system does not permit it, perhaps for a file attribute that lsattr shows: run eccfg as \
         root or as ecuser",
    ),
    ("Input/output error", "the disk cannot read or write it: dmesg tells why"),
    ("Too many open files", "too many files are open: raise the limit (ulimit -n) and try again"),
];

/// What the system or libgit2 said, with the next step where there is one.
pub fn sentence(why: &str) -> String {
    let known = SENTENCES.iter().find(|(said, _)| why.contains(said));
    known.map_or_else(|| without_number(why).to_owned(), |(_, sentence)| (*sentence).to_owned())
}

/// The number that Rust adds tells a person nothing.
fn without_number(why: &str) -> &str {
    why.rsplit_once(" (os error ").map_or(why, |(text, _)| text)
}

#[cfg(test)]
mod tests {
    use std::io;

    use nix::errno::Errno;

    use super::*;

    #[test]
    fn what_the_system_says_gets_a_next_step() {
        for (errno, words) in [
            (Errno::ENOSPC, "disk is full: make room"),
            (Errno::EDQUOT, "quota is used up: make room"),
            (Errno::EROFS, "mount it writable"),
            (Errno::EACCES, "as root or as ecuser"),
            (Errno::EPERM, "lsattr"),
            (Errno::EIO, "dmesg"),
            (Errno::EMFILE, "ulimit -n"),
        ] {
            let said = sentence(&io::Error::from(errno).to_string());
            assert!(said.contains(words) && !said.contains("os error"), "{said}");
        }
        assert_eq!(sentence(&io::Error::from(Errno::ENOTDIR).to_string()), "Not a directory");
    }
}
