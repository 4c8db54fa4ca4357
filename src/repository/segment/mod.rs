//! Segments: packs that are kept so that fetches need neither walk histories nor search for deltas.
//!
//! A segment file is a pack and, behind it, a table of what it holds (`table`). The pack has all
//! that some commits (its *tips*) reach and others (its *bases*) do not; its deltas build upon
//! nothing but itself and what the bases reach. One without bases is a *base pack* (`base`); the
//! others are the changes that have been accepted (`accepted`), as they were pushed where that was
//! exact (`pushed`), else built once. Both ends are commit ids, so a segment is true for ever,
//! whatever happens to the references or to the packs of the repository.
//!
//! An answer is put together from segments (`plan`, `together`, `join`) or, where they do not fit,
//! built; in both cases once for all who ask the same (`answers`). Segments are a cache: they lie
//! in a directory of the repository, are never synced, are checked by their hashes when they are
//! used, and are made again when they are missing or damaged (`shelf`).

mod accepted;
mod answers;
mod base;
mod file;
mod join;
mod objects;
mod plan;
mod pushed;
mod question;
mod shelf;
mod table;
mod tag;
mod together;
#[cfg(test)]
mod unsettled;

use std::path::Path;
use std::{io, mem};

use git2::Oid;
use sha1::{Digest, Sha1};

pub use self::answers::InTheMaking;
use self::answers::{Answers, key};
pub(super) use self::file::{UNFINISHED, make_dir};
use self::plan::{Ask, Plan};
pub use self::pushed::Pushed;
pub(super) use self::question::Question;
use self::shelf::Shelf;
use super::{Error, Spool};

/// The directory in a repository of all that can be made again.
pub(super) const DIR: &str = "ecconfigd-cache";
/// Segments in a clone's answer that are worth a new base.
const MANY: usize = 24;
/// How often an answer is planned again because a segment turned out to be damaged.
const MAX_TRIES: usize = 8;

/// The segments of one repository, and the answers made of them.
pub(super) struct Segments {
    shelf: Shelf,
    answers: Answers,
}

impl Segments {
    pub(super) fn new(repository: &Path) -> Self {
        Self { shelf: Shelf::new(repository.join(DIR)), answers: Answers::default() }
    }

    /// The directory may have been changed by hand.
    pub(super) fn reread(&self) {
        self.shelf.reread();
    }

    /// The pack that answers this, from segments if that can be; else `build` makes it, from the
    /// common objects that matter. The same for all who ask the same: who asks while it is made
    /// fails with [`Error::InTheMaking`], and should ask again when it is done.
    pub(super) fn answer<N: Fn(Oid) -> Option<u64>>(
        &self,
        question: &Question<'_, N>,
        build: impl Fn() -> Result<Spool, Error>,
    ) -> Result<Spool, Error> {
        for &want in question.wants {
            self.settle_one(question.repository, want, question.spool_dir)?;
        }
        let ask = question.ask();
        let mut has_settled = false;
        for _ in 0..MAX_TRIES {
            let Some(plan) = self.plan(&ask) else {
                if mem::replace(&mut has_settled, true) {
                    break;
                }
                // Changes may lack their segments that lie between what is wanted and what is there.
                self.settle_now(question.repository, question.spool_dir)?;
                continue;
            };
            match self.by_plan(question, &plan) {
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {}
                answer => return answer,
            }
        }
        let common = ask.useful_common();
        if common.is_empty() {
            match self.by_new_base(question, &ask.tips()) {
                // Where there is no room for a base, there may be some for an answer.
                Err(error) if !matches!(error, Error::InTheMaking(_)) => {}
                answer => return answer,
            }
        }
        let key = key(&[question.wants, &common, question.tags, &question.tag_ids()], "built");
        self.answers.get(key, build)
    }

    fn plan<N: Fn(Oid) -> Option<u64>>(&self, ask: &Ask<'_, N>) -> Option<Plan> {
        let mut state = self.shelf.state();
        let plan = ask.plan(&state)?;
        if let Some(base) = plan.segments.first().filter(|first| first.is_base()) {
            state.touch(base);
            if plan.segments.len() > MANY {
                state.wish = Some(ask.tips());
            }
        }
        Some(plan)
    }

    fn by_plan<N>(&self, question: &Question<'_, N>, plan: &Plan) -> Result<Spool, Error> {
        let mut hash = Sha1::new();
        for segment in &plan.segments {
            hash.update(segment.path.as_os_str().as_encoded_bytes());
        }
        hash.update(key(&[question.tags, &question.tag_ids()], "tags"));
        self.answers.get(hash.finalize().into(), || self.put_together(question, plan))
    }
}
