//! Pauses of lengths that differ from node to node, so that a thousand do not come at once.

use std::thread::sleep;
use std::time::Duration;

/// The first pause is at most this long, and each further one twice as long as the one before.
const FIRST: Duration = Duration::from_secs(5);
/// But never longer than this: then the server is polled.
const LONGEST: Duration = Duration::from_secs(60);

/// A time in which nothing is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Pause(Duration);

impl Pause {
    pub fn none() -> Self {
        Self(Duration::ZERO)
    }

    /// Anything up to this.
    pub fn up_to(limit: Duration) -> Self {
        Self(limit.mul_f64(fraction()))
    }

    /// Between half of this and all.
    pub fn about(limit: Duration) -> Self {
        Self(some_of(limit))
    }

    pub fn sleep(self) {
        sleep(self.0);
    }
}

/// The pauses between tries that fail.
#[derive(Default)]
pub struct Pauses {
    failures: u32,
}

impl Pauses {
    /// Another try has failed.
    pub fn next(&mut self) -> Pause {
        let limit = (FIRST * (1 << self.failures.min(4))).min(LONGEST);
        self.failures += 1;
        match self.failures {
            1 => Pause::up_to(limit),
            _ => Pause::about(limit),
        }
    }

    /// A try has not.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

/// Between half of this and all.
pub fn some_of(limit: Duration) -> Duration {
    limit.mul_f64(0.5 + fraction() / 2.0)
}

/// From 0 to 1.
fn fraction() -> f64 {
    // A system without randomness at this point has no TLS either.
    f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_begin_anew() {
        let mut pauses = Pauses::default();
        let mut between = |least: u64, most: u64| {
            let Pause(pause) = pauses.next();
            assert!(pause >= Duration::from_secs(least) && pause <= Duration::from_secs(most));
        };
        for (least, most) in [(0, 5), (5, 10), (10, 20), (20, 40), (30, 60), (30, 60)] {
            between(least, most);
        }
        pauses.reset();
        assert!(pauses.next().0 <= FIRST);
    }

    #[test]
    fn no_two_nodes_come_back_together() {
        let mut pauses: Vec<Duration> = (0..100).map(|_| Pause::up_to(FIRST).0).collect();
        pauses.sort();
        pauses.dedup();
        assert!(pauses.len() > 90);
        assert!(pauses[90] - pauses[10] > FIRST / 3);
    }
}
