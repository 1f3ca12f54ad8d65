//! Where a terminal keeps its things: a folder with a key file, or a vault under passwords.

use crate::{
    Failure,
    passwords::{PasswordArgs, PasswordSource},
    setup::{self, KeySettings, now, party_over, random},
};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use warifu_holder::{
    CenterLine, Holder, HolderError, Membership, VaultStore, Writer,
    joining::{self, CheckedGuide},
};
use warifu_ports::{Collection, Store};
use warifu_protocol::{credential::Credential, terminal::KeyPolicy};
use warifu_store::OsEntropy;
use warifu_types::Identifier;
use warifu_vault::{Mode, Vault, VaultA, VaultAB};
use warifu_wire::{TelegramSession, identity};

/// Where a terminal that was enrolled with files keeps how it reaches the center.
pub const SETTINGS: Collection<HolderSettings> = Collection::new("settings");

/// How the center is reached.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolderSettings {
    pub center: Identifier,
    pub center_url: String,
    pub keys: KeyPolicy,
}

/// Where the terminal keeps its things.
#[derive(Debug, Clone, Args)]
pub struct At {
    /// The folder of the terminal's database.
    #[arg(long, value_name = "DIR", required_unless_present = "vault", conflicts_with = "vault")]
    data: Option<PathBuf>,
    /// The key file; beside the database unless named.
    #[arg(long, value_name = "FILE", conflicts_with = "vault")]
    key_file: Option<PathBuf>,
    /// The terminal's vault, one file under passwords, instead of a folder with a key file.
    #[arg(long, value_name = "FILE")]
    vault: Option<PathBuf>,
    #[command(flatten)]
    passwords: PasswordArgs,
    /// Go on with a vault that is an older state than this machine knows of: a backup.
    #[arg(long, requires = "vault")]
    accept_restored: bool,
}

/// One of the two places.
pub enum Place {
    /// A folder with a key file.
    Folder(setup::Place),
    /// A vault.
    Vault(Vault),
}

/// An opened terminal.
pub struct Terminal {
    pub store: Arc<dyn Store>,
}

impl At {
    /// Which place is meant.
    pub fn place(&self) -> Result<Place, Failure> {
        match (&self.vault, &self.data) {
            (Some(vault), _) => Ok(Place::Vault(Vault::at(vault))),
            (None, Some(data)) => {
                Ok(Place::Folder(setup::Place::new(data, self.key_file.as_deref())))
            }
            (None, None) => Err(Failure::input("data", "name a folder, or a vault")),
        }
    }

    /// The folder, for what only a key-file terminal does.
    pub fn folder(&self) -> Result<setup::Place, Failure> {
        match self.place()? {
            Place::Folder(folder) => Ok(folder),
            Place::Vault(_) => {
                Err(Failure::input("vault", "is not for this: use `warifu holder join`"))
            }
        }
    }

    /// The vault, for what only a vault has.
    pub fn vault(&self) -> Result<Vault, Failure> {
        match self.place()? {
            Place::Vault(vault) => Ok(vault),
            Place::Folder(_) => Err(Failure::input("data", "has no passwords: name a vault")),
        }
    }

    /// The source of passwords.
    pub fn passwords(&self) -> Result<PasswordSource, Failure> {
        self.passwords.open()
    }

    /// Opens the terminal with everything that it needs to sign.
    pub fn open(&self) -> Result<Terminal, Failure> {
        let store: Arc<dyn Store> = match self.place()? {
            Place::Folder(folder) => folder.open()?.port(),
            Place::Vault(vault) => self.store_of(open_ab(&vault, &mut self.passwords()?)?)?,
        };
        Ok(Terminal { store })
    }

    /// The store over an opened vault, once the person knows if it is an older one.
    pub fn store_of(&self, vault: VaultAB) -> Result<Arc<VaultStore>, Failure> {
        let entropy = Arc::new(OsEntropy);
        let opened = match vault.a().restored() {
            None => VaultStore::open(vault, entropy),
            Some(_) if self.accept_restored => VaultStore::open_restored(vault, entropy, now()),
            Some(restored) => {
                let newest = restored.newest.map_or_else(String::new, |newest| {
                    format!(
                        " (this machine knows state {newest}, the file is {})",
                        restored.generation
                    )
                });
                return Err(Failure::input(
                    "vault",
                    format!(
                        "is a backup or came from elsewhere{newest}: telegrams that wait in it may \
                         have been sent, cards and history may be missing; --accept-restored goes on"
                    ),
                ));
            }
        };
        Ok(opened?)
    }

    /// The buyer's terminal.
    pub async fn holder(&self) -> Result<Arc<Holder>, Failure> {
        self.open()?.holder().await
    }

    /// Whether there is something in the place already.
    pub fn exists(&self) -> Result<bool, Failure> {
        Ok(match self.place()? {
            Place::Folder(folder) => folder.exists(),
            Place::Vault(vault) => vault.path().exists(),
        })
    }
}

/// Opens layer A of a vault.
pub fn open_a(vault: &Vault, passwords: &mut PasswordSource) -> Result<VaultA, Failure> {
    let a = passwords.ask("password A")?;
    Ok(vault.open_a(&a, now()).map_err(HolderError::from)?)
}

/// Opens both layers of a vault; with one password, A alone does.
pub fn open_ab(vault: &Vault, passwords: &mut PasswordSource) -> Result<VaultAB, Failure> {
    let header = vault.header().map_err(HolderError::from)?;
    let a = passwords.ask("password A")?;
    let opened = match header.mode {
        Mode::OnePassword => vault.open_a(&a, now()).and_then(|opened| opened.open_one()),
        Mode::TwoPasswords => vault.open_ab(&a, &passwords.ask("password B")?, now()),
    };
    Ok(opened.map_err(HolderError::from)?)
}

impl Terminal {
    /// The membership, if the terminal is registered at a center.
    pub async fn membership(&self) -> Result<Option<Membership>, Failure> {
        let standing = joining::standing(&self.store).await?;
        Ok(standing.map(|(membership, _)| membership).filter(|known| known.registered.is_some()))
    }

    /// The buyer's terminal: a member's, or one that was enrolled with files.
    pub async fn holder(&self) -> Result<Arc<Holder>, Failure> {
        let membership = self.membership().await?;
        let settings = self.store.run(|unit| SETTINGS.get(unit, "own")).await?;
        let (center, policy) = match (settings, &membership) {
            (Some(known), _) => ((known.center, known.center_url), known.keys),
            (None, Some(known)) => {
                ((known.center.clone(), known.center_url.clone()), KeyPolicy::default())
            }
            (None, None) => {
                let text = "run `warifu holder init` or `warifu holder join` first";
                return Err(Failure::input("data", text));
            }
        };
        let keys = KeySettings { center: Some(center), policy, ..KeySettings::default() };
        let holder = Holder::new(party_over(self.store.clone(), &keys).await?, self.store.clone());
        if let Some(membership) = membership {
            holder.join(self.writer(&membership).await?);
        }
        Ok(holder)
    }

    /// Who writes telegrams for a member.
    pub async fn writer(&self, membership: &Membership) -> Result<Writer, Failure> {
        let key = self.store.run(identity::signing_key).await?;
        let center = self.center(membership).await?;
        let network = membership.anchors.network.as_str();
        let line = CenterLine::new(network, center.clone(), Arc::new(OsEntropy));
        Ok(Writer {
            member: membership.identifier.clone(),
            signer: Arc::new(key),
            center,
            line: Arc::new(line),
        })
    }

    /// The center's credential as it was pinned; a new one from the center itself, signed by what was
    /// pinned, once the kept one has expired.
    async fn center(&self, membership: &Membership) -> Result<Arc<Credential>, Failure> {
        let expired = match joining::center_of(membership, now()) {
            Ok(center) => return Ok(center),
            Err(error) => error,
        };
        let Ok(guide) = TelegramSession::guide(&membership.center_url).await else {
            return Err(expired.into());
        };
        let credential = guide.credential.clone();
        let guide = CheckedGuide::new(guide, now())?;
        guide.compare(&warifu_protocol::enrolment::fingerprint(&membership.anchors))?;
        joining::renew_center(&self.store, credential).await?;
        Ok(guide.center().clone())
    }
}

/// Refuses to overwrite.
pub fn must_be_new(path: &Path, field: &str) -> Result<(), Failure> {
    if path.exists() {
        return Err(Failure::input(field, format!("{} exists already", path.display())));
    }
    Ok(())
}

/// 32 random bytes for a new key.
pub fn machine_bytes() -> zeroize::Zeroizing<[u8; 32]> {
    use warifu_ports::Entropy;
    zeroize::Zeroizing::new(OsEntropy.bytes32())
}

/// Time and entropy for an act.
pub fn fresh() -> joining::Fresh {
    joining::Fresh { now: now(), random: random(), jti: warifu_types::Nonce(*machine_bytes()) }
}
