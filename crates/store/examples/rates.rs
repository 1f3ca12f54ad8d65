//! A rough measurement: `cargo run --release -p warifu-store --example rates [FOLDER]`.
//!
//! Transfers per second in batches of 1,000, one batch a commit, uniform over 10,000 accounts and
//! over one hot account, with ids that grow and with random ids; then jobs per second of one
//! document and one transfer each, 256 at a time.

use std::{
    error::Error,
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use warifu_ledger::{Account, AccountId, Transfer, TransferId};
use warifu_ports::{Entropy, Store, StoreError};
use warifu_store::{MasterKey, OsEntropy, SqliteStore};
use warifu_types::{Currency, Money};

const ACCOUNTS: u128 = 10_000;
const BATCH: u128 = 1_000;
const BATCHES: u128 = 1_000;

#[derive(Clone, Copy, Debug)]
enum Ids {
    Growing,
    Random,
}

fn account(n: u64) -> AccountId {
    // Spread, as ids that are hashes are.
    AccountId(u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 | u128::from(n))
}

fn batch(start: u128, ids: Ids, hot: bool) -> Result<Vec<Transfer>, Box<dyn Error>> {
    let yen = Money::new(1, Currency::JPY)?;
    let mut random = vec![0; BATCH as usize * 32];
    OsEntropy.fill(&mut random);
    let mut transfers = Vec::with_capacity(BATCH as usize);
    for (n, bytes) in (start..).zip(random.chunks_exact(32)) {
        let word = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap_or([0; 8]));
        let debit = if hot { 0 } else { word(0) % (ACCOUNTS as u64) };
        let credit = (debit + 1 + word(8) % (ACCOUNTS as u64 - 1)) % ACCOUNTS as u64;
        let id = match ids {
            Ids::Growing => n,
            Ids::Random => u128::from(word(16)) << 64 | u128::from(word(24)),
        };
        transfers.push(Transfer::plain(TransferId(id), account(debit), account(credit), yen));
    }
    Ok(transfers)
}

async fn ledger(folder: &Path, ids: Ids, hot: bool) -> Result<String, Box<dyn Error>> {
    let folder = tempfile::tempdir_in(folder)?;
    let key = MasterKey::from_bytes([1; 32]);
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&folder.path().join("db"), &key)?);
    let accounts: Vec<_> =
        (0..ACCOUNTS as u64).map(|n| Account::new(account(n), Currency::JPY)).collect();
    store.run(move |unit| Ok::<_, StoreError>(unit.ledger().create_accounts(&accounts)?)).await?;
    let mut times = Vec::new();
    for n in 0..BATCHES {
        let transfers = batch(n * BATCH, ids, hot)?;
        let begun = Instant::now();
        let results =
            store.run(move |unit| Ok::<_, StoreError>(unit.ledger().apply(&transfers)?)).await?;
        times.push(begun.elapsed());
        if !results.iter().all(|result| result.is_applied()) {
            return Err("a transfer failed".into());
        }
    }
    let total: Duration = times.iter().sum();
    times.sort_unstable();
    let rate = (BATCH * BATCHES) as f64 / total.as_secs_f64();
    let ms = |at: usize| times[at].as_secs_f64() * 1e3;
    let last = times.len() - 1;
    Ok(format!(
        "{ids:?} ids, hot account {hot}: {rate:.0} transfers/s; batch p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms",
        ms(last / 2),
        ms(last * 99 / 100),
        ms(last)
    ))
}

async fn jobs(folder: &Path) -> Result<String, Box<dyn Error>> {
    let folder = tempfile::tempdir_in(folder)?;
    let key = MasterKey::from_bytes([1; 32]);
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&folder.path().join("db"), &key)?);
    let accounts =
        [Account::new(account(0), Currency::JPY), Account::new(account(1), Currency::JPY)];
    store.run(move |unit| Ok::<_, StoreError>(unit.ledger().create_accounts(&accounts)?)).await?;
    let yen = Money::new(1, Currency::JPY)?;
    let begun = Instant::now();
    let workers: Vec<_> = (0..256u32)
        .map(|worker| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for n in 0..200u32 {
                    let id = TransferId(u128::from(n) << 32 | u128::from(worker));
                    let transfer = Transfer::plain(id, account(0), account(1), yen);
                    store
                        .run(move |unit| {
                            unit.insert("orders", &id.to_string(), &[7; 500])?;
                            Ok::<_, StoreError>(unit.ledger().apply(&[transfer])?)
                        })
                        .await?;
                }
                Ok::<_, StoreError>(())
            })
        })
        .collect();
    for worker in workers {
        worker.await??;
    }
    let rate = f64::from(256 * 200) / begun.elapsed().as_secs_f64();
    Ok(format!("one document and one transfer a job, 256 at a time: {rate:.0} jobs/s"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_string());
    let folder = Path::new(&folder);
    let mut out = std::io::stdout();
    writeln!(out, "{}", ledger(folder, Ids::Growing, false).await?)?;
    writeln!(out, "{}", ledger(folder, Ids::Growing, true).await?)?;
    writeln!(out, "{}", ledger(folder, Ids::Random, false).await?)?;
    writeln!(out, "{}", jobs(folder).await?)?;
    Ok(())
}
