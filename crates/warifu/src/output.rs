//! What people and scripts read: text or one JSON document on standard output, everything else on
//! standard error.

use crate::Failure;
use serde::Serialize;
use std::{io::Write, process::ExitCode};

/// Writes lines to standard output. A closed pipe ends nothing: the command's work is done.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Writes progress to standard error.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes one JSON document to standard output.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    say(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// One clear line on standard error, and exit code 1.
pub fn fail(failure: &Failure) -> ExitCode {
    note(&format!("warifu: {failure}"));
    ExitCode::FAILURE
}

/// Logs to standard error: `RUST_LOG` decides what; services log what they refuse.
pub fn start_logging(service: bool) {
    let default = if service { "info" } else { "error" };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    // A second start, in tests, keeps the first.
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
