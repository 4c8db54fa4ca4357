//! Choices that nobody makes.

use crate::fixture::Random;

pub trait Draw {
    /// A whole number below this one.
    fn below(&mut self, limit: usize) -> usize;

    /// Whether something happens that is as probable as this.
    fn happens(&mut self, probability: f64) -> bool;

    /// One of them.
    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

impl Draw for Random {
    fn below(&mut self, limit: usize) -> usize {
        ((self.fraction() * limit as f64) as usize).min(limit - 1)
    }

    fn happens(&mut self, probability: f64) -> bool {
        self.fraction() < probability
    }
}
