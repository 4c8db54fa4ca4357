//! Passwords and their hashes.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use super::{Error, MAX_PASSWORD};

/// Letters and digits that look alike are left out: people type these from a screen.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// 32 letters to choose from are 5 bits each: 120 bits.
const GENERATED_LEN: usize = 24;

/// A new random password.
pub fn generate() -> Result<String, Error> {
    let mut random = [0; GENERATED_LEN];
    getrandom::fill(&mut random).map_err(|e| Error::Hash(e.to_string()))?;
    Ok(random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}

/// Hashes with argon2id and its recommended costs. Takes tens of milliseconds and 19 MiB.
pub(super) fn hash(password: &str) -> Result<String, Error> {
    check_password(password)?;
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|e| Error::Hash(e.to_string()))
}

/// Whether the password is this hash's. Costs as much as [`hash`].
pub(super) fn matches(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// Whether this is a hash that [`matches`] understands.
pub(super) fn is_hash(text: &str) -> bool {
    text.starts_with("$argon2") && PasswordHash::new(text).is_ok()
}

/// Whether this can be a password.
///
/// # Errors
/// [`Error::BadPassword`] if it cannot.
pub fn check_password(password: &str) -> Result<(), Error> {
    let good = !password.is_empty()
        && password.len() <= MAX_PASSWORD
        && !password.chars().any(char::is_control);
    if good { Ok(()) } else { Err(Error::BadPassword) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_argon2id_and_matches_its_password_alone() {
        let hash = hash("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(matches("correct horse", &hash));
        assert!(!matches("correct house", &hash));
    }

    #[test]
    fn generated_passwords_differ() {
        assert_ne!(generate().unwrap(), generate().unwrap());
    }

    #[test]
    fn empty_and_unreasonable_passwords_are_refused() {
        for password in ["", "two\nlines", &"x".repeat(MAX_PASSWORD + 1)] {
            assert!(matches!(hash(password), Err(Error::BadPassword)));
        }
    }
}
