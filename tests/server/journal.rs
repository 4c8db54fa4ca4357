//! The journal gets fields beside the words. A test's own socket stands where the journal's is, in a
//! view of the file system that nobody else has.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use nix::sys::signal::Signal;
use tempfile::{TempDir, tempdir};

use crate::fixture::{Options, PATIENCE, Server, private_mounts};

#[test]
fn the_journal_gets_fields_to_search_by() {
    let Some((server, journal)) = with_journal() else { return };
    let commit = server.git().clone_of("default").push_file("default/a.conf", "a\n");
    let entry = journal.wait_for("admin committed revision 2 of default");
    for (field, value) in [
        ("PRIORITY", "5"),
        ("SYSLOG_IDENTIFIER", "ecconfigd"),
        ("ACCOUNT", "admin"),
        ("CLIENT", "127.0.0.1"),
        ("SUBCLUSTER", "default"),
        ("REVISION", "2"),
        ("COMMIT", &commit),
        ("PATHS", "default/a.conf"),
    ] {
        assert_eq!(get(&entry, field), Some(value), "{field}: {entry:?}");
    }
    fs::create_dir(server.state("repo/broken")).unwrap();
    server.signal(Signal::SIGHUP);
    let entry = journal.wait_for("the repository of subcluster broken");
    assert_eq!(get(&entry, "PRIORITY"), Some("3"));
    assert_eq!(get(&entry, "SUBCLUSTER"), Some("broken"));
    let request = server.curl("/config/").send();
    assert_eq!(request.status, 200);
    let entry = journal.wait_for("GET /config/ of 127.0.0.1: 200");
    assert_eq!(get(&entry, "PRIORITY"), Some("6"));
    assert_eq!(get(&entry, "STATUS"), Some("200"));
    assert_eq!(server.log(), "", "nothing is said twice");
}

#[test]
fn without_a_journal_to_be_reached_the_log_goes_to_stderr() {
    let Some(mut wrapper) = private_mounts() else { return };
    wrapper.extend(["sh", "-c", NO_JOURNAL, "sh"].map(String::from));
    let server = Server::with(Options { wrapper, ..Options::default() });
    server.wait_for_log("started");
}

#[test]
fn a_log_that_is_not_the_journals_stream_goes_to_stderr() {
    let environment = vec![("JOURNAL_STREAM".into(), "8:1".into())];
    let server = Server::with(Options { environment, ..Options::default() });
    server.wait_for_log("started");
}

const NO_JOURNAL: &str = "mount -t tmpfs none /run && \
     export JOURNAL_STREAM=$(stat -L -c %d:%i /dev/fd/2) && exec \"$@\"";
const JOURNAL: &str = "mount -t tmpfs none /run && mkdir -p /run/systemd/journal && \
     mount --bind \"$JOURNAL\" /run/systemd/journal && \
     export JOURNAL_STREAM=$(stat -L -c %d:%i /dev/fd/2) && exec \"$@\"";

type JournalEntry = Vec<(String, String)>;

/// What stands where the journal's socket is.
struct Journal {
    entries: Receiver<JournalEntry>,
    _dir: TempDir,
}

/// A server in whose view of the system this is the journal.
fn with_journal() -> Option<(Server, Journal)> {
    let mut wrapper = private_mounts()?;
    wrapper.extend(["sh", "-c", JOURNAL, "sh"].map(String::from));
    let dir = tempdir().unwrap();
    let socket = UnixDatagram::bind(dir.path().join("socket")).unwrap();
    let (sender, entries) = channel();
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 20];
        while let Ok(length) = socket.recv(&mut buffer) {
            if sender.send(entry(&buffer[..length])).is_err() {
                break;
            }
        }
    });
    let environment = vec![("JOURNAL".into(), dir.path().to_str().unwrap().to_owned())];
    let server = Server::with(Options { wrapper, environment, ..Options::default() });
    Some((server, Journal { entries, _dir: dir }))
}

/// Reads the journal's own format: `NAME=value`, or the name, a length and the value.
fn entry(mut bytes: &[u8]) -> JournalEntry {
    let mut fields = Vec::new();
    while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
        let line = String::from_utf8_lossy(&bytes[..end]).into_owned();
        bytes = &bytes[end + 1..];
        if let Some((name, value)) = line.split_once('=') {
            fields.push((name.to_owned(), value.to_owned()));
            continue;
        }
        let (length, rest) = bytes.split_first_chunk().unwrap();
        let (value, rest) = rest.split_at(u64::from_le_bytes(*length) as usize);
        fields.push((line, String::from_utf8_lossy(value).into_owned()));
        bytes = &rest[1..];
    }
    fields
}

fn get<'a>(entry: &'a JournalEntry, field: &str) -> Option<&'a str> {
    entry.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str())
}

impl Journal {
    /// Waits for the entry whose message begins so.
    #[track_caller]
    fn wait_for(&self, start: &str) -> JournalEntry {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let entry = self.entries.recv_timeout(left).expect(start);
            if get(&entry, "MESSAGE").is_some_and(|message| message.starts_with(start)) {
                return entry;
            }
        }
    }
}
