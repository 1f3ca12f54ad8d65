//! `warifu bench`.

use crate::{
    Failure, bench,
    output::{json, note, say},
};
use clap::Subcommand;
use std::path::PathBuf;

/// What is measured.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Seal an order of four parts and open one, beside HPKE, age and JWE.
    Seal {
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Transfers per second in batches of 1,000, durable before the next.
    Ledger {
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
        /// Transfers in the long run.
        #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(2_000..))]
        transfers: u64,
        /// Put the databases into this folder, and leave them there.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Measure PostgreSQL too, in this empty database: postgres://user@host/database.
        #[arg(long, value_name = "URL")]
        postgres: Option<String>,
    },
    /// Signed, encrypted payment instructions over HTTP, durable before the answer.
    Payments {
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
        /// Payments at full load; half as many follow at half of it.
        #[arg(long, default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(100..1_000_000))]
        payments: u64,
        /// Put the databases into this folder, and leave them there.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Ten thousand services in English and Japanese, searched through a broker over HTTP, alone and
    /// on eight connections.
    Search {
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
        /// Searches in each run.
        #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(20..1_000_000))]
        searches: u32,
    },
}

impl BenchCommand {
    /// Measures and prints.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            BenchCommand::Seal { json } => seal(json),
            BenchCommand::Ledger { json: as_json, transfers, data, postgres } => {
                let wish = bench::LedgerWish { transfers, data, postgres };
                let report = bench::ledger(&wish, note).await?;
                if as_json { json(&report) } else { print_ledger(&report) }
            }
            BenchCommand::Payments { json: as_json, payments, data } => {
                let wish = bench::PaymentsWish { payments, data };
                let report = bench::payments(&wish, note).await?;
                if as_json { json(&report) } else { print_payments(&report) }
            }
            BenchCommand::Search { json: as_json, searches } => {
                let report = bench::search(searches as usize, note).await?;
                if as_json { json(&report) } else { print_search(&report) }
            }
        }
    }
}

fn seal(as_json: bool) -> Result<(), Failure> {
    let report = bench::seal(|what| note(&format!("measuring: {what} …")))?;
    if as_json {
        return json(&report);
    }
    let value = serde_json::to_value(&report)?;
    say("medians in µs, one core; an order of four parts");
    say(&format!(
        "{:<10}{:>22}{:>12}{:>12}{:>12}",
        "", "keys and encryption", "seal", "open", "open new"
    ));
    for name in ["kps", "kps+hpke", "hpke", "age", "jwe"] {
        let cell = |key: &str| value[name][key].to_string();
        say(&format!(
            "{name:<10}{:>22}{:>12}{:>12}{:>12}",
            cell("keys_and_encryption_us"),
            cell("seal_us"),
            cell("open_us"),
            cell("open_new_us")
        ));
    }
    say(&format!("keys: {}", value["keys"]));
    Ok(())
}

fn print_ledger(report: &bench::LedgerReport) -> Result<(), Failure> {
    let value = serde_json::to_value(report)?;
    say("batches of 1,000 transfers, durable one by one");
    say(&format!(
        "{:<34}{:>16}{:>10}{:>10}{:>10}",
        "", "transfers/s", "p50 ms", "p99 ms", "max ms"
    ));
    for (engine, runs) in value.as_object().into_iter().flatten() {
        for (key, name) in [
            ("batch_1000", "the beginning"),
            ("hot_account", "one hot account"),
            ("at_10m", "the end of the long run"),
        ] {
            let cell = |what: &str| runs[key][what].to_string();
            say(&format!(
                "{:<34}{:>16}{:>10}{:>10}{:>10}",
                format!("{engine}, {name}"),
                cell("transfers_per_s"),
                cell("p50_ms"),
                cell("p99_ms"),
                cell("max_ms")
            ));
        }
    }
    Ok(())
}

fn print_payments(report: &bench::PaymentsReport) -> Result<(), Failure> {
    let value = serde_json::to_value(report)?;
    let cell = |place: &str| value.pointer(place).map(ToString::to_string).unwrap_or_default();
    say(&format!(
        "{} payments/s over {} connections; p50 {} ms, p99 {} ms, max {} ms",
        cell("/payments_per_s"),
        cell("/connections"),
        cell("/p50_ms"),
        cell("/p99_ms"),
        cell("/max_ms")
    ));
    say(&format!(
        "at half of that, {}/s: p50 {} ms, p99 {} ms, max {} ms",
        cell("/at_half_load/payments_per_s"),
        cell("/at_half_load/p50_ms"),
        cell("/at_half_load/p99_ms"),
        cell("/at_half_load/max_ms")
    ));
    say(&format!(
        "this machine, one core: {} verifications/s, {} signatures/s, {} syncs/s; share of the \
         signature limit: {}",
        cell("/limits/verify_per_s"),
        cell("/limits/sign_per_s"),
        cell("/limits/sync_per_s"),
        cell("/share_of_signature_limit")
    ));
    Ok(())
}

fn print_search(report: &bench::SearchReport) -> Result<(), Failure> {
    let value = serde_json::to_value(report)?;
    let cell = |place: &str| value.pointer(place).map(ToString::to_string).unwrap_or_default();
    say(&format!("{} services, {} searches over HTTP", cell("/services"), cell("/searches")));
    for (key, name) in [("alone", "alone"), ("together", "on 8 connections")] {
        say(&format!(
            "{name:<20}{:>8}/s  p50 {} ms, p99 {} ms, max {} ms",
            cell(&format!("/{key}/searches_per_s")),
            cell(&format!("/{key}/p50_ms")),
            cell(&format!("/{key}/p99_ms")),
            cell(&format!("/{key}/max_ms"))
        ));
    }
    Ok(())
}
