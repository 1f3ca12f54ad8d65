//! `warifu bench search`: ten thousand services in English and Japanese, searched through a broker
//! over HTTP, by words with typing errors, kind, price, place and date; the load comes from this very
//! machine.

mod corpus;
mod stage;

use super::{
    measure::at,
    payments::load::{Queue, send},
};
use crate::{Failure, scratch::Scratch};
use serde::Serialize;
use std::net::SocketAddr;

/// Connections that search at once, in the second run.
const TOGETHER: usize = 8;

/// The latencies of one run.
#[derive(Debug, Serialize)]
pub struct Run {
    searches_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

/// The report.
#[derive(Debug, Serialize)]
pub struct SearchReport {
    services: usize,
    searches: usize,
    /// One connection, one search after the other.
    alone: Run,
    /// Eight connections at once.
    together: Run,
}

/// Measures `searches` alone and as many on eight connections, telling how far it is.
pub async fn search(searches: usize, progress: impl Fn(&str)) -> Result<SearchReport, Failure> {
    let scratch = Scratch::new(None)?;
    progress("registering 10,000 services");
    let address = stage::start(scratch.path()).await?;
    progress("warming up");
    run(address, 1, searches.div_ceil(10)).await?;
    progress("searching alone");
    let alone = run(address, 1, searches).await?;
    progress("searching on eight connections");
    let together = run(address, TOGETHER, searches).await?;
    Ok(SearchReport { services: corpus::SERVICES, searches, alone, together })
}

async fn run(address: SocketAddr, connections: usize, searches: usize) -> Result<Run, Failure> {
    let request =
        |nth| format!("GET {} HTTP/1.1\r\nhost: {address}\r\n\r\n", corpus::path(nth)).into_bytes();
    // Each connection begins at another place.
    let queue = |connection| Queue {
        requests: (0..searches.div_ceil(connections))
            .map(|n| request(n + connection * 7))
            .collect(),
    };
    let (answers, took) = send(address, (0..connections).map(queue).collect(), None).await?;
    let answers: Vec<_> = answers.into_iter().flatten().collect();
    let empty =
        answers.iter().filter(|answer| answer.body.starts_with(b"{\"services\":[]")).count();
    // One wish in twenty is for nothing that there is.
    if empty * 15 > answers.len().max(20) {
        return Err(Failure::input("benchmark", "searches find nothing"));
    }
    let mut times: Vec<_> = answers.into_iter().map(|answer| answer.latency).collect();
    times.sort_unstable();
    Ok(Run {
        searches_per_s: (times.len() as f64 / took.as_secs_f64()).round(),
        p50_ms: at(&times, 50),
        p99_ms: at(&times, 99),
        max_ms: at(&times, 100),
    })
}
