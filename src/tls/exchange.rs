//! Exchanging a pair without a moment in which none is whole.
//!
//! Two files cannot be renamed as one. So for a moment `server.key` holds two
//! keys, the old and the new, and whichever certificate stands beside it finds
//! its own. The old one comes first because programs on OpenSSL read no further.

use super::error::Error;
use super::files::PairFiles;
use super::key::Key;
use super::leaf::Leaf;

/// One atomic replacement of a file with this text.
#[derive(Debug, PartialEq)]
enum Step {
    Key(String),
    Certificate(String),
}

/// Puts `key` and its `certificate` (PEM) in the place of what is there. Killed at
/// any point, it leaves a whole pair if there was one; if there was none, a key
/// that the next run finds. Needs the lock.
pub(super) fn exchange(files: &PairFiles, key: &Key, certificate: &str) -> Result<(), Error> {
    for step in steps(files, key, certificate)? {
        apply(files, &step)?;
    }
    Ok(())
}

/// What takes the files from any state to `key` and `certificate` alone.
fn steps(files: &PairFiles, key: &Key, certificate: &str) -> Result<Vec<Step>, Error> {
    let held = match files.keys() {
        Err(Error::NoKey(_)) => Vec::new(),
        other => Error::if_present(other)?.unwrap_or_default(),
    };
    let served = files.chain().ok().and_then(|c| Leaf::parse(&c[0]).ok());
    let in_use = served.and_then(|leaf| held.iter().find(|key| leaf.belongs_to(key)));
    let mut steps = Vec::new();
    if !held.contains(key) {
        let old = in_use.map_or("", Key::pem);
        steps.push(Step::Key(format!("{old}{}", key.pem())));
    }
    steps.push(Step::Certificate(certificate.to_owned()));
    let is_changed = in_use.is_some_and(|old| old != key);
    if is_changed || held.len() > 1 || !files.key_is_owned() {
        steps.push(Step::Key(key.pem().to_owned()));
    }
    Ok(steps)
}

fn apply(files: &PairFiles, step: &Step) -> Result<(), Error> {
    match step {
        Step::Key(pem) => files.replace_key(pem),
        Step::Certificate(pem) => files.replace_certificate(pem),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::SystemTime;

    use super::super::names::Names;
    use super::super::pair::Pair;
    use super::super::self_signed::issue;
    use super::*;
    use crate::files::Owner;

    fn pair() -> (Key, String) {
        let key = Key::generate().unwrap();
        let names = Names::of_machine("mgr.example.com").unwrap();
        let certificate = issue(&names, &key, SystemTime::now()).unwrap();
        (key, certificate)
    }

    fn with_pair(prefix: &Path) -> (PairFiles, Key) {
        let files = PairFiles::new(prefix, None);
        let (key, certificate) = pair();
        exchange(&files, &key, &certificate).unwrap();
        (files, key)
    }

    #[test]
    fn a_run_killed_after_any_step_leaves_a_whole_pair_and_the_next_one_mends_it() {
        for survived in 0..=3 {
            let prefix = tempfile::tempdir().unwrap();
            let (files, _) = with_pair(prefix.path());
            let (new, certificate) = pair();
            let steps = steps(&files, &new, &certificate).unwrap();
            assert_eq!(steps.len(), 3);
            for step in &steps[..survived] {
                apply(&files, step).unwrap();
            }
            let left = Pair::load(prefix.path()).unwrap();
            assert_eq!(left.key == new, survived >= 2);

            let (newer, certificate) = pair();
            for step in super::steps(&files, &newer, &certificate).unwrap() {
                apply(&files, &step).unwrap();
                Pair::load(prefix.path()).unwrap();
            }
            assert_eq!(files.keys().unwrap(), [newer]);
        }
    }

    #[test]
    fn while_two_keys_stand_there_the_first_is_the_one_in_use() {
        let prefix = tempfile::tempdir().unwrap();
        let (files, old) = with_pair(prefix.path());
        let (new, certificate) = pair();
        apply(&files, &steps(&files, &new, &certificate).unwrap()[0]).unwrap();
        assert_eq!(files.keys().unwrap(), [old, new]);
    }

    #[test]
    fn with_the_same_key_only_the_certificate_is_written() {
        let prefix = tempfile::tempdir().unwrap();
        let (files, key) = with_pair(prefix.path());
        let written = vec![Step::Certificate("new".into())];
        assert_eq!(steps(&files, &key, "new").unwrap(), written);
    }

    #[test]
    fn at_first_the_key_is_written_before_the_certificate() {
        let prefix = tempfile::tempdir().unwrap();
        let files = PairFiles::new(prefix.path(), None);
        let (key, certificate) = pair();
        let first = steps(&files, &key, &certificate).unwrap();
        let written = [Step::Key(key.pem().to_owned()), Step::Certificate(certificate)];
        assert_eq!(first, written);
    }

    #[test]
    fn what_a_killed_run_left_half_written_is_no_obstacle() {
        let prefix = tempfile::tempdir().unwrap();
        let (files, _) = with_pair(prefix.path());
        for name in ["server.key.new", "server.crt.new"] {
            fs::write(prefix.path().join(name), "half").unwrap();
        }
        let (key, certificate) = pair();
        exchange(&files, &key, &certificate).unwrap();
        assert_eq!(fs::read_dir(prefix.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_linked_key_is_used_for_oneself_and_refused_for_another_account() {
        let prefix = tempfile::tempdir().unwrap();
        let (mut files, key) = with_pair(prefix.path());
        let elsewhere = prefix.path().join("elsewhere");
        fs::rename(&files.key, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &files.key).unwrap();

        let written = vec![Step::Certificate("new".into())];
        assert_eq!(steps(&files, &key, "new").unwrap(), written);
        files.owner = Some(Owner::of(&fs::metadata(prefix.path()).unwrap()));
        let refused = steps(&files, &key, "new").unwrap_err();
        assert!(matches!(refused, Error::Link(_)));
    }
}
