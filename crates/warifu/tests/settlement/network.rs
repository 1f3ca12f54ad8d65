//! The town's network, and who of it can be killed.

use crate::{
    buyer::Buyer,
    chance::Chance,
    program::{good, good_json, keep_records_in},
    stall::Stall,
    town::{Town, identifier},
};
use serde_json::Value;
use std::{collections::BTreeMap, fs};
use warifu_testkit::Postgres;

/// The services that are killed, in the order in which they come back.
const VICTIMS: [&str; 3] = ["center", "issuer", "merchant"];
/// The second merchant, where there is one.
const STALL: &str = "stall";
/// And what the first two keep their records in.
const DATABASE: &str = "database";
/// The file that both merchants sell.
pub const GUIDE: &str = "Tea is best at 80 degrees.\n";

/// Center, issuer, merchant and carrier, with Hanako registered and her issuer's card entered.
pub struct Network {
    /// The parties. They end before their database does.
    pub town: Town,
    /// Who buys.
    pub buyers: Vec<Buyer>,
    stall: Option<Stall>,
    database: Option<Postgres>,
}

impl Network {
    /// Every party with a file of its own.
    pub fn on_files() -> Network {
        keep_records_in(BTreeMap::new());
        Network::over(None)
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
        Network::over(Some(server))
    }

    fn over(database: Option<Postgres>) -> Network {
        let town = Town::with_member();
        Network { town, buyers: vec![Buyer::hanako()], stall: None, database }
    }

    /// With a file to sell at the merchant.
    pub fn with_guide(self) -> Network {
        let town = &self.town;
        fs::write(town.path("guide.txt"), GUIDE).unwrap();
        let add = ["merchant", "add-file", "--item", "DL-1", "--file", "guide.txt"];
        good(town.folder(), &[&add[..], &["--config", "merchant.toml"]].concat());
        self
    }

    /// With a second member and a second merchant, and a file to sell at both merchants.
    pub fn with_company(self) -> Network {
        let mut network = self.with_guide();
        let town = &network.town;
        let stall = Stall::open(town);
        stall.add_guide();
        network.buyers.push(Buyer::taro(town));
        network.stall = Some(stall);
        network
    }

    /// Every merchant's identifier, and where it answers.
    pub fn shops(&self) -> Vec<(String, String)> {
        let first = (identifier("merchant"), self.town.url("merchant"));
        let second = self.stall.iter().map(|stall| (identifier(STALL), stall.url()));
        [first].into_iter().chain(second).collect()
    }

    /// The orders of each merchant, as its operator lists them.
    pub fn orders_at_shops(&self) -> Vec<Value> {
        let list = ["merchant", "orders", "--config", "merchant.toml"];
        let first = good_json(self.town.folder(), &list);
        [first].into_iter().chain(self.stall.iter().map(Stall::orders)).collect()
    }

    /// Kills every service.
    pub fn kill_all(&mut self) {
        self.town.kill_all();
        self.stall.iter_mut().for_each(Stall::kill);
    }

    /// One or several of those that can be killed.
    pub fn victims(&self, chance: &mut Chance) -> Vec<&'static str> {
        let mut all = VICTIMS.to_vec();
        all.extend(self.stall.as_ref().map(|_| STALL));
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
            match (&mut self.database, &mut self.stall) {
                (Some(database), _) if *victim == DATABASE => database.kill(),
                (_, Some(stall)) if *victim == STALL => stall.kill(),
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
        if let (Some(stall), true) = (&mut self.stall, victims.contains(&STALL)) {
            stall.start();
        }
    }

    /// Changes what a party's database has, behind its back.
    pub fn alter(&self, party: &str, statement: &str) {
        self.database.as_ref().unwrap().sql(party, statement);
    }
}
