//! Which version of the protocol a client speaks.

/// The version asked for with the header `Git-Protocol` (`gitprotocol-http(5)`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// The original protocol.
    #[default]
    V0,
    /// The original with a line that says `version 1`.
    V1,
    /// Commands, sections, and no advertisement of references.
    V2,
}

impl Version {
    /// Reads the header's value: keys and values divided by colons, the highest known version wins
    /// (`determine_protocol_version_server` in git's protocol.c).
    pub fn from_header(value: &[u8]) -> Self {
        value
            .split(|&byte| byte == b':')
            .filter_map(|pair| match pair {
                b"version=1" => Some(Self::V1),
                b"version=2" => Some(Self::V2),
                _ => None,
            })
            .max()
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_known_version_wins() {
        for (header, version) in [
            ("", Version::V0),
            ("version=1", Version::V1),
            ("version=2", Version::V2),
            ("version=1:version=2", Version::V2),
            ("version=3", Version::V0),
            ("object-format=sha1:version=2", Version::V2),
        ] {
            assert_eq!(Version::from_header(header.as_bytes()), version, "{header}");
        }
    }
}
