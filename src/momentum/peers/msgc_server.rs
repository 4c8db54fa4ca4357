use super::{Peer, Peers, PeersError};
use crate::momentum::config::{Assignment, ParseError, Statement, Value, parse_bytes};

/// Reads the dictionary `peers` of every stanza `msgc_server`. Includes are not followed.
///
/// # Errors
/// When the file has a fault, an address cannot be read, or a name has two addresses.
pub fn from_msgc_server(bytes: &[u8]) -> Result<Vec<Peer>, PeersError> {
    read(bytes).map_err(|fault| PeersError { file: "msgc_server.conf", fault })
}

fn read(bytes: &[u8]) -> Result<Vec<Peer>, ParseError> {
    let scope = parse_bytes(bytes)?;
    let mut peers = Peers::default();
    for statement in scope.stanzas("msgc_server").flat_map(|stanza| &stanza.body.statements) {
        match statement {
            Statement::Option(option) if option.name.eq_ignore_ascii_case("peers") => {
                add_all(option, &mut peers)?;
            }
            _ => {}
        }
    }
    Ok(peers.peers)
}

fn add_all(option: &Assignment, peers: &mut Peers) -> Result<(), ParseError> {
    let wrong = |place: &Assignment| {
        ParseError::at(place.position, r#"write peers = [ NAME = "ADDRESS" ... ]"#)
    };
    let Value::Dictionary(entries) = &option.value else {
        return Err(wrong(option));
    };
    for entry in entries {
        let Value::Text(address) = &entry.value else {
            return Err(wrong(entry));
        };
        peers.add(entry.position, &entry.name, address)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_keep_their_order_names_and_addresses() {
        let text = "# global\nMSGC_Server {\n  port = 4809\n  Peers = [\n    node1 = \"192.168.0.10\"\n    \
                    manager.example.com = \"[2001:db8::1]:2028\"\n  ]\n}\nmsgcserver_listener { }\n";
        let peers = from_msgc_server(text.as_bytes()).expect("valid");
        let read: Vec<_> = peers.iter().map(|p| format!("{} {}", p.name, p.address)).collect();
        assert_eq!(read, ["node1 192.168.0.10", "manager.example.com [2001:db8::1]:2028"]);
    }

    #[test]
    fn a_file_without_peers_has_none() {
        assert_eq!(from_msgc_server(b"msgc_server { port = 4809 }"), Ok(Vec::new()));
    }

    #[test]
    fn errors_name_the_file_the_place_and_the_peer() {
        let message = |text: &str| from_msgc_server(text.as_bytes()).expect_err(text).to_string();
        assert_eq!(
            message("msgc_server {\n  peers = ( a b )\n}"),
            "msgc_server.conf, line 2, column 3: write peers = [ NAME = \"ADDRESS\" ... ]"
        );
        assert!(message("msgc_server { peers = [\n a = \"10.0.0.1:x\" ] }").starts_with(
            "msgc_server.conf, line 2, column 2: peer \"a\": \"10.0.0.1:x\" is no address"
        ));
        assert!(
            message("msgc_server { peers = [ a = ( b ) ] }").contains("column 25: write peers =")
        );
        assert!(message("msgc_server {").starts_with("msgc_server.conf, line 1, column 13: "));
    }
}
