//! Objects from the server.

use std::cell::RefCell;
use std::io::Read;
use std::time::Instant;

use git2::{Odb, Oid, Repository};

use super::answer::unreadable;
use super::arrival::{Arrival, Misfit};
use super::limits::WORK;
use super::outgoing::Content;
use super::words::safe;
use super::{Error, Progress, Remote, UPLOAD_PACK_RESULT, id, upload_pack};
use crate::protocol::{self, Band, Bands, Id};

/// Whom a transfer tells how far it has come.
type Tell<'a> = RefCell<&'a mut dyn FnMut(Progress<'_>)>;

impl Remote {
    /// Brings what `want` leads to and `have` does not into the object database of `repository`, in
    /// one request. Commits of `have` that are not there are left out. Afterwards `want` is there
    /// with all that it leads to, and on disk; nothing refers to it. What is interrupted leaves
    /// nothing that anybody sees.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the server does not have `want`; [`Error::Local`] if the repository
    /// cannot take it.
    pub fn fetch(
        &mut self,
        subcluster: &str,
        repository: &Repository,
        want: Oid,
        have: &[Oid],
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Error> {
        let start = Instant::now();
        let odb = repository.odb().map_err(|e| Error::git("reading the working copy", &e))?;
        let have: Vec<Id> =
            have.iter().filter(|oid| odb.exists(**oid)).map(|&oid| id(oid)).collect();
        let tell = RefCell::new(progress);
        let mut taken = self.receive(subcluster, repository, &odb, want, &have, &tell)?;
        if let (Err(why), false) = (&taken, have.is_empty()) {
            // Objects are missing that were thought to be here: the repository is damaged, and the
            // whole history mends it.
            tracing::warn!("the working copy's repository is damaged ({why}): fetching all of it");
            taken = self.receive(subcluster, repository, &odb, want, &[], &tell)?;
        }
        let damaged = |why| {
            let address = self.address();
            Error::Connection(format!(
                "what {address} sent for {subcluster} is damaged ({why}): look at its log, and try again"
            ))
        };
        taken.map_err(damaged)?;
        odb.refresh().map_err(|e| Error::git("reading the working copy", &e))?;
        tracing::debug!(subcluster, %want, time = ?start.elapsed(), "fetched");
        match odb.exists(want) {
            true => Ok(()),
            false => Err(damaged(format!("it lacks {want}"))),
        }
    }

    /// The inner error is what is wrong with the pack.
    fn receive(
        &mut self,
        subcluster: &str,
        repository: &Repository,
        odb: &Odb<'_>,
        want: Oid,
        have: &[Id],
        tell: &Tell<'_>,
    ) -> Result<Result<(), String>, Error> {
        let content = Content::Memory(protocol::ask_for_pack(&[id(want)], have).into());
        let answer = self.conversation.ask(&upload_pack(subcluster, content, WORK), &mut |_| {})?;
        let address = answer.address().clone();
        let reader = answer.of_type(UPLOAD_PACK_RESULT)?;
        let mut bands = Bands::of_pack(reader).map_err(|error| unreadable(&address, error))?;
        // Without common history every object must come, and need not be looked for here.
        let known = (!have.is_empty()).then_some(odb);
        let mut arrival = Arrival::begin(repository, known, |progress| {
            let (objects, of) = (progress.received_objects(), progress.total_objects());
            let bytes = progress.received_bytes();
            (tell.borrow_mut())(Progress::Receiving { objects, of, bytes });
        })?;
        let fits = take_apart(&mut bands, &mut arrival, tell).map_err(|stop| match stop {
            Stop::Answer(error) => unreadable(&address, error),
            Stop::Fatal(why) => Error::Connection(format!("{address} failed: {why}")),
        })?;
        let taken = match fits {
            Ok(()) => arrival.take_in(),
            misfit => misfit,
        };
        match taken {
            Ok(()) => Ok(Ok(())),
            Err(Misfit::Damaged(why)) => Ok(Err(why)),
            Err(Misfit::Failed(error)) => Err(error),
        }
    }
}

enum Stop {
    Answer(protocol::Error),
    Fatal(String),
}

fn take_apart(
    bands: &mut Bands<impl Read>,
    arrival: &mut Arrival<'_>,
    tell: &Tell<'_>,
) -> Result<Result<(), Misfit>, Stop> {
    while let Some((band, content)) = bands.packet().map_err(Stop::Answer)? {
        match band {
            Band::Data => {
                if let Err(misfit) = arrival.write(content) {
                    return Ok(Err(misfit));
                }
            }
            Band::Progress => (tell.borrow_mut())(Progress::Server(&safe(content))),
            Band::Fatal => return Err(Stop::Fatal(safe(content))),
        }
    }
    Ok(Ok(()))
}
