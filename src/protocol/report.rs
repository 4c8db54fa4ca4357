//! What became of a push (`report-status` in `gitprotocol-pack(5)`).

use super::{Band, PushRequest, Reporting, pkt};

/// The fate of one reference: done, or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefResult {
    /// The full name.
    pub name: String,
    /// The reason it was not changed, in a few words.
    pub refused: Option<String>,
}

/// The body of the answer to a push. `unpack` is what went wrong with the pack as a whole; `message`
/// is shown to the person behind `remote:`.
pub fn report(
    request: &PushRequest,
    unpack: Result<(), &str>,
    results: &[RefResult],
    message: &str,
) -> Vec<u8> {
    let mut out = Vec::new();
    if !message.is_empty() {
        request.sideband.write(&mut out, Band::Progress, message.as_bytes());
    }
    if request.reporting == Reporting::Status {
        let status = status_lines(unpack, results);
        // Inside a side-band the report is a stream of its own, with its own flush.
        request.sideband.write(&mut out, Band::Data, &status);
    }
    request.sideband.finish(&mut out);
    out
}

fn status_lines(unpack: Result<(), &str>, results: &[RefResult]) -> Vec<u8> {
    let mut out = Vec::new();
    pkt::line(&mut out, format_args!("unpack {}", unpack.err().unwrap_or("ok")));
    for result in results {
        match &result.refused {
            None => pkt::line(&mut out, format_args!("ok {}", result.name)),
            Some(reason) => pkt::line(&mut out, format_args!("ng {} {reason}", result.name)),
        }
    }
    pkt::flush(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::super::Sideband;
    use super::*;

    fn results() -> [RefResult; 2] {
        let done = RefResult { name: "refs/heads/a".into(), refused: None };
        let refused =
            RefResult { name: "refs/heads/b".into(), refused: Some("fetch first".into()) };
        [done, refused]
    }

    const STATUS: &str =
        "000eunpack ok\n0014ok refs/heads/a\n0020ng refs/heads/b fetch first\n0000";

    #[test]
    fn the_report_goes_into_sideband_1_exactly_when_the_client_asked_for_it() {
        let mut request = PushRequest { reporting: Reporting::Status, ..Default::default() };
        let bare = report(&request, Ok(()), &results(), "");
        assert_eq!(String::from_utf8(bare).unwrap(), STATUS);
        request.sideband = Sideband::Large;
        let framed = report(&request, Ok(()), &results(), "");
        let expected = format!("{:04x}\u{1}{STATUS}0000", STATUS.len() + 5);
        assert_eq!(String::from_utf8(framed).unwrap(), expected);
    }

    #[test]
    fn a_client_that_asked_for_no_report_gets_none() {
        assert!(report(&PushRequest::default(), Ok(()), &results(), "").is_empty());
    }
}
