//! What a client of ours sends: requests of version 2, and the head of a push.

use super::{AGENT, Id, RefCommand, pkt};

/// The body of a `fetch` that ends the negotiation at once: what `wants` reach and `haves` do not.
/// The pack may be thin.
pub fn ask_for_pack(wants: &[Id], haves: &[Id]) -> Vec<u8> {
    let wants = wants.iter().map(|id| format!("want {id}"));
    let haves = haves.iter().map(|id| format!("have {id}"));
    let allowed = ["thin-pack", "ofs-delta", "done"].map(String::from);
    command("fetch", allowed.into_iter().chain(wants).chain(haves))
}

/// The body of an `ls-refs` for the references whose names begin so.
pub fn ask_for_refs(prefixes: &[&str]) -> Vec<u8> {
    command("ls-refs", prefixes.iter().map(|prefix| format!("ref-prefix {prefix}")))
}

/// The head of a push of one reference, whose pack follows.
pub fn ask_to_change(change: &RefCommand) -> Vec<u8> {
    let RefCommand { old, new, name } = change;
    let capabilities =
        format!("report-status side-band-64k ofs-delta object-format=sha1 agent={AGENT}");
    let mut out = Vec::new();
    pkt::data(&mut out, format!("{old} {new} {name}\0{capabilities}").as_bytes());
    pkt::flush(&mut out);
    out
}

fn command(name: &str, arguments: impl Iterator<Item = String>) -> Vec<u8> {
    let mut out = Vec::new();
    pkt::line(&mut out, format_args!("command={name}"));
    pkt::line(&mut out, format_args!("agent={AGENT}"));
    pkt::line(&mut out, "object-format=sha1");
    pkt::delimiter(&mut out);
    arguments.for_each(|argument| pkt::line(&mut out, argument));
    pkt::flush(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::super::{Command, PushRequest, Reporting, Sideband, parse_v2};
    use super::*;

    const ONE: Id = Id::from_bytes([1; 20]);
    const TWO: Id = Id::from_bytes([2; 20]);

    #[test]
    fn what_is_asked_for_is_what_the_server_reads() {
        let Ok(Some(Command::Fetch(fetch))) = parse_v2(&ask_for_pack(&[ONE], &[TWO])[..]) else {
            panic!("no fetch")
        };
        assert_eq!((fetch.wants, fetch.haves, fetch.done), (vec![ONE], vec![TWO], true));
        let refs = parse_v2(&ask_for_refs(&["refs/heads/boot"])[..]);
        assert!(matches!(refs, Ok(Some(Command::LsRefs(_)))));
    }

    #[test]
    fn a_change_is_what_the_server_reads() {
        let change = RefCommand { old: ONE, new: TWO, name: "refs/heads/boot".into() };
        let body = [ask_to_change(&change), b"PACK".to_vec()].concat();
        let (request, pack) = PushRequest::parse(&body[..]).unwrap();
        assert_eq!(request.commands, [change]);
        assert_eq!((request.reporting, request.sideband), (Reporting::Status, Sideband::Large));
        assert_eq!(pack, b"PACK");
    }
}
