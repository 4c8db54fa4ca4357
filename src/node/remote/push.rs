//! Commits to the server.

use std::io::Read;

use git2::{Oid, Repository};
use hyper::Method;

use super::answer::QUICK;
use super::ask::{Ask, Failed, Headers};
use super::change::{Change, read};
use super::heads::encode;
use super::limits::{MAX_REPORT, WORK};
use super::outgoing::Content;
use super::pack::pack;
use super::{Error, Progress, Remote, id};
use crate::protocol::{Bands, Id, RefCommand, ask_to_change};

const RECEIVE_PACK_RESULT: &str = "application/x-git-receive-pack-result";
const HEADERS: Headers = &[("content-type", "application/x-git-receive-pack-request")];

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
        let command = RefCommand { old: old.map_or(Id::ZERO, id), new: id(new), name };
        let content = pack(repository, &ask_to_change(&command), old, new, progress)?;
        if let Content::File(..) = content {
            self.knock(subcluster)?;
        }
        let change = Change { subcluster, branch, new, content };
        let (failure, may_repeat) = match self.send(&change, progress) {
            Ok(pushed) => return Ok(pushed),
            Err(Failed::NotDone(error)) => return Err(error),
            Err(Failed::Lost(error)) => (error, true),
            Err(Failed::Silent(error)) => (error, false),
        };
        tracing::debug!("asking what became of the commit: {failure}");
        match self.tip(subcluster, branch) {
            Err(_) => Err(self.never_known()),
            Ok((tip, revision)) if tip == Some(new) => Ok(change.done(revision)),
            Ok((tip, _)) if tip != old => Err(change.stale()),
            Ok(_) if may_repeat => self.send_again(&change, progress),
            Ok(_) => Err(self.never_known()),
        }
    }

    /// The first time, which may have been done all the same, but not when it was asked about.
    fn send_again(
        &mut self,
        change: &Change<'_>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Pushed, Error> {
        match self.send(change, progress) {
            Ok(pushed) => Ok(pushed),
            Err(Failed::NotDone(Error::Stale { .. })) => {
                match self.tip(change.subcluster, change.branch)? {
                    (Some(tip), revision) if tip == change.new => Ok(change.done(revision)),
                    _ => Err(change.stale()),
                }
            }
            Err(Failed::NotDone(error)) => Err(error),
            Err(Failed::Lost(_) | Failed::Silent(_)) => Err(self.never_known()),
        }
    }

    /// Whether a push would be taken at all is asked before much is sent, as git does.
    fn knock(&mut self, subcluster: &str) -> Result<(), Error> {
        let ask =
            Ask { patience: QUICK, ..receive_pack(subcluster, Content::Memory("0000".into())) };
        self.conversation.ask(&ask, &mut |_| {})?.of_type(RECEIVE_PACK_RESULT)?;
        Ok(())
    }

    fn send(
        &mut self,
        change: &Change<'_>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Pushed, Failed> {
        let of = change.content.len();
        let mut tell = |bytes| progress(Progress::Sending { bytes, of });
        let ask = receive_pack(change.subcluster, change.content.clone());
        let answer = self.conversation.ask(&ask, &mut tell)?;
        let (address, newest) = (answer.address().clone(), answer.revision());
        let reader = answer.of_type(RECEIVE_PACK_RESULT).map_err(Failed::NotDone)?;
        let told = read(Bands::new(reader.take(MAX_REPORT)), &address, progress)?;
        change.verdict(&told, &address).map_err(Failed::NotDone)?;
        Ok(change.done(told.revision.or(newest)))
    }

    fn never_known(&self) -> Error {
        Error::Connection(format!(
            "{} has ended the connection before it told what became of the commit, and cannot be asked now: when it is back, run `eccfg pull`; what has arrived is then no local change any more",
            self.address()
        ))
    }
}

fn receive_pack(subcluster: &str, content: Content) -> Ask {
    let path = format!("/config/{}/git-receive-pack", encode(subcluster));
    let (method, patience) = (Method::POST, WORK);
    Ask {
        method,
        path,
        headers: HEADERS,
        if_none_match: None,
        content,
        patience,
        is_repeatable: false,
    }
}
