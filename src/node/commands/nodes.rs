//! `eccfg nodes`: which node has what.

use serde::Deserialize;

use crate::node::Error;
use crate::node::remote::{encode, safe};
use crate::node::session::Session;

/// One subcluster of one node, as the server tells it.
#[derive(Deserialize)]
struct Line {
    node: String,
    subcluster: String,
    revision: Option<u64>,
    behind: Option<u64>,
    is_behind: bool,
    age: u64,
    gone: bool,
    reload: Option<String>,
    error: Option<String>,
}

pub fn run(session: &Session, subcluster: Option<&str>) -> Result<(), Error> {
    let mut remote = session.connect_to_any()?;
    let query = subcluster.map(|name| format!("?subcluster={}", encode(name)));
    let lines: Vec<Line> = remote.get(&format!("/nodes{}", query.unwrap_or_default()))?;
    if lines.is_empty() {
        session.output.say("No node has asked yet.");
        return Ok(());
    }
    let rows: Vec<[String; 6]> =
        std::iter::once(HEADING.map(str::to_owned)).chain(lines.iter().map(Line::row)).collect();
    table(&rows).iter().for_each(|row| session.output.answer(row));
    match lines.iter().filter(|line| line.is_behind || line.has_not_reloaded()).count() {
        0 => Ok(()),
        late => Err(Error::Refused(format!(
            "{late} of {} are behind: their nodes do not run the newest revision",
            lines.len()
        ))),
    }
}

const HEADING: [&str; 6] = ["NODE", "SUBCLUSTER", "REVISION", "BEHIND", "SEEN", "STATE"];

impl Line {
    fn has_not_reloaded(&self) -> bool {
        self.reload.as_deref() == Some("failed")
    }

    fn row(&self) -> [String; 6] {
        let number = |number: Option<u64>| number.map_or("?".to_owned(), |it| it.to_string());
        [
            self.node.clone(),
            self.subcluster.clone(),
            number(self.revision),
            number(self.behind),
            ago(self.age),
            self.state(),
        ]
        .map(|cell| safe(cell.as_bytes()))
    }

    fn state(&self) -> String {
        let gone = self.gone.then_some("gone");
        let behind = (self.is_behind && !self.gone).then_some("behind");
        let reload = self.has_not_reloaded().then_some("not reloaded");
        let words: Vec<&str> = [gone, behind, reload].into_iter().flatten().collect();
        let state = if words.is_empty() { "ok".to_owned() } else { words.join(", ") };
        match &self.error {
            Some(error) => format!("{state}: {error}"),
            None => state,
        }
    }
}

fn ago(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s ago"),
        120..7200 => format!("{} min ago", seconds / 60),
        7200..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86400),
    }
}

/// Each column as wide as its widest cell, but for the last.
fn table(rows: &[[String; 6]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..5).map(|column| width(column).unwrap_or_default()).collect();
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}  "));
        format!("{}{}", cells.collect::<String>(), row[5])
    };
    rows.iter().map(line).collect()
}
