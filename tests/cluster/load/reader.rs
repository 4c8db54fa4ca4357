//! One who reads.

use std::collections::HashMap;
use std::sync::Arc;

use super::door::Connection;
use super::{FILE, Shared};

/// Reads the files that are committed to, again and again, at one member.
pub(super) struct Reader {
    shared: Arc<Shared>,
    door: usize,
    connection: Connection,
    /// Lines that each file had.
    lines: HashMap<String, usize>,
    pub(super) reads: usize,
    /// What should not have been.
    pub(super) faults: Vec<String>,
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>, door: usize) -> Self {
        let connection = Connection::default();
        Self { shared, door, connection, lines: HashMap::new(), reads: 0, faults: Vec::new() }
    }

    pub(super) fn run(mut self) -> Self {
        let subclusters = self.shared.subclusters.clone();
        for subcluster in subclusters.iter().cycle() {
            if self.shared.is_over() {
                break;
            }
            let turns = self.turns();
            match self.read(subcluster) {
                Ok(lines) => self.compare(subcluster, lines),
                // It was away, or went meanwhile.
                Err(_) if turns % 2 == 1 || turns != self.turns() => {}
                Err(said) => self.faults.push(format!("member {}: {said}", self.door)),
            }
        }
        self
    }

    fn turns(&self) -> usize {
        self.shared.doors[self.door].turns()
    }

    /// How many lines the file has.
    fn read(&mut self, subcluster: &str) -> Result<usize, String> {
        let line = format!("GET /config/{subcluster}/boot/{FILE}");
        let reply = self.connection.ask(&self.shared.doors[self.door], &line, &[]);
        let reply = reply.map_err(|e| e.to_string())?;
        match reply.status {
            200 => Ok(reply.text().lines().count()),
            404 => Ok(0),
            _ => Err(format!("{reply:?}")),
        }
    }

    /// What has been read once is there for ever.
    fn compare(&mut self, subcluster: &str, lines: usize) {
        self.reads += 1;
        let before = self.lines.insert(subcluster.to_owned(), lines).unwrap_or_default();
        if lines < before {
            self.faults.push(format!(
                "member {} went back in {subcluster} from {before} lines to {lines}",
                self.door
            ));
        }
    }
}
