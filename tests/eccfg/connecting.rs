//! Which of several servers is used, and what is said of those that cannot be.

use std::net::TcpListener;
use std::time::Duration;

use ecconfigd::momentum::Address;
use ecconfigd::node::remote::{Error, Remote};

use crate::fake::{Fake, json, listen};
use crate::fixture::Server;
use crate::node::{Node, address};

/// What connecting to these says, which must fail.
#[track_caller]
fn fails(node: &Node, addresses: &[&str]) -> Error {
    let addresses: Vec<Address> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    Remote::connect(&addresses, &node.trust).err().unwrap()
}

fn closed_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn the_first_that_can_be_reached_and_trusted_is_used() {
    let server = Server::start();
    let stranger = Fake::answering(json("[]"));
    let node = Node::of(&server);
    let closed = closed_port().parse().unwrap();
    let right = address(&server);
    let addresses = [closed, stranger.address.clone(), right.clone(), stranger.address.clone()];
    let remote = Remote::connect(&addresses, &node.trust).unwrap();
    assert_eq!(remote.address(), &right);
    assert_eq!(stranger.requests(), [""; 0]);
}

#[test]
fn every_address_of_a_host_is_tried() {
    let server = Server::start();
    let node = Node::of(&server);
    // It may be that of IPv6 first, where nobody listens.
    let localhost = format!("localhost:{}", server.address.port()).parse().unwrap();
    assert_eq!(Remote::connect(&[localhost], &node.trust).unwrap().address().host, "localhost");
}

#[test]
fn what_keeps_each_from_being_used_is_told() {
    let node = Node::alone();
    let closed = closed_port();
    let error = fails(&node, &[&closed]);
    assert!(error.to_string().contains(&format!("{closed} refuses the connection")), "{error}");
    let error = fails(&node, &["no-such-host.invalid"]);
    assert!(error.to_string().contains("no-such-host.invalid cannot be resolved"), "{error}");
    let error = fails(&node, &["no-such-host.invalid", &closed]).to_string();
    assert!(error.contains("no configuration server can be reached"), "{error}");
    assert!(error.contains("cannot be resolved") && error.contains("refuses"), "{error}");
    let error = fails(&node, &[]);
    assert!(error.to_string().contains("see repo= in cluster.boot"), "{error}");
}

#[test]
fn a_server_that_nobody_trusts_yet_is_told_before_others_that_are_away() {
    let fake = Fake::answering("");
    let error = fails(&Node::alone(), &[&fake.address.to_string(), &closed_port()]);
    assert!(matches!(&error, Error::Certificate(_)), "{error}");
    assert!(error.to_string().contains("does not trust any configuration server yet"), "{error}");
    assert!(error.to_string().contains(&fake.certificate.to_string()), "{error}");
}

#[test]
fn a_server_that_is_being_restarted_is_waited_for() {
    let node = Node::alone();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let free = listener.local_addr().unwrap();
    drop(listener);
    let address: Address = free.to_string().parse().unwrap();
    let comes_back = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        let listener = TcpListener::bind(free).unwrap();
        // It does not speak TLS, which shows that it was met.
        use std::io::Write;
        while let Ok((mut socket, _)) = listener.accept() {
            let _ = socket.write_all(b"220 mail.example.com ESMTP\r\n");
        }
    });
    let error = fails(&node, &[&address.to_string()]);
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
    drop(comes_back);
}

#[test]
fn what_is_no_ecconfigd_is_told() {
    use std::io::Write;
    let node = Node::alone();
    let mail = listen(|_, mut socket| {
        let _ = socket.write_all(b"220 mail.example.com ESMTP\r\n");
    });
    let error = fails(&node, &[&mail.to_string()]);
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
    let closing = listen(|_, _| {});
    let error = fails(&node, &[&closing.to_string()]);
    assert!(error.to_string().contains("closes connections before TLS"), "{error}");
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let node = Node::alone();
    let mut kept = Vec::new();
    let silent = listen(move |_, socket| kept.push(socket));
    let error = fails(&node, &[&silent.to_string()]);
    assert!(error.to_string().contains("has said nothing for 5 seconds"), "{error}");
}
