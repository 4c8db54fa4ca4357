//! Packet lines: four hexadecimal digits of length, then the content (`gitprotocol-common(5)`).

use std::fmt::Display;
use std::io::{ErrorKind, Read, Write};

use super::Error;
use super::limits::MAX_PKT;

/// The most content one packet line can carry.
pub const MAX_DATA: usize = MAX_PKT - 4;

/// One packet line.
#[derive(Debug, PartialEq, Eq)]
pub enum Pkt<'a> {
    /// Content, mostly without the newline that may end it.
    Data(&'a [u8]),
    /// `0000`, the end of a message.
    Flush,
    /// `0001`, the end of a section.
    Delimiter,
    /// `0002`, the end of an answer on a connection that stays.
    ResponseEnd,
}

/// Reads packet lines and leaves the input exactly behind the last one read.
pub struct PktReader<R> {
    input: R,
    line: Vec<u8>,
}

impl<R: Read> PktReader<R> {
    /// Reads from `input`, which should be buffered.
    pub fn new(input: R) -> Self {
        Self { input, line: Vec::new() }
    }

    /// The next packet line; `None` where the input ends between two.
    pub fn read(&mut self) -> Result<Option<Pkt<'_>>, Error> {
        Ok(self.read_raw()?.map(|packet| match packet {
            Pkt::Data(line) => Pkt::Data(line.strip_suffix(b"\n").unwrap_or(line)),
            other => other,
        }))
    }

    /// The same with the newline that may end it, which may be part of what is sent.
    pub fn read_raw(&mut self) -> Result<Option<Pkt<'_>>, Error> {
        let Some(length) = self.read_length()? else { return Ok(None) };
        match length {
            0 => Ok(Some(Pkt::Flush)),
            1 => Ok(Some(Pkt::Delimiter)),
            2 => Ok(Some(Pkt::ResponseEnd)),
            3 => Err(Error::BadLength),
            _ => {
                self.line.resize(length - 4, 0);
                self.input.read_exact(&mut self.line).map_err(truncated)?;
                Ok(Some(Pkt::Data(&self.line)))
            }
        }
    }

    /// What follows the packet lines, such as a pack.
    pub fn into_inner(self) -> R {
        self.input
    }

    fn read_length(&mut self) -> Result<Option<usize>, Error> {
        let mut digits = [0; 4];
        let first = loop {
            match self.input.read(&mut digits) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        if first == 0 {
            return Ok(None);
        }
        self.input.read_exact(&mut digits[first..]).map_err(truncated)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(Error::BadLength);
        }
        let digits = std::str::from_utf8(&digits).map_err(|_| Error::BadLength)?;
        let length = usize::from_str_radix(digits, 16).map_err(|_| Error::BadLength)?;
        if length > MAX_PKT { Err(Error::BadLength) } else { Ok(Some(length)) }
    }
}

fn truncated(error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => Error::Truncated,
        _ => Error::Io(error),
    }
}

/// Appends one packet line with this content, which must fit ([`MAX_DATA`]).
pub fn data(out: &mut Vec<u8>, content: &[u8]) {
    debug_assert!(content.len() <= MAX_DATA);
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{:04x}", content.len() + 4);
    out.extend_from_slice(content);
}

/// Appends one packet line of text and its newline.
pub fn line(out: &mut Vec<u8>, text: impl Display) {
    data(out, format!("{text}\n").as_bytes());
}

/// Appends `0000`.
pub fn flush(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0000");
}

/// Appends `0001`.
pub fn delimiter(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0001");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_read_back_as_written() {
        let mut bytes = Vec::new();
        line(&mut bytes, "want x");
        data(&mut bytes, b"");
        delimiter(&mut bytes);
        flush(&mut bytes);
        let mut reader = PktReader::new(&bytes[..]);
        assert_eq!(reader.read().unwrap(), Some(Pkt::Data(b"want x")));
        assert_eq!(reader.read().unwrap(), Some(Pkt::Data(b"")));
        assert_eq!(reader.read().unwrap(), Some(Pkt::Delimiter));
        assert_eq!(reader.read().unwrap(), Some(Pkt::Flush));
        assert_eq!(reader.read().unwrap(), None);
    }

    #[test]
    fn what_follows_the_lines_is_left_alone() {
        let mut reader = PktReader::new(&b"0000PACKdata"[..]);
        assert_eq!(reader.read().unwrap(), Some(Pkt::Flush));
        assert_eq!(reader.into_inner(), b"PACKdata");
    }

    #[test]
    fn bad_lengths_are_refused() {
        for bad in ["0003", "+004", "zzzz", "fff1", "ffff", "-001", "00 4"] {
            let result = PktReader::new(bad.as_bytes()).read().map(|_| ());
            assert!(matches!(result, Err(Error::BadLength)), "{bad}");
        }
    }

    #[test]
    fn an_end_within_a_line_is_an_error() {
        for cut in ["00", "000", "0008abc"] {
            let result = PktReader::new(cut.as_bytes()).read().map(|_| ());
            assert!(matches!(result, Err(Error::Truncated)), "{cut}");
        }
    }

    proptest! {
        #[test]
        fn no_input_makes_the_reader_panic_or_run_for_ever(bytes: Vec<u8>) {
            let mut reader = PktReader::new(&bytes[..]);
            let mut lines = 0;
            while let Ok(Some(_)) = reader.read() {
                lines += 1;
            }
            prop_assert!(lines <= bytes.len() / 4);
        }
    }
}
