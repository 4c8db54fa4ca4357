//! Answers that have been made, shared by all who ask the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use git2::Oid;
use sha1::{Digest, Sha1};
use tokio::sync::RwLock;

use super::objects::sorted;
use crate::repository::{Error, Spool};

/// Answers that are kept, and bytes of them: small ones in memory, others in files without a name.
const MAX_ANSWERS: usize = 24;
const MAX_BYTES: u64 = 64 << 20;

/// What an answer is to: equal questions, equal keys.
pub(super) type Key = [u8; 20];

/// The key of an answer of this kind about these sets of objects.
pub(super) fn key(lists: &[&[Oid]], kind: &str) -> Key {
    let mut hash = Sha1::new();
    hash.update(kind);
    for list in lists {
        let list = sorted(list.to_vec());
        hash.update((list.len() as u64).to_be_bytes());
        list.iter().for_each(|id| hash.update(id.as_bytes()));
    }
    hash.finalize().into()
}

/// The answers of a repository. They are facts about immutable objects, so none is ever wrong.
#[derive(Default)]
pub(super) struct Answers {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    slots: HashMap<Key, Slot>,
    clock: u64,
}

#[derive(Clone, Default)]
struct Slot {
    /// Locked for writing by who makes it.
    answer: Arc<RwLock<Option<Spool>>>,
    used: u64,
    length: u64,
}

/// What somebody else is making at the moment.
#[derive(Debug)]
pub struct InTheMaking(Arc<RwLock<Option<Spool>>>);

impl InTheMaking {
    /// Returns when it has been made or has failed.
    pub async fn done(self) {
        drop(self.0.read().await);
    }

    /// The same on a thread that may block.
    pub(in crate::repository) fn wait(self) {
        drop(self.0.blocking_read());
    }
}

impl Answers {
    /// The answer, which `make` makes if nobody has. Whoever asks for it meanwhile fails with
    /// [`Error::InTheMaking`], so that they can wait without holding up others, and asks again; if
    /// it fails, the next one tries.
    pub(super) fn get(
        &self,
        key: Key,
        make: impl FnOnce() -> Result<Spool, Error>,
    ) -> Result<Spool, Error> {
        let slot = self.kept().slot(key);
        if let Ok(answer) = slot.try_read()
            && let Some(spool) = &*answer
        {
            return Ok(spool.clone());
        }
        let Ok(mut answer) = slot.try_write() else {
            return Err(Error::InTheMaking(InTheMaking(slot)));
        };
        if let Some(spool) = &*answer {
            return Ok(spool.clone());
        }
        let made = make();
        let mut kept = self.kept();
        match made {
            Ok(spool) => {
                *answer = Some(spool.clone());
                kept.made(key, spool.len());
                Ok(spool)
            }
            Err(error) => {
                kept.slots.remove(&key);
                Err(error)
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("no code panics while it changes the answers")
    }
}

impl Kept {
    fn slot(&mut self, key: Key) -> Arc<RwLock<Option<Spool>>> {
        self.clock += 1;
        let slot = self.slots.entry(key).or_default();
        slot.used = self.clock;
        slot.answer.clone()
    }

    /// Makes room. Those who still send an answer keep it.
    fn made(&mut self, key: Key, length: u64) {
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.length = length;
        }
        let bytes =
            |slots: &HashMap<Key, Slot>| slots.values().map(|slot| slot.length).sum::<u64>();
        while self.slots.len() > MAX_ANSWERS || bytes(&self.slots) > MAX_BYTES {
            let others = self.slots.iter().filter(|(other, _)| **other != key);
            let Some((&oldest, _)) = others.min_by_key(|(_, slot)| slot.used) else { break };
            self.slots.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    fn spool(byte: u8) -> Spool {
        Spool::Memory(vec![byte].into())
    }

    #[test]
    fn what_many_ask_at_once_is_made_once() {
        let (answers, made, start) = (Answers::default(), AtomicUsize::new(0), Barrier::new(8));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    let make = || {
                        made.fetch_add(1, Ordering::Relaxed);
                        Ok(spool(1))
                    };
                    let answer = loop {
                        match answers.get([0; 20], make) {
                            Err(Error::InTheMaking(making)) => making.wait(),
                            answer => break answer.unwrap(),
                        }
                    };
                    assert_eq!(answer.len(), 1);
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
    }

    #[test]
    fn a_failure_is_not_kept_and_what_was_used_long_ago_is_dropped() {
        let answers = Answers::default();
        let failed = answers.get([0; 20], || Err(Error::NotFound("gone".into())));
        assert!(failed.is_err());
        for number in 0..=MAX_ANSWERS as u8 {
            answers.get([number; 20], || Ok(spool(number))).unwrap();
        }
        answers.get([0; 20], || Ok(spool(99))).unwrap();
        let kept = answers.get([1; 20], || Err(Error::NotFound("dropped".into())));
        assert!(kept.is_err(), "one more than are kept had been made");
    }
}
