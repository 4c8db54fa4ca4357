//! Durations as they are printed.

use std::time::Instant;

use serde_json::{Value, json};

/// Microseconds from one moment to another, negative if it was before.
pub fn micros(from: Instant, to: Instant) -> i64 {
    let after = to.saturating_duration_since(from).as_micros() as i64;
    after - from.saturating_duration_since(to).as_micros() as i64
}

/// All of them, sorted.
pub fn sorted(mut times: Vec<i64>) -> Value {
    times.sort_unstable();
    json!(times)
}
