//! The body of a version 0 or 1 `git-upload-pack` request over HTTP: wants, then one batch of
//! haves. The client repeats all of it with each request, for the server remembers nothing.

use std::io::Read;

use super::{Error, FetchRequest, Filter, MultiAck, Pkt, PktReader, Sideband};

/// What ended the batch of haves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchEnd {
    /// The client has more to say in another request.
    Flush,
    /// The client wants the pack.
    Done,
    /// The request ended with the wants, as the first one of a shallow fetch does.
    Silence,
}

/// Reads the request. Without wants there is nothing to do: `None`.
pub fn parse(body: impl Read) -> Result<Option<(FetchRequest, BatchEnd)>, Error> {
    let mut lines = PktReader::new(body);
    let mut request = FetchRequest::default();
    loop {
        match lines.read()? {
            Some(Pkt::Data(line)) => want_line(&mut request, line)?,
            Some(Pkt::Flush) => break,
            None if request.wants.is_empty() => return Ok(None),
            None => return Err(Error::Truncated),
            Some(other) => return Err(Error::UnexpectedLine(format!("{other:?}"))),
        }
    }
    if request.wants.is_empty() {
        return Ok(None);
    }
    let end = have_lines(&mut request, &mut lines)?;
    request.done = end == BatchEnd::Done;
    Ok(Some((request.finish(), end)))
}

fn want_line(request: &mut FetchRequest, line: &[u8]) -> Result<(), Error> {
    if let Some(rest) = line.strip_prefix(b"want ") {
        let (hex, capabilities) = rest.split_at(rest.len().min(super::Id::HEX_LEN));
        if request.wants.is_empty() {
            take_capabilities(request, capabilities);
        }
        request.push_want(hex, line)
    } else if let Some(hex) = line.strip_prefix(b"shallow ") {
        request.push_shallow(hex, line)
    } else if let Some(spec) = line.strip_prefix(b"filter ") {
        request.filter = Filter::parse(spec)?;
        Ok(())
    } else if request.take_deepen(line)? {
        Ok(())
    } else {
        Err(Error::unexpected(line))
    }
}

/// Capabilities the server did not offer are passed over, as git does.
fn take_capabilities(request: &mut FetchRequest, capabilities: &[u8]) {
    for word in capabilities.split(|&byte| byte == b' ') {
        match word {
            b"multi_ack" if request.multi_ack == MultiAck::Single => {
                request.multi_ack = MultiAck::Continue;
            }
            b"multi_ack_detailed" => request.multi_ack = MultiAck::Detailed,
            b"side-band" if request.sideband == Sideband::None => {
                request.sideband = Sideband::Small;
            }
            b"side-band-64k" => request.sideband = Sideband::Large,
            b"no-done" => request.no_done = true,
            b"no-progress" => request.no_progress = true,
            b"include-tag" => request.include_tag = true,
            b"deepen-relative" => request.make_relative(),
            _ => {}
        }
    }
}

fn have_lines<R: Read>(
    request: &mut FetchRequest,
    lines: &mut PktReader<R>,
) -> Result<BatchEnd, Error> {
    loop {
        match lines.read()? {
            Some(Pkt::Data(b"done")) => return Ok(BatchEnd::Done),
            Some(Pkt::Data(line)) => {
                let hex = line.strip_prefix(b"have ").ok_or_else(|| Error::unexpected(line))?;
                request.push_have(hex, line)?;
            }
            // A flush before the first have only ends the wants a second time.
            Some(Pkt::Flush) if request.haves.is_empty() => {}
            Some(Pkt::Flush) => return Ok(BatchEnd::Flush),
            None if request.haves.is_empty() => return Ok(BatchEnd::Silence),
            None => return Ok(BatchEnd::Flush),
            Some(other) => return Err(Error::UnexpectedLine(format!("{other:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Deepen, Id, pkt};
    use super::*;

    const HEX: &str = "0123456789abcdef0123456789abcdef01234567";

    fn body(lines: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        for line in lines {
            match *line {
                "0000" => pkt::flush(&mut out),
                line => pkt::line(&mut out, line),
            }
        }
        out
    }

    #[test]
    fn wants_capabilities_and_haves_are_read() {
        let want = format!("want {HEX} multi_ack_detailed no-done side-band-64k include-tag");
        let have = format!("have {HEX}");
        let (request, end) =
            parse(&body(&[&want, "deepen 3", "0000", &have, "done"])[..]).unwrap().unwrap();
        assert_eq!(request.wants, [Id::from_hex(HEX.as_bytes()).unwrap()]);
        assert_eq!(request.haves, request.wants);
        assert_eq!(request.deepen, Some(Deepen::Depth(3)));
        assert_eq!(request.multi_ack, MultiAck::Detailed);
        assert_eq!(request.sideband, Sideband::Large);
        assert!(request.no_done && request.include_tag && request.done);
        assert_eq!(end, BatchEnd::Done);
    }

    #[test]
    fn a_shallow_clone_first_sends_its_wants_alone() {
        let want = format!("want {HEX}");
        let (_, end) = parse(&body(&[&want, "deepen 1", "0000"])[..]).unwrap().unwrap();
        assert_eq!(end, BatchEnd::Silence);
    }

    #[test]
    fn an_empty_request_asks_for_nothing() {
        assert!(parse(&b"0000"[..]).unwrap().is_none());
        assert!(parse(&b""[..]).unwrap().is_none());
    }

    #[test]
    fn lines_that_do_not_belong_are_refused() {
        for lines in [&["want xyz", "0000"][..], &["hello", "0000"], &["deepen -1", "0000"]] {
            assert!(parse(&body(lines)[..]).is_err(), "{lines:?}");
        }
    }

    #[test]
    fn more_wants_than_the_limit_are_refused() {
        let want = format!("want {HEX}");
        let lines = vec![want.as_str(); super::super::limits::MAX_WANTS + 1];
        assert!(matches!(parse(&body(&lines)[..]), Err(Error::TooMany { what: "wants", .. })));
    }

    proptest! {
        #[test]
        fn no_lines_make_the_parser_panic(lines in prop::collection::vec("(want |have |deepen|deepen-not |shallow |filter |done|0000)[ 0-9a-f]{0,44}", 0..8)) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let _ = parse(&body(&lines)[..]);
        }
    }
}
