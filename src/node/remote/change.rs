//! One push and the server's verdict on it.

use std::io::Read;

use git2::Oid;

use super::answer::unreadable;
use super::ask::Failed;
use super::outgoing::Content;
use super::refusal::no_ecconfigd;
use super::words::safe;
use super::{Error, Progress, Pushed};
use crate::momentum::Address;
use crate::protocol::{Band, Bands, PushReport};

/// The branch whose commits have revision numbers.
const BOOT: &str = "boot";
/// git's words for a branch that has moved.
const STALE: [&str; 3] = ["fetch first", "non-fast forward", "non-fast-forward"];

/// What is pushed.
pub(super) struct Change<'a> {
    pub(super) subcluster: &'a str,
    pub(super) branch: &'a str,
    pub(super) new: Oid,
    pub(super) content: Content,
}

/// The answer to a push.
pub(super) struct Told {
    report: PushReport,
    /// That of this commit, if the server names it.
    pub(super) revision: Option<u64>,
}

pub(super) fn read(
    mut bands: Bands<impl Read>,
    address: &Address,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Told, Failed> {
    let unreadable = |error| Failed::Lost(unreadable(address, error));
    let (mut report, mut revision) = (Vec::new(), None);
    while let Some((band, content)) = bands.packet().map_err(unreadable)? {
        match band {
            Band::Data => report.extend_from_slice(content),
            Band::Fatal => {
                let error = Error::Connection(format!("{address} failed: {}", safe(content)));
                return Err(Failed::Lost(error));
            }
            Band::Progress => {
                let line = safe(content);
                revision = committed(&line).or(revision);
                progress(Progress::Server(&line));
            }
        }
    }
    let report = PushReport::parse(&report).map_err(unreadable)?;
    Ok(Told { report, revision })
}

/// The number in `Committed revision 47.`
fn committed(line: &str) -> Option<u64> {
    line.strip_prefix("Committed revision ")?.strip_suffix('.')?.parse().ok()
}

impl Change<'_> {
    pub(super) fn verdict(&self, told: &Told, address: &Address) -> Result<(), Error> {
        let report = &told.report;
        if let Err(why) = &report.unpack {
            let why = safe(why.as_bytes());
            return Err(Error::Connection(format!("{address} could not take the commit: {why}")));
        }
        let refused = report.results.iter().find_map(|result| result.refused.as_deref());
        match refused {
            None if report.results.is_empty() => Err(no_ecconfigd(address)),
            None => Ok(()),
            Some(why) if STALE.contains(&why) => Err(self.stale()),
            Some(why) => {
                let (why, name) = (safe(why.as_bytes()), self.subcluster);
                let text = format!("{address} refuses the commit to {name}: {why}");
                Err(match why.contains("CONFLICT") {
                    true => Error::Conflict(text),
                    false => Error::Refused(text),
                })
            }
        }
    }

    pub(super) fn stale(&self) -> Error {
        Error::Stale { subcluster: self.subcluster.to_owned() }
    }

    pub(super) fn done(&self, revision: Option<u64>) -> Pushed {
        Pushed { revision: revision.filter(|_| self.branch == BOOT) }
    }
}
