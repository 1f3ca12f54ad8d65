//! Medians on one core. What is to be compared is measured in turns, so that a noisy moment of the
//! machine falls on all of it.

use std::time::{Duration, Instant};

/// How long each candidate of a comparison is measured for.
const FOR: Duration = Duration::from_millis(800);
/// Runs of one candidate before it is the next one's turn.
const TURN: usize = 48;
/// The first runs of a turn warm caches and branch predictors up, and are not counted.
const WARM: usize = 8;

/// The time that one run of `work` takes.
pub fn time<O>(work: impl FnOnce() -> O) -> Duration {
    let before = Instant::now();
    let output = std::hint::black_box(work());
    let took = before.elapsed();
    drop(output);
    took
}

/// The median time of each candidate, in microseconds. `run` makes its fresh input outside the
/// clock, and gets a number that is never the same.
pub fn medians_us<C>(candidates: &[C], mut run: impl FnMut(&C, u64) -> Duration) -> Vec<f64> {
    let mut times: Vec<Vec<Duration>> = candidates.iter().map(|_| Vec::new()).collect();
    let started = Instant::now();
    let mut round = 0;
    while started.elapsed() < FOR * candidates.len() as u32 {
        for (candidate, times) in candidates.iter().zip(&mut times) {
            for n in 0..TURN {
                round += 1;
                let took = run(candidate, round);
                if n >= WARM {
                    times.push(took);
                }
            }
        }
    }
    times.into_iter().map(median).collect()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    let median = times.get(times.len() / 2).map_or(0, Duration::as_nanos);
    (median as f64 / 10.0).round() / 100.0
}

/// The median time of `work` alone, in microseconds.
pub fn median_us<O>(mut work: impl FnMut() -> O) -> f64 {
    medians_us(&[()], |(), _| time(&mut work)).into_iter().sum()
}

/// Milliseconds that so many per cent of the sorted times stay below.
pub fn at(times: &[Duration], per_cent: usize) -> f64 {
    let place = (times.len() * per_cent / 100).min(times.len().saturating_sub(1));
    let time = times.get(place).copied().unwrap_or_default();
    (time.as_secs_f64() * 1e5).round() / 100.0
}
