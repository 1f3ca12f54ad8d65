//! Medians of many runs on one core.

use std::time::{Duration, Instant};

/// How long one figure is measured for.
const FOR: Duration = Duration::from_millis(600);

/// The median time of `work` in microseconds. `prepare` makes fresh input outside the clock.
pub fn median_us<I, O>(mut prepare: impl FnMut(u64) -> I, mut work: impl FnMut(I) -> O) -> f64 {
    let mut times = Vec::new();
    let started = Instant::now();
    let mut round = 0;
    // The first tenth warms caches and branch predictors up and is not counted.
    while started.elapsed() < FOR || times.len() < 30 {
        let input = prepare(round);
        let before = Instant::now();
        let output = std::hint::black_box(work(std::hint::black_box(input)));
        let took = before.elapsed();
        drop(output);
        if started.elapsed() > FOR / 10 {
            times.push(took.as_nanos());
        }
        round += 1;
    }
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    (median as f64 / 10.0).round() / 100.0
}
