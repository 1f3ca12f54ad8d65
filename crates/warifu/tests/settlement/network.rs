//! The town's network, and who of it can be killed.

use crate::{chance::Chance, program::keep_records_in, town::Town};
use std::collections::BTreeMap;
use warifu_testkit::Postgres;

/// The services that are killed, in the order in which they come back.
const VICTIMS: [&str; 3] = ["center", "issuer", "merchant"];
/// And what the first two keep their records in.
const DATABASE: &str = "database";

/// Center, issuer, merchant and carrier, with Hanako registered and her issuer's card entered.
pub struct Network {
    /// The parties. They end before their database does.
    pub town: Town,
    database: Option<Postgres>,
}

impl Network {
    /// Every party with a file of its own.
    pub fn on_files() -> Network {
        keep_records_in(BTreeMap::new());
        Network { town: Town::with_member(), database: None }
    }

    /// Center and issuer with databases of one PostgreSQL server.
    pub fn on_postgres() -> Network {
        let server = Postgres::start();
        let mut databases = BTreeMap::new();
        for party in ["center", "issuer"] {
            server.create_database(party);
            databases.insert(party.to_string(), server.address(party));
        }
        keep_records_in(databases);
        Network { town: Town::with_member(), database: Some(server) }
    }

    /// One or several of those that can be killed.
    pub fn victims(&self, chance: &mut Chance) -> Vec<&'static str> {
        let mut all = VICTIMS.to_vec();
        all.extend(self.database.as_ref().map(|_| DATABASE));
        let which = 1 + chance.below((1 << all.len()) - 1);
        all.into_iter()
            .enumerate()
            .filter(|(bit, _)| which >> bit & 1 == 1)
            .map(|(_, v)| v)
            .collect()
    }

    /// Kills them all, without a warning.
    pub fn kill(&mut self, victims: &[&str]) {
        for victim in victims {
            match &mut self.database {
                Some(database) if *victim == DATABASE => database.kill(),
                _ => self.town.kill(victim),
            }
        }
    }

    /// Starts those that were killed, the database before those who need it.
    pub fn start(&mut self, victims: &[&str]) {
        if let (Some(database), true) = (&mut self.database, victims.contains(&DATABASE)) {
            database.start_again();
        }
        for party in VICTIMS.iter().filter(|party| victims.contains(party)) {
            self.town.start(party);
        }
    }

    /// Changes what a party's database has, behind its back.
    pub fn alter(&self, party: &str, statement: &str) {
        self.database.as_ref().unwrap().sql(party, statement);
    }
}
