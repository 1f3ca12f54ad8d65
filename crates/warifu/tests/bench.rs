//! `warifu bench search` measures searches that find something, and prints one document. How fast they
//! are is the machine's matter, and no test's.
#![allow(clippy::unwrap_used, reason = "a fault of the harness ends the test")]

#[path = "crashes/program.rs"]
#[allow(dead_code, reason = "the tests of crashes use the rest")]
mod program;

#[test]
fn searches_among_ten_thousand_services_are_measured() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["bench", "search", "--json", "--searches", "40"];
    let report = program::good_json(folder.path(), &arguments);
    assert_eq!((&report["services"], &report["searches"]), (&10_000.into(), &40.into()));
    for run in ["alone", "together"] {
        let of = |name: &str| report[run][name].as_f64().unwrap();
        assert!(of("searches_per_s") > 0.0, "{report}");
        assert!(of("p50_ms") <= of("p99_ms") && of("p99_ms") <= of("max_ms"), "{report}");
    }
}
