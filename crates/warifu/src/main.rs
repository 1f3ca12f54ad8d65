//! The `warifu` program: one binary for every role, the demonstration and the benchmarks.

use clap::Parser;
use std::process::ExitCode;
use warifu::command::Cli;

fn main() -> ExitCode {
    // Wrong usage ends here with exit code 2, help and version with 0.
    let cli = Cli::parse();
    warifu::output::start_logging(cli.is_service());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return warifu::output::fail(&error.into()),
    };
    match runtime.block_on(cli.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => warifu::output::fail(&failure),
    }
}
