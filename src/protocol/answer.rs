//! What a client of ours gets back: references, packs and reports, from a server that may not be one
//! of ours, or be cut off in the middle.

use std::io::Read;

use super::{Band, Error, Id, Pkt, PktReader, RefResult};

/// Packets of an answer, each on its band.
pub struct Bands<R> {
    lines: PktReader<R>,
}

/// What became of a push of ours.
#[derive(Debug, PartialEq, Eq)]
pub struct PushReport {
    /// What went wrong with the pack as a whole.
    pub unpack: Result<(), String>,
    /// What became of each reference.
    pub results: Vec<RefResult>,
}

impl<R: Read> Bands<R> {
    /// The packets of a fetch's answer, from where its pack begins.
    ///
    /// # Errors
    /// [`Error::Refused`] with the server's reason to send none; others if this is no such answer.
    pub fn of_pack(input: R) -> Result<Self, Error> {
        let mut lines = PktReader::new(input);
        loop {
            match lines.read()? {
                Some(Pkt::Data(b"packfile")) => return Ok(Self { lines }),
                // A section before the pack, such as `acknowledgments` or `shallow-info`.
                Some(Pkt::Data(line)) => not_refused(line)?,
                Some(Pkt::Delimiter) => {}
                Some(other) => return Err(Error::UnexpectedLine(format!("{other:?}"))),
                None => return Err(Error::Truncated),
            }
        }
    }

    /// The packets of an answer that is nothing else.
    pub fn new(input: R) -> Self {
        Self { lines: PktReader::new(input) }
    }

    /// The next packet; `None` at the end of the answer, which must have come.
    ///
    /// # Errors
    /// If the answer is cut off, or is none.
    pub fn packet(&mut self) -> Result<Option<(Band, &[u8])>, Error> {
        match self.lines.read_raw()? {
            Some(Pkt::Flush) => Ok(None),
            Some(Pkt::Data([band, content @ ..])) => match band {
                1 => Ok(Some((Band::Data, content))),
                2 => Ok(Some((Band::Progress, content))),
                3 => Ok(Some((Band::Fatal, content))),
                _ => Err(Error::unexpected(content)),
            },
            Some(other) => Err(Error::UnexpectedLine(format!("{other:?}"))),
            None => Err(Error::Truncated),
        }
    }
}

impl PushReport {
    /// Reads what has come on [`Band::Data`].
    ///
    /// # Errors
    /// If this is no report.
    pub fn parse(input: &[u8]) -> Result<Self, Error> {
        let mut lines = PktReader::new(input);
        let mut report = Self { unpack: Ok(()), results: Vec::new() };
        let mut is_first = true;
        loop {
            match lines.read()? {
                Some(Pkt::Data(line)) => report.take_line(line, is_first)?,
                Some(Pkt::Flush) if !is_first => return Ok(report),
                Some(other) => return Err(Error::UnexpectedLine(format!("{other:?}"))),
                None => return Err(Error::Truncated),
            }
            is_first = false;
        }
    }

    fn take_line(&mut self, line: &[u8], is_first: bool) -> Result<(), Error> {
        let text = String::from_utf8_lossy(line);
        match text.split_once(' ') {
            Some(("unpack", "ok")) if is_first => {}
            Some(("unpack", reason)) if is_first => self.unpack = Err(reason.to_owned()),
            Some(("ok", name)) if !is_first => {
                self.results.push(RefResult { name: name.to_owned(), refused: None });
            }
            Some(("ng", rest)) if !is_first => {
                let (name, reason) = rest.split_once(' ').unwrap_or((rest, "no reason given"));
                let refused = Some(reason.to_owned());
                self.results.push(RefResult { name: name.to_owned(), refused });
            }
            _ => return Err(Error::unexpected(line)),
        }
        Ok(())
    }
}

/// The objects that the references of an answer to `ls-refs` name, with their full names.
///
/// # Errors
/// [`Error::Refused`] with the server's reason to name none; others if this is no such answer.
pub fn read_refs(input: impl Read) -> Result<Vec<(String, Id)>, Error> {
    let mut lines = PktReader::new(input);
    let mut refs = Vec::new();
    loop {
        match lines.read()? {
            Some(Pkt::Data(line)) => {
                not_refused(line)?;
                refs.push(reference(line)?);
            }
            Some(Pkt::Flush) => return Ok(refs),
            Some(other) => return Err(Error::UnexpectedLine(format!("{other:?}"))),
            None => return Err(Error::Truncated),
        }
    }
}

fn not_refused(line: &[u8]) -> Result<(), Error> {
    match line.strip_prefix(b"ERR ") {
        Some(reason) => Err(Error::Refused(String::from_utf8_lossy(reason).into_owned())),
        None => Ok(()),
    }
}

fn reference(line: &[u8]) -> Result<(String, Id), Error> {
    let mut words = line.split(|&byte| byte == b' ');
    let id = words.next().and_then(Id::from_hex);
    let name = words.next().and_then(|name| std::str::from_utf8(name).ok());
    id.zip(name).map(|(id, name)| (name.to_owned(), id)).ok_or_else(|| Error::unexpected(line))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Advertised, LsRefs, PushRequest, Reporting, Sideband, pkt, report};
    use super::*;

    const ONE: Id = Id::from_bytes([1; 20]);

    fn bands(mut bands: Bands<&[u8]>) -> Result<Vec<(Band, Vec<u8>)>, Error> {
        let mut all = Vec::new();
        while let Some((band, content)) = bands.packet()? {
            all.push((band, content.to_owned()));
        }
        Ok(all)
    }

    #[test]
    fn a_pack_comes_whole_with_the_newlines_that_are_its_own() {
        let mut body = Vec::new();
        for line in ["acknowledgments", "ready"] {
            pkt::line(&mut body, line);
        }
        pkt::delimiter(&mut body);
        pkt::line(&mut body, "packfile");
        Sideband::Large.write(&mut body, Band::Progress, b"counting\n");
        Sideband::Large.write(&mut body, Band::Data, b"PACK\n");
        let cut = body.len();
        Sideband::Large.finish(&mut body);
        let pack = Bands::of_pack(&body[..]).unwrap();
        let expected =
            vec![(Band::Progress, b"counting\n".to_vec()), (Band::Data, b"PACK\n".to_vec())];
        assert_eq!(bands(pack).unwrap(), expected);
        let pack = Bands::of_pack(&body[..cut]).unwrap();
        assert!(matches!(bands(pack), Err(Error::Truncated)));
    }

    #[test]
    fn a_refusal_is_told() {
        let mut body = Vec::new();
        pkt::line(&mut body, "ERR not our ref");
        for refused in [Bands::of_pack(&body[..]).map(|_| ()), read_refs(&body[..]).map(|_| ())] {
            let Err(Error::Refused(why)) = refused else { panic!("no reason") };
            assert_eq!(why, "not our ref");
        }
    }

    #[test]
    fn what_the_server_reports_is_read() {
        let request = PushRequest { reporting: Reporting::Status, ..Default::default() };
        let refused = Some("fetch first".to_owned());
        let results = [RefResult { name: "refs/heads/boot".into(), refused }];
        let body = report(&request, Ok(()), &results, "");
        let read = PushReport::parse(&body).unwrap();
        assert_eq!(read, PushReport { unpack: Ok(()), results: results.to_vec() });
        let body = report(&request, Err("no room"), &[], "");
        assert_eq!(PushReport::parse(&body).unwrap().unpack, Err("no room".to_owned()));
        assert!(matches!(PushReport::parse(&body[..body.len() - 4]), Err(Error::Truncated)));
    }

    #[test]
    fn the_references_that_the_server_names_are_read() {
        let refs = [Advertised { name: "refs/heads/boot", target: ONE, peeled: None }];
        let body = LsRefs::default().answer("refs/heads/boot", refs.into_iter());
        let expected = [("HEAD".to_owned(), ONE), ("refs/heads/boot".to_owned(), ONE)];
        assert_eq!(read_refs(&body[..]).unwrap(), expected);
        assert!(read_refs(&body[..body.len() - 4]).is_err());
    }

    proptest! {
        #[test]
        fn no_answer_makes_a_reader_panic(bytes: Vec<u8>, line in "[0-9a-f]{39,41} ?[a-z/ ]{0,20}") {
            let mut framed = Vec::new();
            pkt::line(&mut framed, line);
            framed.extend(&bytes);
            for input in [&bytes, &framed] {
                let _ = read_refs(&input[..]);
                let _ = PushReport::parse(input);
                let _ = bands(Bands::new(input));
                let _ = Bands::of_pack(&input[..]).map(|_| ());
            }
        }
    }
}
