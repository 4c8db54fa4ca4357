//! The head of a `git-receive-pack` request: which references are to change. The pack follows it.

use std::io::Read;

use super::limits::{MAX_COMMANDS, MAX_REF_NAME, MAX_SHALLOWS};
use super::{Error, Id, Pkt, PktReader, Sideband};

/// One push, as asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PushRequest {
    /// The references to change.
    pub commands: Vec<RefCommand>,
    /// How the client wants to hear what became of them.
    pub reporting: Reporting,
    /// How the answer is framed.
    pub sideband: Sideband,
    /// All of the commands or none.
    pub atomic: bool,
}

/// One reference to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefCommand {
    /// The value the client last saw; zero to create.
    pub old: Id,
    /// The value to set; zero to delete.
    pub new: Id,
    /// The full name.
    pub name: String,
}

/// What the client understands of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reporting {
    /// It asked for none.
    #[default]
    Silent,
    /// `report-status`, or `report-status-v2`, which this server answers alike: it changes no
    /// reference in another way than asked.
    Status,
}

impl PushRequest {
    /// Reads the commands and leaves `input` where the pack begins. A request without commands,
    /// such as the `0000` with which git probes a connection, is valid and changes nothing.
    pub fn parse<R: Read>(input: R) -> Result<(Self, R), Error> {
        let mut lines = PktReader::new(input);
        let mut request = Self::default();
        let mut shallows = 0;
        loop {
            match lines.read()? {
                Some(Pkt::Data(line)) if line.starts_with(b"shallow ") => {
                    // The client's history is cut; the check that nothing is missing stands for it.
                    shallows += 1;
                    if shallows > MAX_SHALLOWS {
                        return Err(Error::TooMany {
                            what: "shallow commits",
                            limit: MAX_SHALLOWS,
                        });
                    }
                }
                Some(Pkt::Data(line)) => request.take_command(line)?,
                Some(Pkt::Flush) => return Ok((request, lines.into_inner())),
                None if request.commands.is_empty() => return Ok((request, lines.into_inner())),
                None => return Err(Error::Truncated),
                Some(other) => return Err(Error::UnexpectedLine(format!("{other:?}"))),
            }
        }
    }

    /// Whether a pack follows: git sends none when all commands delete.
    pub fn brings_pack(&self) -> bool {
        self.commands.iter().any(|command| !command.new.is_zero())
    }

    fn take_command(&mut self, line: &[u8]) -> Result<(), Error> {
        if self.commands.len() == MAX_COMMANDS {
            return Err(Error::TooMany { what: "references", limit: MAX_COMMANDS });
        }
        let mut halves = line.splitn(2, |&byte| byte == 0);
        let command = halves.next().unwrap_or_default();
        if let (true, Some(capabilities)) = (self.commands.is_empty(), halves.next()) {
            self.take_capabilities(capabilities);
        }
        let command = RefCommand::parse(command).ok_or_else(|| Error::unexpected(line))?;
        self.commands.push(command);
        Ok(())
    }

    fn take_capabilities(&mut self, capabilities: &[u8]) {
        for word in capabilities.split(|&byte| byte == b' ') {
            match word {
                b"report-status" | b"report-status-v2" => self.reporting = Reporting::Status,
                b"side-band-64k" => self.sideband = Sideband::Large,
                b"atomic" => self.atomic = true,
                _ => {}
            }
        }
    }
}

impl RefCommand {
    fn parse(line: &[u8]) -> Option<Self> {
        let (old, rest) = line.split_at_checked(Id::HEX_LEN)?;
        let (new, name) = rest.strip_prefix(b" ")?.split_at_checked(Id::HEX_LEN)?;
        let name = std::str::from_utf8(name.strip_prefix(b" ")?).ok()?;
        // It is written to the log, where a line's end would begin somebody else's line.
        if name.len() > MAX_REF_NAME || name.chars().any(char::is_control) {
            return None;
        }
        Some(Self { old: Id::from_hex(old)?, new: Id::from_hex(new)?, name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::pkt;
    use super::*;

    #[test]
    fn commands_capabilities_and_the_start_of_the_pack_are_found() {
        let (old, new) = (Id::ZERO, Id::from_bytes([1; 20]));
        let mut body = Vec::new();
        let first = format!("{old} {new} refs/heads/boot\0 report-status-v2 side-band-64k atomic");
        pkt::data(&mut body, first.as_bytes());
        pkt::line(&mut body, format_args!("{new} {old} refs/heads/topic"));
        pkt::flush(&mut body);
        body.extend(b"PACK");
        let (request, rest) = PushRequest::parse(&body[..]).unwrap();
        assert_eq!(rest, b"PACK");
        assert_eq!(request.commands[0], RefCommand { old, new, name: "refs/heads/boot".into() });
        assert_eq!(request.commands[1].new, Id::ZERO);
        assert_eq!(request.reporting, Reporting::Status);
        assert_eq!(request.sideband, Sideband::Large);
        assert!(request.atomic && request.brings_pack());
    }

    #[test]
    fn a_probe_changes_nothing() {
        let (request, _) = PushRequest::parse(&b"0000"[..]).unwrap();
        assert!(request.commands.is_empty());
    }

    #[test]
    fn certificates_and_names_that_are_not_utf8_are_refused() {
        for line in [&b"push-cert\0x"[..], &[b'a'; 20], &[0xff; 90]] {
            let mut body = Vec::new();
            pkt::data(&mut body, line);
            pkt::flush(&mut body);
            assert!(PushRequest::parse(&body[..]).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_input_makes_the_parser_panic(bytes: Vec<u8>) {
            let _ = PushRequest::parse(&bytes[..]);
        }

        #[test]
        fn no_command_line_makes_the_parser_panic(line in "[0-9a-f]{38,42} [0-9a-f]{38,42} ?[a-z/\\x00]{0,20}") {
            let mut body = Vec::new();
            pkt::line(&mut body, line);
            pkt::flush(&mut body);
            let _ = PushRequest::parse(&body[..]);
        }
    }
}
