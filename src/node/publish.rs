//! Makes a commit on top of what the server has, and sends it.

use git2::{Oid, Signature};

use super::Error;
use super::debug::step;
use super::remote::{self, Remote};
use super::session::Session;
use super::working_copy::{BOOT, Listing, Part, write_tree};

/// How often to begin again because somebody else was quicker.
const ATTEMPTS: usize = 20;

/// The branch of the saved running configurations.
pub const RUNNING: &str = "running";

/// What is to be committed.
pub struct Work<'a> {
    pub part: &'a Part,
    pub branch: &'a str,
    pub author: &'a str,
    pub message: &'a str,
}

/// A commit that the server has acknowledged.
pub struct Published {
    pub commit: Oid,
    /// What the branch held before.
    pub before: Listing,
    /// Its number, on the live branch.
    pub revision: Option<u64>,
}

/// Gives the newest files to `edit`, commits what it makes of them, and begins again if the branch
/// moved meanwhile. `None` if there is nothing to change.
pub fn publish(
    session: &Session,
    remote: &mut Remote,
    work: &Work<'_>,
    mut edit: impl FnMut(&Listing) -> Result<Listing, Error>,
) -> Result<Option<Published>, Error> {
    for _ in 0..ATTEMPTS {
        let parent = newest(session, remote, work)?;
        let before = work.part.files(parent)?;
        let files = edit(&before)?;
        if files == before {
            return Ok(None);
        }
        let commit = commit(work, parent, &files)?;
        let repository = &work.part.repository;
        let mut progress = session.output.progress();
        let progress = &mut |step: remote::Progress<'_>| progress.tell(step);
        let name = &work.part.subcluster;
        let pushed = step(format_args!("send {commit} to {name}"), || {
            remote.push(name, repository, work.branch, parent, commit, progress)
        });
        match pushed {
            Ok(pushed) => {
                if work.branch == BOOT {
                    work.part.set_upstream(commit)?;
                }
                return Ok(Some(Published { commit, before, revision: pushed.revision }));
            }
            Err(remote::Error::Stale { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::Refused(format!(
        "others committed to {} {ATTEMPTS} times while this commit was on its way: try again",
        work.part.subcluster
    )))
}

/// What the branch holds at the server, with its objects here.
fn newest(session: &Session, remote: &mut Remote, work: &Work<'_>) -> Result<Option<Oid>, Error> {
    let heads = session.ask(remote, &[&work.part.subcluster])?;
    let head = heads.first();
    let newest = match work.branch {
        RUNNING => head.and_then(|head| head.running),
        _ => head.and_then(|head| head.commit),
    };
    if let Some(newest) = newest {
        session.fetch(work.part, remote, newest)?;
    }
    Ok(newest)
}

fn commit(work: &Work<'_>, parent: Option<Oid>, files: &Listing) -> Result<Oid, Error> {
    let repository = &work.part.repository;
    let tree = repository.find_tree(write_tree(repository, files)?)?;
    let parent = parent.map(|id| repository.find_commit(id)).transpose()?;
    let who = signature(work.author)?;
    let parents: Vec<_> = parent.iter().collect();
    Ok(repository.commit(None, &who, &who, work.message, &tree, &parents)?)
}

/// Who commits, on which machine, and when.
pub fn signature(author: &str) -> Result<Signature<'static>, Error> {
    let host = nix::unistd::gethostname().unwrap_or_else(|_| "localhost".into());
    Ok(Signature::now(author, &format!("{author}@{}", host.to_string_lossy()))?)
}
