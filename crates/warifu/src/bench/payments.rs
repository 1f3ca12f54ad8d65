//! `warifu bench payments`: signed and encrypted payment instructions over HTTP, each durable before
//! its answer, notice and answer signed; SQLite; the load comes from this very machine.

mod limits;
pub mod load;
mod stage;

use super::measure::at;
use crate::{Failure, scratch::Scratch};
use limits::Limits;
use serde::Serialize;
use stage::{MEMBERS, Prepared, Stage};
use std::{path::PathBuf, sync::atomic::Ordering, time::Duration};
use warifu_protocol::{AtFault, joining::Reply, jws, telegram};
use warifu_wire::Answer;

/// What one payment verifies: the telegram, and the order in it.
const VERIFICATIONS: f64 = 2.0;
/// What one payment signs: the payment notice, and the answer.
const SIGNATURES: f64 = 2.0;

/// What to measure.
#[derive(Debug, Clone)]
pub struct PaymentsWish {
    /// Payments at full load; half as many follow at half of it.
    pub payments: u64,
    /// Where the databases go; the folder for temporary files unless named.
    pub data: Option<PathBuf>,
}

/// The latency at half of the load.
#[derive(Debug, Serialize)]
pub struct HalfLoad {
    payments_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

/// The report.
#[derive(Debug, Serialize)]
pub struct PaymentsReport {
    payments: u64,
    connections: usize,
    payments_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    at_half_load: HalfLoad,
    limits: Limits,
    /// Of what the machine's cores could verify and sign, if they did nothing else.
    share_of_signature_limit: f64,
    /// Payment notices that the merchant had taken when the full load ended.
    notices_taken: u64,
}

/// Measures, telling how far it is.
pub async fn payments(
    wish: &PaymentsWish,
    progress: impl Fn(&str),
) -> Result<PaymentsReport, Failure> {
    let scratch = Scratch::new(wish.data.as_deref())?;
    progress("signatures and syncs of this machine");
    let limits = limits::measure(scratch.path())?;
    let mut stage = Stage::new(scratch.path(), &progress).await?;
    let each = wish.payments.div_ceil(MEMBERS as u64);
    progress("preparing the telegrams");
    let prepared = stage.prepare(each).await?;
    progress("full load");
    let (mut full, took) = run(&stage, prepared, None).await?;
    let notices_taken = stage.notices.load(Ordering::Relaxed);
    let rate = full.len() as f64 / took.as_secs_f64();
    progress("preparing the telegrams for half of the load");
    let prepared = stage.prepare(each.div_ceil(2)).await?;
    progress("half load");
    let pace = Duration::from_secs_f64(MEMBERS as f64 / (rate / 2.0));
    let (mut half, half_took) = run(&stage, prepared, Some(pace)).await?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let limit = cores / (VERIFICATIONS / limits.verify_per_s + SIGNATURES / limits.sign_per_s);
    full.sort_unstable();
    half.sort_unstable();
    Ok(PaymentsReport {
        payments: full.len() as u64,
        connections: MEMBERS,
        payments_per_s: rate.round(),
        p50_ms: at(&full, 50),
        p99_ms: at(&full, 99),
        max_ms: at(&full, 100),
        at_half_load: HalfLoad {
            payments_per_s: (half.len() as f64 / half_took.as_secs_f64()).round(),
            p50_ms: at(&half, 50),
            p99_ms: at(&half, 99),
            max_ms: at(&half, 100),
        },
        share_of_signature_limit: (rate / limit * 1000.0).round() / 1000.0,
        limits,
        notices_taken,
    })
}

/// Sends what was prepared, and looks at every answer afterwards: each must say "paid".
async fn run(
    stage: &Stage,
    prepared: Vec<Prepared>,
    pace: Option<Duration>,
) -> Result<(Vec<Duration>, Duration), Failure> {
    let (queues, sessions): (Vec<_>, Vec<_>) =
        prepared.into_iter().map(|prepared| (prepared.queue, prepared.session)).unzip();
    let (answers, took) = load::send(stage.address, queues, pace).await?;
    let mut latencies = Vec::new();
    for (answers, session) in answers.iter().zip(&sessions) {
        for (seq, answered) in (0u64..).zip(answers) {
            let text = String::from_utf8_lossy(&answered.body);
            check(&session.hear_answer(seq, &text)?)?;
            latencies.push(answered.latency);
        }
    }
    Ok((latencies, took))
}

fn check(plain: &[u8]) -> Result<(), Failure> {
    use telegram::{Outcome, TELEGRAM_ANSWER, TelegramAnswer};
    let token = match serde_json::from_slice::<Answer<Reply>>(plain)? {
        Answer::Ok(Reply::Answer(token)) => token,
        Answer::Ok(_) => return Err(Failure::input("benchmark", "an answer to something else")),
        Answer::Problem(problem) => return Err(problem.into()),
    };
    let answer: TelegramAnswer = jws::peek(TELEGRAM_ANSWER, &token, AtFault::Sender)?;
    match answer.outcome {
        Outcome::Paid(_) => Ok(()),
        Outcome::Refused { reason, .. } => Err(Failure::input("payment", reason)),
        _ => Err(Failure::input("payment", "was not made")),
    }
}
