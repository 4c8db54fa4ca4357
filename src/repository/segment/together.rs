//! An answer is put together from segments.

use std::collections::HashSet;
use std::io;

use git2::Oid;

use super::file::Segment;
use super::join::{Failed, Part, join};
use super::objects::Objects;
use super::plan::Plan;
use super::tag::tag_entry;
use super::{Question, Segments};
use crate::repository::{Error, Spool, SpoolWriter};

impl Segments {
    pub(super) fn put_together<N>(
        &self,
        question: &Question<'_, N>,
        plan: &Plan,
    ) -> Result<Spool, Error> {
        let (mut parts, mut sent) = (Vec::new(), HashSet::new());
        let mut built = Vec::new();
        for segment in &plan.segments {
            let ids = segment.ids().map_err(|_| self.damaged(segment))?;
            let new: Vec<Oid> = ids.iter().filter(|id| !sent.contains(*id)).copied().collect();
            // An object must not stand in a pack twice.
            let again = new.len() < ids.len();
            sent.extend(&new);
            built.push(match again {
                true => Some(Objects::of(new).build(question.repository, question.spool_dir)?),
                false => None,
            });
        }
        for (segment, built) in plan.segments.iter().zip(&built) {
            parts.push(built.as_ref().map_or(Part::Segment(segment), Part::Built));
        }
        let tags = question.tags_sent(&sent);
        let entries = tags
            .iter()
            .map(|&tag| tag_entry(question.repository, tag))
            .collect::<Result<Vec<_>, _>>()?;
        parts.extend(entries.iter().map(|entry| Part::Entry(entry)));
        let mut out = SpoolWriter::new(question.spool_dir);
        match join(&parts, sent.len() + tags.len(), &mut out) {
            Ok(()) => Ok(out.finish()?),
            Err(Failed::Io(error)) => Err(error.into()),
            Err(Failed::Damaged(index)) => match plan.segments.get(index) {
                Some(segment) => Err(self.damaged(segment)),
                None => Err(io::Error::other("a built pack is damaged").into()),
            },
        }
    }

    fn damaged(&self, segment: &Segment) -> Error {
        self.shelf.remove(segment);
        Error::Io(io::ErrorKind::InvalidData.into())
    }
}
