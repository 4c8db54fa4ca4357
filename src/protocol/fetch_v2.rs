//! The body of a version 2 request: one command, its capabilities, its arguments.

use std::io::Read;

use super::{Error, FetchRequest, Filter, LsRefs, Pkt, PktReader, Sideband};

/// What a version 2 client asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Which references are there?
    LsRefs(LsRefs),
    /// Send a pack.
    Fetch(FetchRequest),
}

/// Reads the request. An empty one, as sent to probe the connection, is `None`.
pub fn parse(body: impl Read) -> Result<Option<Command>, Error> {
    let mut lines = PktReader::new(body);
    let mut command = None;
    let has_arguments = loop {
        match lines.read()? {
            Some(Pkt::Data(line)) => capability_line(&mut command, line)?,
            Some(Pkt::Delimiter) => break true,
            Some(Pkt::Flush) => break false,
            None if command.is_none() => return Ok(None),
            None => return Err(Error::Truncated),
            Some(other) => return Err(Error::UnexpectedLine(format!("{other:?}"))),
        }
    };
    let Some(mut command) = command else { return Ok(None) };
    if has_arguments {
        arguments(&mut command, &mut lines)?;
    }
    Ok(Some(match command {
        Command::Fetch(request) => Command::Fetch(request.finish()),
        other => other,
    }))
}

fn capability_line(command: &mut Option<Command>, line: &[u8]) -> Result<(), Error> {
    match line {
        b"command=ls-refs" => *command = Some(Command::LsRefs(LsRefs::default())),
        b"command=fetch" => {
            let request = FetchRequest { sideband: Sideband::Large, ..Default::default() };
            *command = Some(Command::Fetch(request));
        }
        b"object-format=sha1" => {}
        _ if line.starts_with(b"agent=") || line.starts_with(b"session-id=") => {}
        _ => {
            return Err(Error::Unsupported(format!("\"{}\"", cut(line).escape_ascii())));
        }
    }
    Ok(())
}

fn cut(line: &[u8]) -> &[u8] {
    &line[..line.len().min(80)]
}

fn arguments<R: Read>(command: &mut Command, lines: &mut PktReader<R>) -> Result<(), Error> {
    loop {
        match lines.read()? {
            Some(Pkt::Data(line)) => match command {
                Command::LsRefs(ls_refs) => ls_refs.take_argument(line)?,
                Command::Fetch(request) => fetch_argument(request, line)?,
            },
            Some(Pkt::Flush) => return Ok(()),
            None => return Err(Error::Truncated),
            Some(other) => return Err(Error::UnexpectedLine(format!("{other:?}"))),
        }
    }
}

fn fetch_argument(request: &mut FetchRequest, line: &[u8]) -> Result<(), Error> {
    match line {
        b"done" => request.done = true,
        b"include-tag" => request.include_tag = true,
        b"no-progress" => request.no_progress = true,
        b"wait-for-done" => request.wait_for_done = true,
        // Allowances that this server need not use.
        b"thin-pack" | b"ofs-delta" => {}
        _ => {
            if let Some(hex) = line.strip_prefix(b"want ") {
                request.push_want(hex, line)?;
            } else if let Some(hex) = line.strip_prefix(b"have ") {
                request.push_have(hex, line)?;
            } else if let Some(hex) = line.strip_prefix(b"shallow ") {
                request.push_shallow(hex, line)?;
            } else if let Some(spec) = line.strip_prefix(b"filter ") {
                request.filter = Filter::parse(spec)?;
            } else if !request.take_deepen(line)? {
                return Err(Error::unexpected(line));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Deepen, pkt};
    use super::*;

    const HEX: &str = "0123456789abcdef0123456789abcdef01234567";

    fn body(lines: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        for line in lines {
            match *line {
                "0000" => pkt::flush(&mut out),
                "0001" => pkt::delimiter(&mut out),
                line => pkt::line(&mut out, line),
            }
        }
        out
    }

    #[test]
    fn a_fetch_is_read() {
        let want = format!("want {HEX}");
        let lines = [
            "command=fetch",
            "agent=git/2",
            "0001",
            &want,
            "deepen 2",
            "deepen-relative",
            "done",
            "0000",
        ];
        let Some(Command::Fetch(request)) = parse(&body(&lines)[..]).unwrap() else {
            panic!("not a fetch")
        };
        assert_eq!(request.deepen, Some(Deepen::Relative(2)));
        assert_eq!(request.wants.len(), 1);
        assert!(request.done);
    }

    #[test]
    fn other_commands_and_cut_requests_are_refused() {
        for lines in [
            &["command=object-info", "0000"][..],
            &["command=fetch"],
            &["command=fetch", "0001", "done"],
        ] {
            assert!(parse(&body(lines)[..]).is_err(), "{lines:?}");
        }
    }

    proptest! {
        #[test]
        fn no_input_makes_the_parser_panic(bytes: Vec<u8>) {
            let mut input = body(&["command=fetch", "0001"]);
            input.extend(bytes);
            let _ = parse(&input[..]);
        }
    }
}
