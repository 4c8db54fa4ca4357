//! Locks that other programs hold for a moment: `git gc` and `git pack-refs` do.

use std::thread;
use std::time::{Duration, Instant};

use git2::{Error, ErrorCode, Repository};

/// git waits for so long for `packed-refs` (`core.packedRefsTimeout` in git-config(1)).
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// Tries again for a while if something is locked. Blocks.
pub(super) fn try_again<T>(mut attempt: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Err(error) if error.code() == ErrorCode::Locked && Instant::now() < deadline => {
                thread::sleep(PAUSE);
            }
            result => return result,
        }
    }
}

/// Waits for a while until nobody holds `packed-refs`. Blocks.
pub(super) fn wait_for_packed_refs(repository: &Repository) {
    let lock = repository.path().join("packed-refs.lock");
    let deadline = Instant::now() + PATIENCE;
    while lock.exists() && Instant::now() < deadline {
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use git2::ErrorClass;

    use super::*;

    #[test]
    fn what_is_locked_is_tried_again_and_what_fails_otherwise_is_not() {
        for (code, expected) in [(ErrorCode::Locked, 4), (ErrorCode::NotFound, 1)] {
            let mut tries = 0;
            let result = try_again(|| {
                tries += 1;
                match tries {
                    4 => Ok(()),
                    _ => Err(Error::new(code, ErrorClass::Reference, "")),
                }
            });
            assert_eq!((result.is_ok(), tries), (expected == 4, expected), "{code:?}");
        }
    }
}
