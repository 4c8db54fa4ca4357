//! Commits to the server.

use std::io::Read;

use git2::{Oid, Repository};
use hyper::Method;

use super::answer::unreadable;
use super::conversation::{Ask, Headers};
use super::heads::encode;
use super::limits::{MAX_REPORT, WORK};
use super::pack::pack;
use super::words::safe;
use super::{Error, Progress, Remote, id};
use crate::momentum::Address;
use crate::protocol::{Band, Bands, Id, PushReport, RefCommand, ask_to_change};

const RECEIVE_PACK_RESULT: &str = "application/x-git-receive-pack-result";
const HEADERS: Headers = &[("content-type", "application/x-git-receive-pack-request")];
/// git's words for a branch that has moved.
const STALE: [&str; 3] = ["fetch first", "non-fast forward", "non-fast-forward"];

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The revision that the commit has become; none on other branches than `boot`.
    pub revision: Option<u64>,
}

impl Remote {
    /// Moves `branch` from `old` to `new`, in one request: all of it or nothing. Without `old` the
    /// branch must not be there yet. If the answer is lost, the server is asked what became of it.
    ///
    /// # Errors
    /// [`Error::Stale`] if the branch is not at `old` any more; [`Error::Refused`] if the server
    /// does not take the commit; [`Error::Connection`] says so if the outcome is not known.
    pub fn push(
        &mut self,
        subcluster: &str,
        repository: &Repository,
        branch: &str,
        old: Option<Oid>,
        new: Oid,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Pushed, Error> {
        let name = format!("refs/heads/{branch}");
        let change = RefCommand { old: old.map_or(Id::ZERO, id), new: id(new), name };
        let content = pack(repository, &ask_to_change(&change), old, new, progress)?;
        let length = content.len();
        let ask = Ask {
            method: Method::POST,
            path: format!("/config/{}/git-receive-pack", encode(subcluster)),
            headers: HEADERS,
            content,
            patience: WORK,
            is_repeatable: false,
        };
        let mut tell = |bytes| progress(Progress::Sending { bytes, of: length });
        let answer = self.conversation.ask(&ask, &mut tell)?;
        let (address, revision) = (answer.address().clone(), answer.number("x-config-revision"));
        let reader = answer.of_type(RECEIVE_PACK_RESULT)?;
        let told = read(Bands::new(reader.take(MAX_REPORT)), &address, progress)?;
        verdict(&told.report, &address, subcluster)?;
        Ok(Pushed { revision: told.revision.or(revision).filter(|_| branch == "boot") })
    }
}

struct Told {
    report: PushReport,
    revision: Option<u64>,
}

fn read(
    mut bands: Bands<impl Read>,
    address: &Address,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Told, Error> {
    let (mut report, mut revision) = (Vec::new(), None);
    while let Some((band, content)) = bands.packet().map_err(|e| unreadable(address, e))? {
        match band {
            Band::Data => report.extend_from_slice(content),
            Band::Fatal => {
                return Err(Error::Connection(format!("{address} failed: {}", safe(content))));
            }
            Band::Progress => {
                let line = safe(content);
                revision = committed(&line).or(revision);
                progress(Progress::Server(&line));
            }
        }
    }
    let report = PushReport::parse(&report).map_err(|e| unreadable(address, e))?;
    Ok(Told { report, revision })
}

/// The number in `Committed revision 47.`
fn committed(line: &str) -> Option<u64> {
    line.strip_prefix("Committed revision ")?.strip_suffix('.')?.parse().ok()
}

fn verdict(report: &PushReport, address: &Address, subcluster: &str) -> Result<(), Error> {
    if let Err(why) = &report.unpack {
        let why = safe(why.as_bytes());
        return Err(Error::Refused(format!("{address} could not take the commit: {why}")));
    }
    let refused = report.results.iter().find_map(|result| result.refused.as_deref());
    match refused {
        None if report.results.is_empty() => Err(super::refusal::no_ecconfigd(address)),
        None => Ok(()),
        Some(why) if STALE.contains(&why) => {
            Err(Error::Stale { subcluster: subcluster.to_owned() })
        }
        Some(why) => {
            let why = safe(why.as_bytes());
            Err(Error::Refused(format!("{address} refuses the commit to {subcluster}: {why}")))
        }
    }
}
