//! A rough measurement: `cargo run --release -p warifu-store --example rates -- FOLDER [CASE…]`.
//!
//! Transfers per second in batches of 1,000, one batch a commit, over 10,000 accounts:
//! - `bare`: SQLite alone, two guarded updates and an insert a transfer, no index, no result;
//! - `growing`, `hot`: the ledger, uniform and with one hot account; ids count up;
//! - `ordered`: ids as the roles make them, which grow by the second;
//! - `random`: random ids, the worst case;
//! - `tall`: ten million transfers; the last million is reported too;
//! - `jobs`: jobs of one document and one transfer each, 256 at a time;
//! - `postgres`, `postgres-hot`, `postgres-jobs`, `postgres-bare`: the same on a PostgreSQL server
//!   of its own; bare is one UNNEST statement a batch, netted per account.

use std::{
    error::Error,
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use warifu_ledger::{Account, AccountId, Transfer, TransferId};
use warifu_ports::{Clock, Entropy, Store, StoreError};
use warifu_store::{MasterKey, OsEntropy, PostgresStore, SqliteStore, SystemClock};
use warifu_testkit::Postgres;
use warifu_types::{Currency, Money};

const ACCOUNTS: u128 = 10_000;
const BATCH: u128 = 1_000;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ids {
    Growing,
    Ordered,
    Random,
}

fn account(n: u64) -> AccountId {
    // Spread, as ids that are hashes are.
    AccountId(u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 | u128::from(n))
}

/// Debit and credit of each transfer of a batch, and random bytes for its id.
fn draw(hot: bool) -> Vec<(u64, u64, [u8; 32])> {
    let mut random = vec![0; BATCH as usize * 48];
    OsEntropy.fill(&mut random);
    let word = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().unwrap_or([0; 8]));
    let pair = |bytes: &[u8]| {
        let debit = if hot { 0 } else { word(&bytes[..8]) % (ACCOUNTS as u64) };
        let credit = (debit + 1 + word(&bytes[8..16]) % (ACCOUNTS as u64 - 1)) % ACCOUNTS as u64;
        let mut digest = [0; 32];
        digest.copy_from_slice(&bytes[16..]);
        (debit, credit, digest)
    };
    random.chunks_exact(48).map(pair).collect()
}

fn batch(start: u128, ids: Ids, hot: bool) -> Outcome<Vec<Transfer>> {
    let yen = Money::new(1, Currency::JPY)?;
    let now = SystemClock.now();
    let make = |(n, (debit, credit, digest)): (u128, (u64, u64, [u8; 32]))| {
        let id = match ids {
            Ids::Growing => TransferId(n),
            Ids::Ordered => TransferId::ordered(now, 0, &digest),
            Ids::Random => TransferId::from_digest(&digest),
        };
        Transfer::plain(id, account(debit), account(credit), yen)
    };
    Ok((start..).zip(draw(hot)).map(make).collect())
}

fn report(name: &str, mut times: Vec<Duration>) -> Outcome<()> {
    let total: Duration = times.iter().sum();
    let rate = BATCH as f64 * times.len() as f64 / total.as_secs_f64();
    times.sort_unstable();
    let ms = |at: usize| times[at].as_secs_f64() * 1e3;
    let last = times.len() - 1;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{name:16} {rate:>9.0} transfers/s; batch p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms",
        ms(last / 2),
        ms(last * 99 / 100),
        ms(last)
    )?;
    Ok(())
}

/// Where a case has its store, for as long as it runs.
enum Place {
    Folder(tempfile::TempDir),
    Server(Box<Postgres>),
}

impl Place {
    fn new(folder: &Path, case: &str) -> Outcome<Place> {
        if !case.starts_with("postgres") {
            return Ok(Place::Folder(tempfile::tempdir_in(folder)?));
        }
        let server = Postgres::start();
        server.create_database("rates");
        Ok(Place::Server(Box::new(server)))
    }

    fn open(&self) -> Outcome<Arc<dyn Store>> {
        let key = MasterKey::from_bytes([1; 32]);
        Ok(match self {
            Place::Folder(folder) => Arc::new(SqliteStore::open(&folder.path().join("db"), &key)?),
            Place::Server(server) => Arc::new(PostgresStore::open(&server.address("rates"), &key)?),
        })
    }
}

async fn ledger(folder: &Path, name: &str, ids: Ids, hot: bool, batches: u128) -> Outcome<()> {
    let place = Place::new(folder, name)?;
    let store = place.open()?;
    let accounts: Vec<_> =
        (0..ACCOUNTS as u64).map(|n| Account::new(account(n), Currency::JPY)).collect();
    store.run(move |unit| Ok::<_, StoreError>(unit.ledger().create_accounts(&accounts)?)).await?;
    let mut times = Vec::new();
    for n in 0..batches {
        let transfers = batch(1 + n * BATCH, ids, hot)?;
        let begun = Instant::now();
        let results =
            store.run(move |unit| Ok::<_, StoreError>(unit.ledger().apply(&transfers)?)).await?;
        times.push(begun.elapsed());
        if !results.iter().all(|result| result.is_applied()) {
            return Err("a transfer failed".into());
        }
    }
    if times.len() > 4_000 {
        report(&format!("{name}, first 2M"), times[..2_000].to_vec())?;
        report(&format!("{name}, last 1M"), times[times.len() - 1_000..].to_vec())?;
    }
    report(name, times)
}

/// What the machine does with SQLite when nothing is asked of it but the sums.
fn bare(folder: &Path, batches: u128) -> Outcome<()> {
    let folder = tempfile::tempdir_in(folder)?;
    let mut connection = rusqlite::Connection::open(folder.path().join("db"))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;
         CREATE TABLE accounts (id INTEGER PRIMARY KEY, debits INTEGER, credits INTEGER);
         CREATE TABLE transfers (id INTEGER PRIMARY KEY, debit INTEGER, credit INTEGER,
             amount INTEGER);",
    )?;
    for id in 0..ACCOUNTS as i64 {
        connection.execute("INSERT INTO accounts VALUES (?1, 0, 1000000000)", [id])?;
    }
    let mut times = Vec::new();
    for n in 0..batches {
        let drawn = draw(false);
        let begun = Instant::now();
        let transaction = connection.transaction()?;
        {
            let debit = "UPDATE accounts SET debits = debits + 1 WHERE id = ?1
                AND debits + 1 <= credits";
            let mut debit = transaction.prepare_cached(debit)?;
            let credit = "UPDATE accounts SET credits = credits + 1 WHERE id = ?1";
            let mut credit = transaction.prepare_cached(credit)?;
            let insert = "INSERT INTO transfers VALUES (?1, ?2, ?3, 1)";
            let mut insert = transaction.prepare_cached(insert)?;
            for (id, (from, to, _)) in ((n * BATCH) as i64..).zip(drawn) {
                debit.execute([from as i64])?;
                credit.execute([to as i64])?;
                insert.execute([id, from as i64, to as i64])?;
            }
        }
        transaction.commit()?;
        times.push(begun.elapsed());
    }
    report("bare", times)
}

/// What the machine does with PostgreSQL when nothing is asked of it but the sums.
async fn bare_postgres() -> Outcome<()> {
    let server = Postgres::start();
    server.create_database("rates");
    let (client, connection) =
        tokio_postgres::connect(&server.address("rates"), tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    client
        .batch_execute(
            "CREATE TABLE accounts (id BIGINT PRIMARY KEY, debits BIGINT, credits BIGINT)
                 WITH (fillfactor = 50);
             INSERT INTO accounts SELECT n, 0, 1000000000 FROM generate_series(0, 9999) n;
             CREATE TABLE transfers (id BIGINT PRIMARY KEY, debit BIGINT, credit BIGINT,
                 amount BIGINT)",
        )
        .await?;
    let insert = "WITH new AS (SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::bigint[])
            AS new (id, debit, credit)),
        moved AS (INSERT INTO transfers SELECT id, debit, credit, 1 FROM new),
        net AS (SELECT id, sum(d) AS d, sum(c) AS c FROM (
            SELECT debit AS id, 1 AS d, 0 AS c FROM new UNION ALL SELECT credit, 0, 1 FROM new
        ) both_sides GROUP BY id)
        UPDATE accounts SET debits = debits + net.d, credits = credits + net.c
        FROM net WHERE accounts.id = net.id";
    let insert = client.prepare(insert).await?;
    let mut times = Vec::new();
    for n in 0..500 {
        let drawn = draw(false);
        let begun = Instant::now();
        let ids: Vec<i64> = (n * 1000..).take(drawn.len()).collect();
        let from: Vec<i64> = drawn.iter().map(|(from, _, _)| *from as i64).collect();
        let to: Vec<i64> = drawn.iter().map(|(_, to, _)| *to as i64).collect();
        client.execute(&insert, &[&ids, &from, &to]).await?;
        times.push(begun.elapsed());
    }
    report("postgres-bare", times)
}

async fn jobs(folder: &Path, name: &str) -> Outcome<()> {
    let place = Place::new(folder, name)?;
    let store = place.open()?;
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
    writeln!(std::io::stdout(), "{name:16} {rate:>9.0} jobs/s")?;
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, cases) = arguments.split_first().ok_or("usage: rates FOLDER [CASE…]")?;
    let folder = Path::new(folder);
    let standard = ["bare", "growing", "hot", "ordered", "random", "jobs"].map(String::from);
    for case in if cases.is_empty() { &standard } else { cases } {
        match case.as_str() {
            "bare" => bare(folder, 1_000)?,
            "growing" => ledger(folder, case, Ids::Growing, false, 2_000).await?,
            "hot" => ledger(folder, case, Ids::Growing, true, 2_000).await?,
            "ordered" => ledger(folder, case, Ids::Ordered, false, 1_000).await?,
            "random" => ledger(folder, case, Ids::Random, false, 500).await?,
            "tall" => ledger(folder, case, Ids::Growing, false, 10_000).await?,
            "jobs" | "postgres-jobs" => jobs(folder, case).await?,
            "postgres" => ledger(folder, case, Ids::Growing, false, 500).await?,
            "postgres-hot" => ledger(folder, case, Ids::Growing, true, 500).await?,
            "postgres-bare" => bare_postgres().await?,
            _ => return Err(format!("unknown case {case}").into()),
        }
    }
    Ok(())
}
