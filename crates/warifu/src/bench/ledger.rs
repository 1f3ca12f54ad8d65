//! `warifu bench ledger`: transfers per second in batches, each with its own result, durable before
//! the next; over many accounts and over one hot account, at the beginning and after ten million.

use crate::{Failure, scratch::Scratch};
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use warifu_ledger::{Account, AccountId, Cursor, Transfer, TransferId, TransferResult};
use warifu_ports::{Store, StoreError};
use warifu_protocol::{ChaCha20Rng, SeedableRng, rand_core::Rng};
use warifu_store::{MasterKey, PostgresStore, SqliteStore};
use warifu_types::{Currency, Money, UnixTime};

/// Accounts that money moves between.
const ACCOUNTS: u64 = 10_000;
/// Transfers in a batch, and batches in a commit: one.
const BATCH: u64 = 1_000;

/// What to measure.
#[derive(Debug, Clone)]
pub struct LedgerWish {
    /// Transfers in the long run; its beginning and its end are reported.
    pub transfers: u64,
    /// Where the databases go; the folder for temporary files unless named.
    pub data: Option<PathBuf>,
    /// A PostgreSQL database of our own, to be measured too.
    pub postgres: Option<String>,
}

/// The rate and the latencies of batches.
#[derive(Debug, Serialize)]
pub struct Rates {
    /// Transfers in a batch.
    batch: u64,
    transfers: u64,
    transfers_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

/// One engine.
#[derive(Debug, Serialize)]
pub struct EngineReport {
    /// The first transfers, at most two million.
    batch_1000: Rates,
    /// As many, all debiting one account.
    hot_account: Rates,
    /// The last million of the long run.
    at_10m: Rates,
    /// Transfers at the end of the long run.
    transfers: u64,
    /// How long one page of 100 transfers of an account's history took then.
    history_page_ms: f64,
}

/// The report.
#[derive(Debug, Serialize)]
pub struct LedgerReport {
    sqlite: EngineReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    postgres: Option<EngineReport>,
}

/// Measures every engine, telling how far it is.
pub async fn ledger(wish: &LedgerWish, progress: impl Fn(&str)) -> Result<LedgerReport, Failure> {
    let scratch = Scratch::new(wish.data.as_deref())?;
    let sqlite = engine("SQLite", wish, &progress, |name| {
        open_sqlite(&scratch.path().join(format!("{name}.db")))
    })
    .await?;
    let postgres = match &wish.postgres {
        Some(address) => {
            let store = open_postgres(address.clone()).await?;
            Some(engine("PostgreSQL", wish, &progress, |_| Ok(store.clone())).await?)
        }
        None => None,
    };
    Ok(LedgerReport { sqlite, postgres })
}

async fn open_postgres(address: String) -> Result<Arc<dyn Store>, Failure> {
    let open = move || PostgresStore::open(&address, &MasterKey::from_bytes([1; 32]));
    let opened = tokio::task::spawn_blocking(open).await;
    let broken = |_| Failure::input("postgres", "opening it was broken off");
    Ok(Arc::new(opened.map_err(broken)??))
}

fn open_sqlite(path: &Path) -> Result<Arc<dyn Store>, Failure> {
    Ok(Arc::new(SqliteStore::open(path, &MasterKey::from_bytes([1; 32]))?))
}

/// Measures one engine. `open` gives the store of each run; the second may go on in the first's.
async fn engine(
    name: &str,
    wish: &LedgerWish,
    progress: &impl Fn(&str),
    open: impl Fn(&str) -> Result<Arc<dyn Store>, Failure>,
) -> Result<EngineReport, Failure> {
    let first = wish.transfers.min(2_000_000);
    let tell = |what: &str, done: u64, all: u64| {
        progress(&format!("{name}, {what}: {done} of {all} transfers"));
    };
    let hot = {
        let store = prepared(open("hot")?).await?;
        run(&store, 0..first / BATCH, true, |done| tell("one hot account", done, first)).await?
    };
    let store = prepared(open("uniform")?).await?;
    let (after, all) = (first / BATCH, wish.transfers);
    let mut times =
        run(&store, after..after + all / BATCH, false, |done| tell("10,000 accounts", done, all))
            .await?;
    let history_page_ms = read_history(&store).await?;
    let last = times.split_off(times.len() - times.len().min(1_000));
    let mut beginning = times;
    beginning.extend_from_slice(&last);
    beginning.truncate((first / BATCH) as usize);
    Ok(EngineReport {
        batch_1000: rates(beginning),
        hot_account: rates(hot),
        at_10m: rates(last),
        transfers: all,
        history_page_ms,
    })
}

fn account(n: u64) -> AccountId {
    // Spread, as ids that are hashes are.
    AccountId(u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 | u128::from(n))
}

/// Creates the accounts.
async fn prepared(store: Arc<dyn Store>) -> Result<Arc<dyn Store>, Failure> {
    let accounts: Vec<_> = (0..ACCOUNTS).map(|n| Account::new(account(n), Currency::JPY)).collect();
    store.run(move |unit| Ok::<_, StoreError>(unit.ledger().create_accounts(&accounts)?)).await?;
    Ok(store)
}

/// Applies batches one after the other; the time of each, from asking to its durable answer.
async fn run(
    store: &Arc<dyn Store>,
    batches: std::ops::Range<u64>,
    hot: bool,
    progress: impl Fn(u64),
) -> Result<Vec<Duration>, Failure> {
    let mut times = Vec::new();
    let start = batches.start;
    for n in batches {
        let transfers = batch(n, hot)?;
        let begun = Instant::now();
        let results =
            store.run(move |unit| Ok::<_, StoreError>(unit.ledger().apply(&transfers)?)).await?;
        times.push(begun.elapsed());
        if !results.iter().all(|result: &TransferResult| result.is_applied()) {
            return Err(Failure::input("benchmark", "a transfer was refused"));
        }
        let done = n + 1 - start;
        if done.is_multiple_of(500) {
            progress(done * BATCH);
        }
    }
    Ok(times)
}

/// Batch `n`: ids as roles make them, growing with time.
fn batch(n: u64, hot: bool) -> Result<Vec<Transfer>, Failure> {
    let mut random = ChaCha20Rng::seed_from_u64(n);
    let amount = Money::new(1, Currency::JPY)?;
    let mut transfers = Vec::with_capacity(BATCH as usize);
    for _ in 0..BATCH {
        let debit = if hot { 0 } else { random.next_u64() % ACCOUNTS };
        let credit = (debit + 1 + random.next_u64() % (ACCOUNTS - 1)) % ACCOUNTS;
        let mut digest = [0; 32];
        random.fill_bytes(&mut digest);
        // A batch a second, as far as ids are concerned.
        let id = TransferId::ordered(UnixTime(1_800_000_000 + n), 0, &digest);
        transfers.push(Transfer::plain(id, account(debit), account(credit), amount));
    }
    Ok(transfers)
}

/// The time of a page of history, which must not depend on how many transfers there are.
async fn read_history(store: &Arc<dyn Store>) -> Result<f64, Failure> {
    let begun = Instant::now();
    let page = store
        .run(|unit| Ok::<_, StoreError>(unit.ledger().history(account(7), Cursor::Newest, 100)?))
        .await?;
    if page.is_empty() {
        return Err(Failure::input("benchmark", "an account has no history"));
    }
    Ok(ms(begun.elapsed()))
}

fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 100.0
}

fn rates(mut times: Vec<Duration>) -> Rates {
    let total: Duration = times.iter().sum();
    let transfers = times.len() as u64 * BATCH;
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    Rates {
        batch: BATCH,
        transfers,
        transfers_per_s: (transfers as f64 / total.as_secs_f64()).round(),
        p50_ms: ms(at(50)),
        p99_ms: ms(at(99)),
        max_ms: ms(times.last().copied().unwrap_or_default()),
    }
}
