//! Segments: packs that are kept so that fetches need neither walk histories nor search for deltas.
//!
//! A segment file is a pack and, behind it, a table of what it holds (`table`). The pack has all
//! that some commits (its *tips*) reach and others (its *bases*) do not; its deltas build upon
//! nothing but itself and what the bases reach. One without bases is a *base pack*; the others are
//! the changes that have been accepted, as they were pushed where that was exact (`pushed`), else
//! built once. Both ends are commit ids, so a segment is true for ever, whatever happens to the
//! references or to the packs of the repository.
//!
//! An answer is put together from segments (`plan`, `join`) or, where they do not fit, built; in
//! both cases once for all who ask the same (`answers`). Segments are a cache: they lie in a
//! directory of the repository, are never synced, are checked by their hashes when they are used,
//! and are made again when they are missing or damaged (`shelf`).

mod answers;
mod file;
mod join;
mod objects;
mod plan;
mod pushed;
mod shelf;
mod table;

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use git2::{Oid, Repository};
use sha1::{Digest, Sha1};

use self::answers::{Answers, Key};
use self::file::Segment;
pub(super) use self::file::{UNFINISHED, make_dir};
use self::join::{Failed, Part, join};
use self::objects::{Objects, sorted};
use self::plan::{Ask, Plan};
pub(super) use self::pushed::Pushed;
use self::shelf::{Pending, Shelf};
use super::{Error, RefUpdate, Spool, SpoolWriter};

/// The directory in a repository of all that can be made again.
pub(super) const DIR: &str = "ecconfigd-cache";
/// Segments in a clone's answer that are worth a new base.
const MANY: usize = 24;
/// Segments that may have gathered in a base before its deltas are searched for again: those of a
/// file that changes each time build upon each other.
const FAR_TOO_MANY: u32 = 500;
/// How often an answer is planned again because a segment turned out to be damaged.
const MAX_TRIES: usize = 8;

/// The segments of one repository, and the answers made of them.
pub(super) struct Segments {
    shelf: Shelf,
    answers: Answers,
}

/// A fetch that asks for whole histories.
pub(super) struct Question<'a, N> {
    pub(super) repository: &'a Repository,
    /// Commits.
    pub(super) wants: &'a [Oid],
    pub(super) common: &'a [Oid],
    /// Tags that go with them, whatever else is sent.
    pub(super) tags: &'a [Oid],
    /// Tags that go with the commits they lead to: both.
    pub(super) tags_of: &'a [(Oid, Oid)],
    /// The number of a revision of the live configuration.
    pub(super) number: N,
    /// Where large answers are spooled.
    pub(super) spool_dir: &'a Path,
}

impl Segments {
    pub(super) fn new(repository: &Path) -> Self {
        Self { shelf: Shelf::new(repository.join(DIR)), answers: Answers::default() }
    }

    /// The directory may have been changed by hand.
    pub(super) fn reread(&self) {
        self.shelf.reread();
    }

    /// Notes accepted changes. Their segments are made by whoever needs them first, or by
    /// [`Segments::settle`]. `kept` are the commits that references led to before.
    pub(super) fn accepted(&self, updates: &[RefUpdate], kept: &[Oid], pushed: Option<&Pushed>) {
        let mut pending = self.shelf.pending();
        for update in updates.iter().filter(|update| !update.new.is_zero()) {
            let tip = Oid::from(update.new);
            let bases = match update.old.is_zero() {
                true => kept.to_vec(),
                false => vec![update.old.into()],
            };
            if !kept.contains(&tip) {
                pending.insert(tip, Pending { bases, pushed: pushed.cloned() });
            }
        }
    }

    /// Makes the segments of all changes accepted so far.
    pub(super) fn settle(&self, repository: &Repository, spool_dir: &Path) {
        loop {
            let pending = self.shelf.pending().keys().next().copied();
            let Some(tip) = pending else { return };
            self.settle_one(repository, tip, spool_dir);
        }
    }

    fn settle_one(&self, repository: &Repository, tip: Oid, spool_dir: &Path) {
        let Some(pending) = self.shelf.pending().get(&tip).cloned() else { return };
        // One at a time, and the same for all who wait.
        let key = key(&[&[tip]], "settle");
        let made = self.answers.get(key, || {
            if self.shelf.pending().contains_key(&tip)
                && let Some(segment) = self.make(repository, tip, &pending, spool_dir)?
            {
                self.shelf.add(segment);
            }
            Ok(Spool::Memory(Default::default()))
        });
        self.shelf.pending().remove(&tip);
        if let Err(error) = made {
            tracing::debug!("the segment of {tip} is left out: {error}");
        }
    }

    fn make(
        &self,
        repository: &Repository,
        tip: Oid,
        pending: &Pending,
        spool_dir: &Path,
    ) -> Result<Option<Segment>, Error> {
        // A tag goes into each answer by itself.
        if repository.find_commit(tip).is_err() {
            return Ok(None);
        }
        let objects = Objects::between(repository, &pending.bases, &[tip])?;
        if objects.len() == 0 {
            return Ok(None);
        }
        let bases = match pending.bases[..] {
            [old] => vec![old],
            _ => objects.boundary(repository)?,
        };
        let table = objects.table(bases, vec![tip]);
        let pushed = match &pending.pushed {
            Some(pushed) => pushed.segment(repository, &table.bases, &objects).unwrap_or(None),
            None => None,
        };
        let segment = match pushed {
            Some(pack) => Segment::write(&self.shelf.dir, pack, &table)?,
            None => {
                let pack = objects.build(repository, spool_dir)?;
                Segment::write(&self.shelf.dir, pack.reader(), &table)?
            }
        };
        Ok(Some(segment))
    }

    /// The pack that answers this, from segments if that can be; else `build` makes it, from the
    /// common objects that matter. The same for all who ask the same.
    pub(super) fn answer<N: Fn(Oid) -> Option<u64>>(
        &self,
        question: &Question<'_, N>,
        build: impl Fn() -> Result<Spool, Error>,
    ) -> Result<Spool, Error> {
        for &want in question.wants {
            self.settle_one(question.repository, want, question.spool_dir);
        }
        let ask = question.ask();
        for _ in 0..MAX_TRIES {
            let Some(plan) = self.plan(&ask) else { break };
            match self.by_plan(question, &plan) {
                Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData => {}
                answer => return answer,
            }
        }
        let common = ask.useful_common();
        // Where there is no room for a base, there may be some for an answer.
        if common.is_empty()
            && let Ok(answer) = self.by_new_base(question, &ask.tips())
        {
            return Ok(answer);
        }
        let tags = [question.tags, &question.tag_ids()].concat();
        let key = key(&[question.wants, &common, &tags], "built");
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

    /// A fresh clone without a base that fits: one is built, and kept.
    fn by_new_base<N>(&self, question: &Question<'_, N>, tips: &[Oid]) -> Result<Spool, Error> {
        let tags = [question.tags, &question.tag_ids()].concat();
        let key = key(&[tips, &tags], "base");
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
    pub(super) fn want_upkeep(&self) -> bool {
        self.shelf.state().wish.is_some()
    }

    /// Puts a new base together if somebody has asked for one. False if that should be tried again
    /// when the repository is quiet.
    pub(super) fn renew_base(
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

    fn put_together<N>(&self, question: &Question<'_, N>, plan: &Plan) -> Result<Spool, Error> {
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
                None => Err(std::io::Error::other("a built pack is damaged").into()),
            },
        }
    }

    fn damaged(&self, segment: &Segment) -> Error {
        self.shelf.remove(segment);
        Error::Io(std::io::ErrorKind::InvalidData.into())
    }
}

impl<N: Fn(Oid) -> Option<u64>> Question<'_, N> {
    fn ask(&self) -> Ask<'_, &N> {
        Ask { wants: self.wants, common: self.common, number: &self.number }
    }
}

impl<N> Question<'_, N> {
    fn tag_ids(&self) -> Vec<Oid> {
        self.tags_of.iter().map(|(tag, _)| *tag).collect()
    }

    /// The tags that go with these objects.
    fn tags_sent(&self, sent: &HashSet<Oid>) -> Vec<Oid> {
        let with_commits =
            self.tags_of.iter().filter(|(_, commit)| sent.contains(commit)).map(|(tag, _)| *tag);
        let tags = sorted(self.tags.iter().copied().chain(with_commits).collect());
        tags.into_iter().filter(|tag| !sent.contains(tag)).collect()
    }
}

fn key(lists: &[&[Oid]], kind: &str) -> Key {
    let mut hash = Sha1::new();
    hash.update(kind);
    for list in lists {
        let list = sorted(list.to_vec());
        hash.update((list.len() as u64).to_be_bytes());
        list.iter().for_each(|id| hash.update(id.as_bytes()));
    }
    hash.finalize().into()
}

/// A tag as an entry of a pack: its kind and length, four bits and then seven in each byte, and
/// its content (gitformat-pack(5)).
fn tag_entry(repository: &Repository, id: Oid) -> Result<Vec<u8>, Error> {
    const TAG: u8 = 4;
    let odb = repository.odb()?;
    let tag = odb.read(id)?;
    let mut rest = tag.len() >> 4;
    let mut entry = vec![TAG << 4 | (tag.len() & 15) as u8];
    while rest > 0 {
        if let Some(last) = entry.last_mut() {
            *last |= 0x80;
        }
        entry.push((rest & 0x7f) as u8);
        rest >>= 7;
    }
    let mut content = ZlibEncoder::new(entry, Compression::default());
    content.write_all(tag.data())?;
    Ok(content.finish()?)
}
