//! What systemd is told (sd_notify(3)), as the unit files rely on it.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fixture::{Options, Server, ecconfigd, eventually};

/// What the server gets to feed the watchdog in; it does so twice.
const WATCHDOG: Duration = Duration::from_millis(400);

#[test]
fn the_first_word_is_ready_and_then_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (socket, root) = (dir.path().join("notify"), dir.path().join("root"));
    let notify = UnixDatagram::bind(&socket).unwrap();
    let mut command = ecconfigd();
    command.args(["--listen", "127.0.0.1:0", "--root"]).arg(&root).env("NOTIFY_SOCKET", &socket);
    let mut child = command.spawn().unwrap();
    let mut message = [0; 1 << 10];
    let length = notify.recv(&mut message).unwrap();
    let message = String::from_utf8_lossy(&message[..length]);
    assert!(message.lines().any(|line| line == "READY=1"), "{message}");
    let status = message.lines().find_map(|line| line.strip_prefix("STATUS=listening on "));
    let (address, rest) = status.unwrap().split_once("; ").unwrap();
    TcpStream::connect(address).unwrap();
    let subclusters =
        "stands alone; 2 subclusters (default at 1, global at 1); certificate valid until ";
    assert!(rest.starts_with(subclusters), "{rest}");
    kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_start_that_fails_is_never_ready() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("notify");
    let notify = UnixDatagram::bind(&socket).unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = ecconfigd();
    command.args(["--listen", &other.local_addr().unwrap().to_string(), "--root"]);
    let output = command.arg(dir.path()).env("NOTIFY_SOCKET", &socket).output().unwrap();
    assert!(!output.status.success());
    notify.set_nonblocking(true).unwrap();
    assert!(notify.recv(&mut [0; 16]).is_err(), "something was told");
}

#[test]
fn a_reload_is_told_with_its_time_and_then_its_end() {
    let server = Server::start();
    let mut before = 0;
    for _ in 0..2 {
        server.signal(Signal::SIGHUP);
        let begun = told(&server);
        assert!(begun.lines().any(|line| line == "RELOADING=1"), "{begun}");
        let time = begun.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
        let time: u64 = time.unwrap().parse().unwrap();
        assert!(before < time && time < uptime_usec(), "{time}");
        before = time;
        let done = told(&server);
        assert!(done.lines().any(|line| line == "READY=1"), "{done}");
        assert!(done.contains(&format!("STATUS=listening on {};", server.address)), "{done}");
    }
}

#[test]
fn the_status_counts_subclusters_that_a_reload_has_found() {
    let mut server = Server::start();
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .args([server.state("repo/default"), server.state("repo/west")])
        .status();
    assert!(copied.unwrap().success());
    server.signal(Signal::SIGHUP);
    assert!(server.wait_for("READY=1").contains("3 subclusters"));
    assert_eq!(server.curl("/config/west/boot/").send().status, 200);
}

#[test]
fn nothing_is_fed_that_nobody_watches() {
    let server = Server::start();
    assert_eq!(server.told_within(WATCHDOG * 2), None);
}

#[test]
fn the_watchdog_is_fed_in_time_and_again_and_again() {
    let mut server = Server::with(watched());
    for _ in 0..5 {
        assert_eq!(server.wait_for("WATCHDOG=1").trim(), "WATCHDOG=1");
    }
}

#[test]
fn a_server_that_hangs_does_not_feed_it() {
    let mut server = Server::with(watched());
    server.wait_for("WATCHDOG=1");
    server.signal(Signal::SIGSTOP);
    // What it told before it was stopped.
    while server.told_within(WATCHDOG / 8).is_some() {}
    assert_eq!(server.told_within(WATCHDOG * 3), None);
    server.signal(Signal::SIGCONT);
    server.wait_for("WATCHDOG=1");
}

#[test]
fn a_server_that_has_lost_its_repositories_does_not_feed_it_and_says_why() {
    let mut server = Server::with(watched());
    let (here, away) = (server.state("repo"), server.state("away"));
    fs::rename(&here, &away).unwrap();
    server.wait_for_log("the watchdog is not fed");
    while server.told_within(WATCHDOG / 8).is_some() {}
    assert_eq!(server.told_within(WATCHDOG * 3), None);
    fs::rename(&away, &here).unwrap();
    server.wait_for("WATCHDOG=1");
}

#[test]
fn the_watchdog_is_fed_while_the_last_requests_are_finished() {
    let mut server = Server::with(watched());
    let address = server.address;
    // Nothing is ever said on this connection: the server waits for its handshake for a while.
    let _silent = TcpStream::connect(address).unwrap();
    server.wait_for("WATCHDOG=1");
    server.signal(Signal::SIGTERM);
    server.wait_for("STOPPING=1");
    eventually("connections are refused", || TcpStream::connect(address).is_err());
    for _ in 0..3 {
        server.wait_for("WATCHDOG=1");
    }
}

#[test]
fn a_systemd_that_does_not_listen_stops_neither_the_service_nor_its_end() {
    let mut server = Server::start();
    server.deafen();
    let clone = server.git().clone_of("default");
    for number in 0..3 {
        // Each is followed by a status line.
        clone.push_file("default/a.conf", format!("# {number}\n"));
        server.signal(Signal::SIGHUP);
        assert_eq!(server.curl("/config/default/boot/").send().status, 200);
    }
    assert!(server.stop().success());
}

fn watched() -> Options {
    let environment = vec![("WATCHDOG_USEC".into(), WATCHDOG.as_micros().to_string())];
    Options { environment, ..Options::default() }
}

fn told(server: &Server) -> String {
    server.told_within(crate::fixture::PATIENCE).unwrap()
}

/// Not less than the monotonic clock, which does not count while the machine sleeps.
fn uptime_usec() -> u64 {
    let text = fs::read_to_string("/proc/uptime").unwrap();
    let seconds: f64 = text.split(' ').next().unwrap().parse().unwrap();
    ((seconds + 0.01) * 1e6) as u64
}

#[test]
fn the_status_line_follows_the_revisions() {
    let mut server = Server::start();
    server.git().clone_of("default").push_file("default/a.conf", "a\n");
    let said = server.wait_for("default at 2");
    assert!(said.contains("global at 1"), "{said}");
}
