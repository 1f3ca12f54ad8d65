//! The program, run as a person runs it, on machines that trust the operators' own authority.

#[path = "../crashes/program.rs"]
#[allow(dead_code, reason = "the tests of crashes use the rest")]
mod plain;

pub use plain::{bad, good, good_json};

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

/// The program with arguments, in a party's folder.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = plain::command(folder, arguments);
    // Whose certificates of mail servers count.
    command.env("SSL_CERT_FILE", folder.with_file_name("line").join("ca.pem"));
    command
}

/// Runs it to its end, with something typed.
pub fn typed(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = command(folder, arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// As [`typed`], where it must go well: what it prints.
#[track_caller]
pub fn good_typed(folder: &Path, arguments: &[&str], input: &str) -> String {
    let output = typed(folder, arguments, input);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}
