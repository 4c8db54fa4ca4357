//! Base packs: what clones begin with.

use std::path::Path;
use std::sync::Arc;

use git2::{Oid, Repository};

use super::answers::key;
use super::file::Segment;
use super::objects::Objects;
use super::plan::{Ask, Plan};
use super::{MANY, Question, Segments};
use crate::repository::{Error, Spool};

/// Segments that may have gathered in a base before its deltas are searched for again: those of a
/// file that changes each time build upon each other.
const FAR_TOO_MANY: u32 = 500;

impl Segments {
    /// A fresh clone without a base that fits: one is built, and kept.
    pub(super) fn by_new_base<N>(
        &self,
        question: &Question<'_, N>,
        tips: &[Oid],
    ) -> Result<Spool, Error> {
        let key = key(&[tips, question.tags, &question.tag_ids()], "base");
        self.answers.get(key, || {
            let base = self.build_base(question.repository, tips, question.spool_dir)?;
            self.put_together(question, &Plan { segments: vec![base] })
        })
    }

    fn build_base(
        &self,
        repository: &Repository,
        tips: &[Oid],
        spool_dir: &Path,
    ) -> Result<Arc<Segment>, Error> {
        let objects = Objects::between(repository, &[], tips)?;
        let pack = objects.build(repository, spool_dir)?;
        let table = objects.table(Vec::new(), tips.to_vec());
        Ok(self.shelf.add(Segment::write(&self.shelf.dir, pack.reader(), &table)?))
    }

    /// Whether [`Segments::renew_base`] has something to do.
    pub(in crate::repository) fn want_upkeep(&self) -> bool {
        self.shelf.state().wish.is_some()
    }

    /// Puts a new base together if somebody has asked for one. False if that should be tried again
    /// when the repository is quiet.
    pub(in crate::repository) fn renew_base(
        &self,
        repository: &Repository,
        number: impl Fn(Oid) -> Option<u64>,
        is_quiet: bool,
        spool_dir: &Path,
    ) -> Result<bool, Error> {
        let Some(wants) = self.shelf.state().wish.take() else { return Ok(true) };
        let ask = Ask { wants: &wants, common: &[], number: &number };
        let plan = ask.plan(&self.shelf.state());
        let Some(plan) = plan.filter(|plan| plan.segments.len() > MANY) else { return Ok(true) };
        let joined = plan.joined();
        if joined > FAR_TOO_MANY && !is_quiet {
            self.shelf.state().wish = Some(wants);
            return Ok(false);
        }
        if joined > FAR_TOO_MANY {
            self.build_base(repository, &wants, spool_dir)?;
        } else {
            let question = Question {
                repository,
                wants: &wants,
                common: &[],
                tags: &[],
                tags_of: &[],
                number: &number,
                spool_dir,
            };
            let pack = self.put_together(&question, &plan)?;
            let table = plan.table(&wants)?;
            self.shelf.add(Segment::write(&self.shelf.dir, pack.reader(), &table)?);
        }
        if let Some(old) = plan.segments.first() {
            self.shelf.state().replace_base(old);
        }
        Ok(true)
    }
}
