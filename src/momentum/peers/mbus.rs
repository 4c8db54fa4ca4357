use super::{Peer, Peers, PeersError};
use crate::momentum::config::{Kind, Lexer, ParseError, Token, utf8};

/// Reads the members of every `Spread_Segment`. Everything else in the file is the Spread
/// daemon's and is passed over.
///
/// # Errors
/// When a segment has a fault, an address cannot be read, or a name has two addresses.
pub fn from_mbus(bytes: &[u8]) -> Result<Vec<Peer>, PeersError> {
    read(bytes).map_err(|fault| PeersError { file: "mbus.conf", fault })
}

fn read(bytes: &[u8]) -> Result<Vec<Peer>, ParseError> {
    let mut lexer = Lexer::new(utf8(bytes)?);
    let mut peers = Peers::default();
    loop {
        let next = lexer.next()?;
        match next.kind {
            Kind::Word if next.text.eq_ignore_ascii_case("Spread_Segment") => {
                segment(next, &mut lexer, &mut peers)?;
            }
            Kind::End => return Ok(peers.peers),
            _ => {}
        }
    }
}

fn segment(start: Token, lexer: &mut Lexer, peers: &mut Peers) -> Result<(), ParseError> {
    let head = (lexer.next()?.kind, lexer.next()?.kind);
    if head != (Kind::Word, Kind::Mark('{')) {
        return Err(ParseError::at(start.position, "write Spread_Segment ADDRESS:PORT {"));
    }
    loop {
        let name = lexer.next()?;
        match name.kind {
            Kind::Mark('}') => return Ok(()),
            Kind::Word => {}
            _ => return Err(name.instead_of(r#"the name of a node or "}""#)),
        }
        let address = lexer.next()?;
        // An address on another line is the next node's name.
        if address.kind != Kind::Word || address.position.line != name.position.line {
            return Err(name.error("write NAME ADDRESS; there is no address after"));
        }
        peers.add(name.position, name.text, address.text)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let peers = from_mbus(text.as_bytes()).expect("valid");
        peers.iter().map(|peer| format!("{} {}", peer.name, peer.address)).collect()
    }

    #[test]
    fn members_of_all_segments_are_found_between_spreads_own_options() {
        let text = concat!(
            "SocketPortReuse = on\nDebugFlags = { EXIT CONFIGURATION }\nEventTimeStamp\n",
            "# Subcluster: default => manager\n",
            "Spread_Segment  10.0.0.255:4803 {         # the broadcast address\n",
            "    manager   10.0.0.91     # management node\n",
            "    ec-0-1    10.0.0.191\n}\n",
            "DangerousMonitor = false\n",
            "spread_segment 10.0.1.255:4803{ec-1-1 10.0.1.191}\n",
        );
        assert_eq!(read(text), ["manager 10.0.0.91", "ec-0-1 10.0.0.191", "ec-1-1 10.0.1.191"]);
    }

    #[test]
    fn a_file_without_segments_has_no_peers() {
        assert!(read("DaemonUser = ecspread\n").is_empty());
    }

    #[test]
    fn faults_are_named_with_their_line() {
        let message = |text: &str| from_mbus(text.as_bytes()).expect_err(text).to_string();
        let head = "mbus.conf, line 1, column 1: write Spread_Segment ADDRESS:PORT {";
        assert_eq!(message("Spread_Segment { a 10.0.0.1 }"), head);
        assert_eq!(message("Spread_Segment"), head);
        let unclosed = message("Spread_Segment 10.0.0.255:4803 {\n a 10.0.0.1\n");
        assert!(
            unclosed.starts_with("mbus.conf, line 3, column 1: expected the name of a node or")
        );
        let alone = message("Spread_Segment 10.0.0.255:4803 {\n a\n b 10.0.0.2\n}");
        assert!(alone.starts_with(
            "mbus.conf, line 2, column 2: write NAME ADDRESS; there is no address after \"a\""
        ));
        let address = message("Spread_Segment 10.0.0.255:4803 {\n a 10/8\n}");
        assert!(
            address.starts_with("mbus.conf, line 2, column 2: peer \"a\": \"10/8\" is no address")
        );
    }
}
