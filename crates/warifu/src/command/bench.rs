//! `warifu bench`.

use crate::{
    Failure, bench,
    output::{json, note, say},
};
use clap::Subcommand;

/// What is measured.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Seal an order of four parts and open one, beside HPKE, age and JWE.
    Seal {
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
}

impl BenchCommand {
    /// Measures and prints.
    pub fn run(self) -> Result<(), Failure> {
        let BenchCommand::Seal { json: as_json } = self;
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
}
