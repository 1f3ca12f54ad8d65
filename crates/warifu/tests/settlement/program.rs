//! The program as the other tests run it, but that a party's records may lie in a PostgreSQL
//! database: the address is put into its data folder before its first command, as operators do.

#[path = "../crashes/program.rs"]
#[allow(dead_code, reason = "the tests of crashes use the rest")]
mod plain;

pub use plain::{command, good_json};
use std::{cell::RefCell, collections::BTreeMap, fs, path::Path};

thread_local! {
    /// The database of each party, for the network that this thread sets up.
    static DATABASES: RefCell<BTreeMap<String, String>> = RefCell::default();
}

/// From here on the parties that are set up in this thread keep their records in these databases,
/// each by its party's name; the others in files.
pub fn keep_records_in(databases: BTreeMap<String, String>) {
    DATABASES.set(databases);
}

/// What it prints where it must go well.
#[track_caller]
pub fn good(folder: &Path, arguments: &[&str]) -> String {
    let database = begins(arguments).and_then(|party| {
        let address = DATABASES.with_borrow(|all| all.get(party).cloned())?;
        Some((folder.join(party), address))
    });
    if let Some((data, address)) = database {
        fs::create_dir_all(&data).unwrap();
        fs::write(data.join("postgres.url"), address).unwrap();
    }
    plain::good(folder, arguments)
}

/// The party whose first command this is.
fn begins<'a>(arguments: &[&'a str]) -> Option<&'a str> {
    match arguments {
        ["center", "init", ..] => Some("center"),
        ["party", "request", "--config", config, ..] => config.strip_suffix(".toml"),
        _ => None,
    }
}
