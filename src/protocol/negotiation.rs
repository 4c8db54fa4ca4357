//! What is said about the client's haves before the pack.

use super::{BatchEnd, FetchRequest, Id, MultiAck, pkt};

/// What the repository knows of the objects a client says it has.
pub trait Known {
    /// Whether this object is here.
    fn has(&mut self, id: Id) -> bool;
    /// Whether each want is reached from one of these common objects, so that a pack made now would
    /// not be much larger than it needs to be (`ok_to_give_up` in git's upload-pack.c).
    fn is_enough(&mut self, common: &[Id]) -> bool;
}

/// The outcome of one round.
#[derive(Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// The lines to send.
    pub lines: Vec<u8>,
    /// The objects both sides have.
    pub common: Vec<Id>,
    /// Whether the pack follows.
    pub pack_follows: bool,
}

/// Commits that become or cease to be the end of the client's history.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ShallowUpdate {
    /// Their parents are not sent.
    pub shallow: Vec<Id>,
    /// Their parents are sent now.
    pub unshallow: Vec<Id>,
}

impl ShallowUpdate {
    /// These lines are the only ones that git ends without a newline (`send_shallow` in its
    /// upload-pack.c), and libgit2 as a client refuses one (`shallow_pkt` in its smart_pkt.c).
    fn write(&self, out: &mut Vec<u8>) {
        for id in &self.shallow {
            pkt::data(out, format!("shallow {id}").as_bytes());
        }
        for id in &self.unshallow {
            pkt::data(out, format!("unshallow {id}").as_bytes());
        }
    }
}

/// Version 0 and 1: the shallow lines if the history is cut, then what `get_common_commits` in git's
/// upload-pack.c says. There is one NAK at the most: a second one breaks the client.
pub fn answer_v0(
    request: &FetchRequest,
    end: BatchEnd,
    shallow: Option<&ShallowUpdate>,
    known: &mut impl Known,
) -> Negotiated {
    let mut lines = Vec::new();
    if let Some(shallow) = shallow {
        shallow.write(&mut lines);
        pkt::flush(&mut lines);
    }
    if end == BatchEnd::Silence {
        return Negotiated { lines, common: Vec::new(), pack_follows: false };
    }
    let mut batch = Batch { lines, common: Vec::new(), missed: false, ready: false };
    for &have in &request.haves {
        batch.take(have, request.multi_ack, known);
    }
    let pack_follows = match end {
        BatchEnd::Done => batch.finish(request.multi_ack),
        _ => batch.pause(request, known),
    };
    Negotiated { lines: batch.lines, common: batch.common, pack_follows }
}

struct Batch {
    lines: Vec<u8>,
    common: Vec<Id>,
    missed: bool,
    ready: bool,
}

impl Batch {
    fn take(&mut self, have: Id, multi_ack: MultiAck, known: &mut impl Known) {
        if known.has(have) {
            self.common.push(have);
            match multi_ack {
                MultiAck::Detailed => self.ack(have, " common"),
                MultiAck::Continue => self.ack(have, " continue"),
                MultiAck::Single if self.common.len() == 1 => self.ack(have, ""),
                MultiAck::Single => {}
            }
            return;
        }
        self.missed = true;
        if multi_ack != MultiAck::Single && (self.ready || known.is_enough(&self.common)) {
            self.ready = true;
            // Telling "ready" for an object that is not here makes the client stop offering its
            // ancestors.
            let state = if multi_ack == MultiAck::Detailed { " ready" } else { " continue" };
            self.ack(have, state);
        }
    }

    fn ack(&mut self, id: Id, state: &str) {
        pkt::line(&mut self.lines, format_args!("ACK {id}{state}"));
    }

    /// At a flush; whether the pack follows at once.
    fn pause(&mut self, request: &FetchRequest, known: &mut impl Known) -> bool {
        let last = self.common.last().copied();
        if let (MultiAck::Detailed, false, Some(last)) = (request.multi_ack, self.missed, last)
            && known.is_enough(&self.common)
        {
            self.ready = true;
            self.ack(last, " ready");
        }
        if self.common.is_empty() || request.multi_ack != MultiAck::Single {
            pkt::line(&mut self.lines, "NAK");
        }
        match last {
            Some(last) if request.no_done && self.ready => {
                self.ack(last, "");
                true
            }
            _ => false,
        }
    }

    fn finish(&mut self, multi_ack: MultiAck) -> bool {
        match self.common.last().copied() {
            Some(last) if multi_ack != MultiAck::Single => self.ack(last, ""),
            Some(_) => {}
            None => pkt::line(&mut self.lines, "NAK"),
        }
        true
    }
}

/// Version 2: the sections before `packfile`, that one's title included when it follows.
pub fn answer_v2(
    request: &FetchRequest,
    shallow: Option<&ShallowUpdate>,
    known: &mut impl Known,
) -> Negotiated {
    let common: Vec<Id> = request.haves.iter().copied().filter(|&id| known.has(id)).collect();
    let mut lines = Vec::new();
    if !request.done && !request.haves.is_empty() {
        let ready = !request.wait_for_done && !common.is_empty() && known.is_enough(&common);
        acknowledgments(&mut lines, &common, ready);
        if !ready {
            pkt::flush(&mut lines);
            return Negotiated { lines, common, pack_follows: false };
        }
        pkt::delimiter(&mut lines);
    }
    if let Some(shallow) = shallow {
        pkt::line(&mut lines, "shallow-info");
        shallow.write(&mut lines);
        pkt::delimiter(&mut lines);
    }
    pkt::line(&mut lines, "packfile");
    Negotiated { lines, common, pack_follows: true }
}

fn acknowledgments(lines: &mut Vec<u8>, common: &[Id], ready: bool) {
    pkt::line(lines, "acknowledgments");
    if common.is_empty() {
        pkt::line(lines, "NAK");
    }
    for id in common {
        pkt::line(lines, format_args!("ACK {id}"));
    }
    if ready {
        pkt::line(lines, "ready");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Having(Vec<Id>);

    impl Known for Having {
        fn has(&mut self, id: Id) -> bool {
            self.0.contains(&id)
        }
        fn is_enough(&mut self, common: &[Id]) -> bool {
            !common.is_empty()
        }
    }

    fn id(number: u8) -> Id {
        Id::from_bytes([number; 20])
    }

    fn request(haves: &[u8], multi_ack: MultiAck) -> FetchRequest {
        let haves = haves.iter().map(|&number| id(number)).collect();
        FetchRequest { haves, multi_ack, ..Default::default() }
    }

    fn words(lines: &[u8]) -> Vec<String> {
        let mut reader = pkt::PktReader::new(lines);
        let mut words = Vec::new();
        while let Some(line) = reader.read().unwrap() {
            match line {
                pkt::Pkt::Data(line) => {
                    let text = std::str::from_utf8(line).unwrap();
                    words.push(text.replace(&"0".repeat(36), ""));
                }
                other => words.push(format!("{other:?}")),
            }
        }
        words
    }

    #[test]
    fn a_clone_gets_one_nak_and_its_pack() {
        let round =
            answer_v0(&request(&[], MultiAck::Detailed), BatchEnd::Done, None, &mut Having(vec![]));
        assert_eq!(words(&round.lines), ["NAK"]);
        assert!(round.pack_follows);
    }

    #[test]
    fn nothing_in_common_yet_gets_one_nak_and_no_pack() {
        let round = answer_v0(
            &request(&[1, 2], MultiAck::Detailed),
            BatchEnd::Flush,
            None,
            &mut Having(vec![]),
        );
        assert_eq!(words(&round.lines), ["NAK"]);
        assert!(!round.pack_follows);
    }

    #[test]
    fn common_objects_are_acknowledged_and_the_last_one_again_at_done() {
        let round = answer_v0(
            &request(&[1, 2], MultiAck::Detailed),
            BatchEnd::Done,
            None,
            &mut Having(vec![id(1)]),
        );
        let (one, two) = (id(1), id(2));
        let expected =
            [format!("ACK {one} common"), format!("ACK {two} ready"), format!("ACK {one}")];
        assert_eq!(words(&round.lines), expected);
        assert!(round.pack_follows);
    }

    #[test]
    fn with_no_done_the_pack_follows_ready() {
        let mut asked = request(&[1], MultiAck::Detailed);
        asked.no_done = true;
        let round = answer_v0(&asked, BatchEnd::Flush, None, &mut Having(vec![id(1)]));
        let one = id(1);
        let expected = [
            format!("ACK {one} common"),
            format!("ACK {one} ready"),
            "NAK".into(),
            format!("ACK {one}"),
        ];
        assert_eq!(words(&round.lines), expected);
        assert!(round.pack_follows);
    }

    #[test]
    fn the_first_request_of_a_shallow_clone_hears_of_the_cut_alone() {
        let update = ShallowUpdate { shallow: vec![id(3)], unshallow: vec![] };
        let asked = request(&[], MultiAck::Detailed);
        let round = answer_v0(&asked, BatchEnd::Silence, Some(&update), &mut Having(vec![]));
        assert_eq!(words(&round.lines), [format!("shallow {}", id(3)), "Flush".into()]);
        assert!(round.lines.starts_with(b"0034"), "there is a newline, which libgit2 refuses");
        assert!(!round.pack_follows);
    }

    #[test]
    fn version_2_tells_ready_and_goes_on_to_the_pack() {
        let round = answer_v2(&request(&[1], MultiAck::Single), None, &mut Having(vec![id(1)]));
        let expected =
            ["acknowledgments", &format!("ACK {}", id(1)), "ready", "Delimiter", "packfile"];
        assert_eq!(words(&round.lines), expected);
        assert!(round.pack_follows);
    }

    #[test]
    fn version_2_says_nak_when_nothing_is_common() {
        let round = answer_v2(&request(&[1], MultiAck::Single), None, &mut Having(vec![]));
        assert_eq!(words(&round.lines), ["acknowledgments", "NAK", "Flush"]);
        assert!(!round.pack_follows);
    }
}
