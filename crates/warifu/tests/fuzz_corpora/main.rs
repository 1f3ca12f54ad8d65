//! The corpora of the targets behind the protocol: see `fuzz/src/corpora.rs`, which also says how the
//! seeds are written anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code, also outside of test functions"
)]

#[path = "../../../../fuzz/src/corpora.rs"]
mod corpora;
mod files;
mod said;
#[path = "../../../../fuzz/src/services.rs"]
#[allow(missing_docs, reason = "the functions of the fuzz targets")]
mod services;

use services::TARGETS;

#[test]
fn every_file_of_the_corpora_runs() {
    corpora::run(TARGETS, || {
        said::seeds();
        files::seeds();
    });
}

#[test]
fn every_target_has_a_program() {
    corpora::check_programs("services", TARGETS);
}
