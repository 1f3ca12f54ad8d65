//! Opening a party's store and enrolling it: what every role begins with.

use crate::Failure;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use warifu_ports::{Store, StoreError};
use warifu_protocol::{
    enrolment::{Enrolment, fingerprint},
    suite::{Suite, SuiteFloor},
    terminal::KeyPolicy,
};
use warifu_store::{Document, MasterKey, OsEntropy, PostgresStore, SqliteStore, SystemClock};
use warifu_types::Identifier;
use warifu_wire::{
    Party, Random, Renewed,
    identity::{self, Wish},
};

/// A party's store.
#[derive(Clone)]
pub struct Opened {
    /// The store.
    pub store: Database,
}

/// Where a party's records are.
#[derive(Clone)]
pub enum Database {
    /// In a file of its own.
    Sqlite(Arc<SqliteStore>),
    /// In a PostgreSQL database, which several processes of the party use as one.
    Postgres(Arc<PostgresStore>),
}

impl Database {
    /// Every document, decrypted: what the party really keeps.
    pub fn dump(&self) -> Result<Vec<Document>, StoreError> {
        match self {
            Database::Sqlite(store) => store.dump(),
            Database::Postgres(store) => store.dump(),
        }
    }
}

/// Where a party keeps its things.
#[derive(Debug, Clone)]
pub struct Place {
    /// The folder of the database.
    pub data: PathBuf,
    /// The key file that everything in the database is encrypted under.
    pub key_file: PathBuf,
}

impl Place {
    /// A folder, with the key file beside the database unless it is kept elsewhere.
    pub fn new(data: &Path, key_file: Option<&Path>) -> Place {
        Place {
            data: data.to_path_buf(),
            key_file: key_file.map_or_else(|| data.join("warifu.key"), Path::to_path_buf),
        }
    }

    /// Opens the store, and makes folder and key file if they are not there.
    pub fn create(&self) -> Result<Opened, Failure> {
        let file = |path: &Path, error| Failure::File { path: path.to_path_buf(), error };
        std::fs::create_dir_all(&self.data).map_err(|error| file(&self.data, error))?;
        let key = if self.key_file.exists() {
            MasterKey::read(&self.key_file)?
        } else {
            if self.database().exists() {
                return Err(Failure::input(
                    "key_file",
                    format!("{} is missing; its database cannot be read", self.key_file.display()),
                ));
            }
            if let Some(folder) = self.key_file.parent() {
                std::fs::create_dir_all(folder).map_err(|error| file(folder, error))?;
            }
            MasterKey::create(&self.key_file)?
        };
        self.open_with(&key)
    }

    /// Opens a store that must be there.
    pub fn open(&self) -> Result<Opened, Failure> {
        if !self.exists() {
            let path = self.data.display();
            return Err(Failure::input("data", format!("there is nothing of Warifu in {path}")));
        }
        let key = MasterKey::read(&self.key_file)?;
        self.open_with(&key)
    }

    fn open_with(&self, key: &MasterKey) -> Result<Opened, Failure> {
        let address = self.postgres();
        let store = if address.exists() {
            let address = read_text(&address)?;
            Database::Postgres(Arc::new(PostgresStore::open(address.trim(), key)?))
        } else {
            Database::Sqlite(Arc::new(SqliteStore::open(&self.database(), key)?))
        };
        Ok(Opened { store })
    }

    /// Whether there is a store.
    pub fn exists(&self) -> bool {
        self.database().exists() || self.postgres().exists()
    }

    /// A file with the address of the PostgreSQL database that is used instead of a file of our own,
    /// put there by the operator before the first command.
    fn postgres(&self) -> PathBuf {
        self.data.join("postgres.url")
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.data.join("warifu.db")
    }
}

/// A generator seeded from the machine's entropy.
pub fn random() -> Random {
    use warifu_ports::Entropy;
    use warifu_protocol::SeedableRng;
    Random::from_seed(OsEntropy.bytes32())
}

/// Now, by the machine's clock.
pub fn now() -> warifu_types::UnixTime {
    use warifu_ports::Clock;
    SystemClock.now()
}

/// How a party uses its keys.
#[derive(Debug, Clone, Default)]
pub struct KeySettings {
    /// The weakest suite that is used or accepted; none means the default floor.
    pub minimum: Option<Suite>,
    /// How the network's keys come about.
    pub policy: KeyPolicy,
    /// The center.
    pub center: Option<(Identifier, String)>,
}

impl KeySettings {
    fn floor(&self) -> SuiteFloor {
        self.minimum.map_or_else(SuiteFloor::default, SuiteFloor::all)
    }
}

impl Opened {
    /// The store behind its port.
    pub fn port(&self) -> Arc<dyn Store> {
        match &self.store {
            Database::Sqlite(store) => store.clone(),
            Database::Postgres(store) => store.clone(),
        }
    }

    /// Makes the party's keys and its request for enrolment.
    pub async fn request(&self, wish: &Wish) -> Result<String, Failure> {
        let (wish, now, mut random) = (wish.clone(), now(), random());
        let work = move |unit: &mut dyn warifu_ports::Unit| {
            identity::request(unit, &wish, now, &mut random)
        };
        Ok(self.port().run(work).await?)
    }

    /// Accepts the center's answer, once its fingerprint is the expected one.
    pub async fn accept(
        &self,
        enrolment: &Enrolment,
        expected: Option<&str>,
    ) -> Result<(), Failure> {
        if let Some(expected) = expected {
            check_fingerprint(enrolment, expected)?;
        }
        let enrolment = enrolment.clone();
        let work =
            move |unit: &mut dyn warifu_ports::Unit| identity::accept(unit, &enrolment, now());
        Ok(self.port().run(work).await?)
    }

    /// Keeps a key that was agreed beforehand with a peer.
    pub async fn agree(
        &self,
        peer: &Identifier,
        key: zeroize::Zeroizing<[u8; 32]>,
    ) -> Result<(), Failure> {
        let peer = peer.clone();
        Ok(self.port().run(move |unit| identity::agree(unit, &peer, key)).await?)
    }

    /// The party, ready to meet others.
    pub async fn party(&self, keys: &KeySettings) -> Result<Arc<Party>, Failure> {
        party_over(self.port(), keys).await
    }
}

/// The party whose keys a store has, ready to meet others.
pub async fn party_over(store: Arc<dyn Store>, keys: &KeySettings) -> Result<Arc<Party>, Failure> {
    let (floor, policy) = (keys.floor(), keys.policy);
    let terminal = store.run(move |unit| identity::load(unit, floor, policy)).await?;
    let party =
        Party::new(terminal, Arc::new(SystemClock), Arc::new(OsEntropy), keys.center.clone());
    party.keep_in(store);
    Ok(party)
}

/// Refuses a center's answer whose fingerprint is not the one that the operator was told.
pub fn check_fingerprint(enrolment: &Enrolment, expected: &str) -> Result<(), Failure> {
    let shown = fingerprint(&enrolment.anchors);
    let bare = |text: &str| text.replace([' ', ':', '-'], "").to_lowercase();
    if bare(expected) == bare(&shown) {
        return Ok(());
    }
    Err(Failure::input(
        "fingerprint",
        format!("the answer comes from another center, whose fingerprint is {shown}"),
    ))
}

/// Reads a center's answer from a file.
pub fn read_enrolment(path: &Path) -> Result<Enrolment, Failure> {
    serde_json::from_str(&read_text(path)?)
        .map_err(|error| Failure::input("enrolment", error.to_string()))
}

/// What to say after a renewal: the epochs in force, one center a line, and whether anything is new.
pub fn describe(renewed: &Renewed) -> String {
    let line = |of: &warifu_keydist::CenterEpoch| format!("{}  epoch {}", of.center, of.epoch);
    let mut lines: Vec<String> = renewed.epochs.iter().map(line).collect();
    lines.push(if renewed.changed { "renewed" } else { "nothing to renew" }.to_string());
    lines.join("\n")
}

/// Reads a file as text.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::File { path: path.to_path_buf(), error })
}

/// One line of a file, or of standard input: a secret that must not stand on the command line.
pub fn read_secret_line(path: &Path) -> Result<zeroize::Zeroizing<String>, Failure> {
    use std::io::BufRead;
    let mut line = zeroize::Zeroizing::new(String::new());
    if path.as_os_str() == "-" {
        std::io::stdin().lock().read_line(&mut line)?;
    } else {
        let text = zeroize::Zeroizing::new(read_text(path)?);
        line.push_str(text.lines().next().unwrap_or_default());
    }
    Ok(zeroize::Zeroizing::new(line.trim().to_string()))
}

/// A key of 32 bytes, base64url, as [`read_secret_line`] reads it.
pub fn read_key(path: &Path) -> Result<zeroize::Zeroizing<[u8; 32]>, Failure> {
    let line = read_secret_line(path)?;
    let key: warifu_types::Nonce = line
        .parse()
        .map_err(|error: warifu_types::BadBytes| Failure::input("key", error.to_string()))?;
    Ok(zeroize::Zeroizing::new(key.0))
}

/// Writes a file.
pub fn write_text(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| Failure::File { path: path.to_path_buf(), error })
}
