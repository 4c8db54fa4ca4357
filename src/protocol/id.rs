//! The name of an object.

use std::fmt;

/// A SHA-1 object id, written as 40 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 20]);

impl Id {
    /// "No object": the old value of a reference that is created, the new one of one deleted.
    pub const ZERO: Self = Self([0; 20]);
    /// Digits of an id in full.
    pub const HEX_LEN: usize = 40;

    /// Takes the 20 bytes as they are.
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// Reads exactly 40 hexadecimal digits of either case.
    pub fn from_hex(hex: &[u8]) -> Option<Self> {
        if hex.len() != Self::HEX_LEN {
            return None;
        }
        let mut bytes = [0; 20];
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// The 20 bytes.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// Whether this is [`Id::ZERO`].
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Each answer tells several ids: formatting byte by byte shows in a profile.
        const DIGITS: [u8; 16] = *b"0123456789abcdef";
        let mut hex = [0; Self::HEX_LEN];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&hex).expect("hexadecimal digits are ASCII"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = String::deserialize(deserializer)?;
        Self::from_hex(hex.as_bytes())
            .ok_or_else(|| serde::de::Error::custom("an object id has 40 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        let hex = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(Id::from_hex(hex.as_bytes()).unwrap().to_string(), hex);
    }

    #[test]
    fn too_short_too_long_and_other_letters_are_no_id() {
        for hex in ["", "0123", "+123456789abcdef0123456789abcdef01234567", &"0".repeat(41)] {
            assert!(Id::from_hex(hex.as_bytes()).is_none(), "{hex}");
        }
    }
}
