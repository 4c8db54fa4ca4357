//! Several streams in one answer: pack, progress and failure (`gitprotocol-common(5)`).

use super::pkt::{self, MAX_DATA};

/// The stream a packet belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Band {
    /// The pack, or the report on a push.
    Data = 1,
    /// Text for people; the client shows it behind `remote:`.
    Progress = 2,
    /// Text of a failure that ends the answer.
    Fatal = 3,
}

/// What the client can take apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sideband {
    /// Nothing: the pack goes out bare and failures can only cut the answer.
    #[default]
    None,
    /// Packets up to 1000 bytes (`side-band`).
    Small,
    /// Packets up to 65520 bytes (`side-band-64k`).
    Large,
}

impl Sideband {
    /// The most content of one packet.
    pub const fn capacity(self) -> usize {
        match self {
            // One byte of each packet is the band's number.
            Self::None | Self::Large => MAX_DATA - 1,
            Self::Small => 1000 - 5,
        }
    }

    /// Appends `content` to `out` on `band`. Without side-bands only data can be sent.
    pub fn write(self, out: &mut Vec<u8>, band: Band, content: &[u8]) {
        if self == Self::None {
            if band == Band::Data {
                out.extend_from_slice(content);
            }
            return;
        }
        let mut packet = Vec::with_capacity(content.len().min(self.capacity()) + 1);
        for chunk in content.chunks(self.capacity()) {
            packet.clear();
            packet.push(band as u8);
            packet.extend_from_slice(chunk);
            pkt::data(out, &packet);
        }
    }

    /// Appends what ends the answer.
    pub fn finish(self, out: &mut Vec<u8>) {
        if self != Self::None {
            pkt::flush(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_as_long_as_the_client_allows() {
        for (sideband, longest) in [(Sideband::Small, 1000), (Sideband::Large, 65520)] {
            let mut out = Vec::new();
            sideband.write(&mut out, Band::Data, &[7; 200_000]);
            let first = std::str::from_utf8(&out[..4]).unwrap();
            assert_eq!(usize::from_str_radix(first, 16).unwrap(), longest);
            assert_eq!(out[4], 1);
        }
    }

    #[test]
    fn without_sidebands_a_pack_goes_out_bare_and_progress_not_at_all() {
        let mut out = Vec::new();
        Sideband::None.write(&mut out, Band::Progress, b"counting");
        Sideband::None.write(&mut out, Band::Data, b"PACK");
        Sideband::None.finish(&mut out);
        assert_eq!(out, b"PACK");
    }
}
