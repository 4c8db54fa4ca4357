//! The answer to a fetch.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use git2::{Oid, Repository};

use super::enumerate::{Selection, Wants, annotated_tags};
use super::negotiate::Negotiator;
use super::segment::Question;
use super::shallow::{self, Cut};
use super::spool::SpoolWriter;
use super::{Error, Snapshot, Spool, Subcluster};
use crate::protocol::{BatchEnd, FetchRequest, Filter, Negotiated, answer_v0, answer_v2};

/// What a client gets.
pub struct FetchAnswer {
    /// Packet lines.
    pub lines: Vec<u8>,
    /// The pack, if it follows; still without side-bands.
    pub pack: Option<Spool>,
}

impl Subcluster {
    /// Answers one request of a fetch. `end` tells how the batch of a version 0 request ended;
    /// version 2 has none. Large packs are spooled into `spool_dir`. Nothing has been sent when
    /// this fails. Waits for nobody: who asks for what somebody else is just making gets
    /// [`Error::InTheMaking`]. What nobody else may wait for ends early when nobody does any more.
    pub fn fetch(
        &self,
        request: &FetchRequest,
        end: Option<BatchEnd>,
        spool_dir: &Path,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<FetchAnswer, Error> {
        let snapshot = self.snapshot();
        self.read(|repository| {
            let fetch =
                Fetch { subcluster: self, repository, snapshot: &snapshot, request, is_wanted };
            fetch.answer(end, spool_dir)
        })
    }
}

struct Fetch<'a> {
    subcluster: &'a Subcluster,
    repository: &'a Repository,
    snapshot: &'a Snapshot,
    request: &'a FetchRequest,
    is_wanted: &'a dyn Fn() -> bool,
}

impl Fetch<'_> {
    fn answer(&self, end: Option<BatchEnd>, spool_dir: &Path) -> Result<FetchAnswer, Error> {
        let wants = self.request.wants.iter().map(|&id| Oid::from(id));
        let wants = Wants::sort(self.repository, wants)?;
        let cut = shallow::cut(self.repository, self.request, &wants.commits, self.snapshot)?;
        let negotiated = self.negotiate(&wants, cut.as_ref(), end)?;
        let pack = match negotiated.pack_follows {
            true => Some(self.pack(&wants, cut.as_ref(), &negotiated, spool_dir)?),
            false => None,
        };
        Ok(FetchAnswer { lines: negotiated.lines, pack })
    }

    fn negotiate(
        &self,
        wants: &Wants,
        cut: Option<&Cut>,
        end: Option<BatchEnd>,
    ) -> Result<Negotiated, Error> {
        let mut known = Negotiator::new(self.repository, &wants.commits)?;
        let update = cut.map(|cut| &cut.update);
        Ok(match end {
            None => answer_v2(self.request, update, &mut known),
            Some(end) => {
                // Version 0 clients expect shallow lines only when they asked to deepen.
                let update = update.filter(|_| self.request.deepen.is_some());
                answer_v0(self.request, end, update, &mut known)
            }
        })
    }

    fn pack(
        &self,
        wants: &Wants,
        cut: Option<&Cut>,
        negotiated: &Negotiated,
        spool_dir: &Path,
    ) -> Result<Spool, Error> {
        let common: Vec<Oid> = negotiated.common.iter().map(|&id| id.into()).collect();
        if cut.is_some() || self.request.filter != Filter::None || !wants.are_histories() {
            return self.build(wants, cut, &common, spool_dir, self.is_wanted);
        }
        let build = || self.build(wants, cut, &common, spool_dir, &|| true);
        let tags_of = match self.request.include_tag {
            true => annotated_tags(self.repository, self.snapshot),
            false => Vec::new(),
        };
        let question = Question {
            repository: self.repository,
            wants: &wants.commits,
            common: &common,
            tags: &wants.tags,
            tags_of: &tags_of,
            number: |commit| self.subcluster.revision_number(commit),
            spool_dir,
        };
        let segments = self.subcluster.segments();
        let answer = segments.answer(&question, build);
        if segments.want_upkeep() {
            self.subcluster.needs_upkeep();
        }
        answer
    }

    fn build(
        &self,
        wants: &Wants,
        cut: Option<&Cut>,
        common: &[Oid],
        spool_dir: &Path,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<Spool, Error> {
        let client_ends: HashSet<Oid> = self.request.shallow.iter().map(|&id| id.into()).collect();
        let selection = Selection {
            wants,
            common,
            cut,
            client_ends: &client_ends,
            filter: self.request.filter,
            include_tag: self.request.include_tag,
        };
        let mut builder = self.repository.packbuilder()?;
        builder.set_progress_callback(|_, _, _| is_wanted())?;
        selection.visit(self.repository, self.snapshot, &mut |id, name| match is_wanted() {
            true => Ok(builder.insert_object(id, name)?),
            false => Err(Error::Unwanted),
        })?;
        spool(&mut builder, spool_dir, is_wanted)
    }
}

/// Builds the pack. A large one is spooled into `spool_dir`. Ends early when nobody waits for it.
pub(super) fn spool(
    builder: &mut git2::PackBuilder<'_>,
    spool_dir: &Path,
    is_wanted: &dyn Fn() -> bool,
) -> Result<Spool, Error> {
    let mut writer = SpoolWriter::new(spool_dir);
    let mut result: Result<(), Error> = Ok(());
    // The progress is told while deltas are looked for, the bytes when all have been found.
    let built = builder.foreach(|bytes| {
        result = match is_wanted() {
            true => writer.write_all(bytes).map_err(Into::into),
            false => Err(Error::Unwanted),
        };
        result.is_ok()
    });
    // libgit2 only knows that it was stopped.
    result?;
    built.map_err(|error| match is_wanted() {
        true => error.into(),
        false => Error::Unwanted,
    })?;
    Ok(writer.finish()?)
}
