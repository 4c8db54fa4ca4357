use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;

use ecconfigd::tls::{MEMBERS, trust_nobody_yet};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::machines::Machines;

#[test]
fn whoever_shows_no_key_of_a_member_does_not_come_in() {
    let machines = Machines::cluster(2);
    let mut config = trust_nobody_yet().unwrap();
    config.alpn_protocols = vec![MEMBERS.to_vec()];
    let stream = TcpStream::connect(machines.all[0].running().address).unwrap();
    let name = ServerName::try_from("member").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let answer = StreamOwned::new(connection, stream).read(&mut [0; 16]);
    assert!(answer.unwrap_err().to_string().contains("CertificateRequired"));
}

#[test]
fn a_password_does_not_open_what_members_ask_each_other() {
    let machines = Machines::cluster(2);
    for path in ["/append", "/vote", "/propose", "/packs/0", "/objects", "/came", "/lead"] {
        assert_eq!(machines.curl(0, path).json("POST", "{}").status, 404, "{path}");
    }
}

#[test]
fn only_an_administrator_lets_servers_in() {
    let machines = Machines::alone(1);
    let server = machines.all[0].running();
    let body = r#"{"name":"m1","key":"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}"#;
    assert_eq!(server.curl_as("ecuser", "/members").json("POST", body).status, 403);
    let bad = r#"{"name":"m1","key":"none"}"#;
    assert_eq!(machines.curl(0, "/members").json("POST", bad).status, 400);
}
