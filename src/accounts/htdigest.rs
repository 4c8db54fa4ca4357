//! The original's password file: lines `user:realm:MD5(user:realm:password)`, as htdigest(1) of
//! Apache writes them. It is read and never written.

use std::path::Path;
use std::{fs, io};

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

use super::{Error, REALM};

/// A password's digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HtDigest(String);

impl HtDigest {
    /// Whether the password is this user's.
    pub(super) fn matches(&self, user: &str, password: &str) -> bool {
        digest(user, password).as_bytes().ct_eq(self.0.as_bytes()).into()
    }
}

fn digest(user: &str, password: &str) -> String {
    let digest = Md5::digest(format!("{user}:{REALM}:{password}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The users of our realm in a file, which need not be there.
pub(super) fn read(path: &Path) -> Result<Vec<(String, HtDigest)>, Error> {
    match fs::read(path) {
        Ok(content) => Ok(parse(&String::from_utf8_lossy(&content))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(Error::File { action: "read", path: path.to_owned(), source }),
    }
}

/// The users of our realm. Lines of another form or realm are not for us.
fn parse(text: &str) -> Vec<(String, HtDigest)> {
    text.lines()
        .filter_map(|line| {
            let (user, rest) = line.trim().split_once(':')?;
            let (realm, digest) = rest.split_once(':')?;
            let is_digest = digest.len() == 32 && digest.bytes().all(|b| b.is_ascii_hexdigit());
            (realm == REALM && is_digest)
                .then(|| (user.to_owned(), HtDigest(digest.to_ascii_lowercase())))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // printf 'admin:ecconfigd repo:secret' | md5sum
    const LINE: &str = "admin:ecconfigd repo:c4277675a62acd6808e8b2f45a96b763";

    #[test]
    fn users_of_our_realm_are_found() {
        let text = format!("{LINE}\nother:another realm:{}\nnonsense\n", "0".repeat(32));
        let users = parse(&text);
        assert_eq!(users.len(), 1);
        assert_eq!(users[0].0, "admin");
        assert!(users[0].1.matches("admin", "secret"));
    }

    #[test]
    fn the_digest_matches_its_password_alone() {
        let users = parse(&format!("eve:{REALM}:{}", digest("eve", "secret").to_uppercase()));
        assert!(users[0].1.matches("eve", "secret"));
        assert!(!users[0].1.matches("eve", "Secret"));
        assert!(!users[0].1.matches("adam", "secret"));
    }
}
