//! A thousand nodes that wait: what they cost, and how soon all of them are told.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::fixture::{Herd, Options, Raw, Server, authorization, eventually, setting};

/// Nodes, unless somebody sets another number.
const NODES: u64 = 1000;
/// Ten times what is aimed at.
const TOLD_WITHIN: Duration = Duration::from_secs(1);

#[test]
fn a_thousand_waiting_nodes_are_cheap_and_all_told_at_once() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let nodes = setting("NODES").unwrap_or(NODES);
    // 60 MB for a thousand, of which 15 for the program itself, whose pages are not counted here:
    // they are the system's to take back, and larger in a build for tests.
    let limit = (5_000_000 + nodes * 40_000) / 1024;
    let server = Server::with(Options { level: Some(4), ..Options::default() });
    let mut herd = Herd::connect(&server, nodes as usize);
    let mut orders = Orders::new(&server);
    for round in 0..setting("ROUNDS").unwrap_or(2) {
        let known = etag(&server);
        herd.ask(&server, "?name=default&name=global&wait=300", &known);
        let idle = settled(&server);
        let (mut sent, mut acknowledged) = (Instant::now(), Instant::now());
        let told = herd.answers_to("HTTP/1.1 200", || {
            sent = Instant::now();
            acknowledged = orders.change();
        });
        let most = late(&told, acknowledged);
        println!(
            "round {round}: {nodes} nodes, {idle} kB while they wait, {} kB after; 99 % told \
             {:?} after the change was sent, {most:?} after it was acknowledged",
            memory(&server),
            late(&told, sent),
        );
        assert!(idle < limit, "{nodes} waiting nodes take {idle} kB");
        assert!(most < TOLD_WITHIN, "told after {most:?}");
    }
}

/// When 99 of 100 had been told.
fn late(told: &[Instant], since: Instant) -> Duration {
    let mut times: Vec<_> = told.iter().map(|at| at.saturating_duration_since(since)).collect();
    times.sort();
    times[times.len() * 99 / 100]
}

/// Changes where the subcluster default stands.
struct Orders {
    client: Raw,
    authorization: String,
    is_conflict: bool,
}

impl Orders {
    fn new(server: &Server) -> Self {
        let (client, authorization) = (Raw::connect(server), authorization(server, "admin"));
        Self { client, authorization, is_conflict: false }
    }

    /// Returns when the change was acknowledged.
    fn change(&mut self) -> Instant {
        self.is_conflict ^= true;
        let method = if self.is_conflict { "PUT" } else { "DELETE" };
        self.client.send(format!(
            "{method} /subclusters/default/conflict HTTP/1.1\r\nhost: localhost\r\n{}\r\n",
            self.authorization,
        ));
        assert_eq!(self.client.reply().unwrap().status, 200);
        Instant::now()
    }
}

/// The server's memory when it has nothing to do any more, in kB.
fn settled(server: &Server) -> u64 {
    let mut before = busy(server);
    eventually("the server has nothing to do", || {
        std::thread::sleep(Duration::from_millis(100));
        let now = busy(server);
        std::mem::replace(&mut before, now) == now
    });
    memory(server)
}

/// How long it has worked, in ticks.
fn busy(server: &Server) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", server.pid())).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn memory(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

fn etag(server: &Server) -> String {
    let reply = server.curl("/subclusters?name=default&name=global").send();
    reply.header("etag").unwrap().to_owned()
}
