//! Joining a center, as a member or with a store (rows B2 to B4, B6): what is the same for both.

use super::{
    place::{At, Place, Terminal, fresh, open_a},
    seed::Seed,
};
use crate::{
    Failure,
    output::{json, note, say},
    passwords::prompt,
    setup::{now, random, read_secret_line, read_text, write_text},
};
use clap::Args;
use std::{io::BufRead, path::PathBuf, sync::Arc};
use warifu_holder::{
    CenterLine, HolderError, Membership, VaultStore,
    joining::{self, CheckedGuide, Fresh, Joiner, Letter},
};
use warifu_protocol::{
    ProtocolError, SeedableRng,
    joining::{Guide, MemberKind},
    telegram::Profile,
};
use warifu_store::OsEntropy;
use warifu_types::Digest;
use warifu_vault::Cost;
use warifu_wire::{Random, TelegramSession};

/// Where the guide comes from.
#[derive(Debug, Args)]
pub struct GuideFrom {
    /// Where the center answers.
    #[arg(long, required_unless_present = "guide")]
    center: Option<String>,
    /// A guide from a file, as `join guide --out` wrote it, instead of asking for it.
    #[arg(long, value_name = "FILE", conflicts_with = "center")]
    guide: Option<PathBuf>,
}

impl GuideFrom {
    /// Reads it. Whether it is the right center's, only the fingerprint tells.
    pub async fn read(&self) -> Result<Guide, Failure> {
        match (&self.guide, &self.center) {
            (Some(file), _) => serde_json::from_str(&read_text(file)?)
                .map_err(|error| Failure::input("guide", error.to_string())),
            (None, Some(url)) => Ok(TelegramSession::guide(url).await?),
            (None, None) => Err(Failure::input("center", "name the center's address")),
        }
    }
}

/// Print the center's guide.
#[derive(Debug, Args)]
pub struct ReadGuide {
    #[command(flatten)]
    from: GuideFrom,
    /// Keep the guide in a file, to register offline with it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl ReadGuide {
    /// Runs the command, with the terms for one kind.
    pub async fn run(self, kind: MemberKind) -> Result<(), Failure> {
        let guide = self.from.read().await?;
        if let Some(out) = &self.out {
            write_text(out, &serde_json::to_string(&guide)?)?;
        }
        let guide = CheckedGuide::new(guide, now())?;
        let (terms, hash) = guide.terms(kind);
        if self.json {
            return json(&serde_json::json!({
                "network": guide.network(),
                "center": guide.center().sub,
                "fingerprint": guide.fingerprint(),
                "terms": terms,
                "terms_hash": hash,
            }));
        }
        say(&format!("network      {}", guide.network()));
        say(&format!("center       {}", guide.center().sub));
        say(&format!("fingerprint  {}", guide.fingerprint()));
        say(&format!("terms        {hash}\n\n{terms}"));
        note("Compare the fingerprint with the one in the letter before you register.");
        Ok(())
    }
}

/// To whom an application goes.
#[derive(Debug, Args)]
pub struct Applying {
    #[command(flatten)]
    from: GuideFrom,
    /// The letter's language: en or ja.
    #[arg(long, default_value = "en")]
    language: String,
    /// The center's fingerprint, if you know it already.
    #[arg(long)]
    fingerprint: Option<String>,
}

impl Applying {
    /// Applies.
    pub async fn run(self, profile: Profile) -> Result<(), Failure> {
        let guide = CheckedGuide::new(self.from.read().await?, now())?;
        if let Some(typed) = &self.fingerprint {
            guide.compare(typed)?;
        }
        check(&profile)?;
        let application = joining::apply(&guide, profile, &self.language, &mut random()).await?;
        say(&format!("application  {application}"));
        note("A letter with number, code, terms and fingerprint follows.");
        Ok(())
    }
}

/// What the letter says, and where the terminal's keys are made.
#[derive(Debug, Args)]
pub struct Registering {
    #[command(flatten)]
    pub at: At,
    #[command(flatten)]
    from: GuideFrom,
    /// The number in the letter.
    #[arg(long)]
    number: String,
    /// The file with the letter's one-time code, `-` for standard input; asked for unless named.
    #[arg(long, value_name = "FILE")]
    code_from: Option<PathBuf>,
    /// The letter's fingerprint; asked for unless given.
    #[arg(long)]
    fingerprint: Option<String>,
    /// The hash of the terms that you confirm, as `join guide` prints it; asked for unless given.
    #[arg(long, value_name = "HASH", allow_hyphen_values = true)]
    terms: Option<Digest>,
    #[command(flatten)]
    seed: Seed,
    /// One password opens everything.
    #[arg(long, requires = "vault")]
    one_password: bool,
    /// Only prepare the registration; `join send` sends it.
    #[arg(long)]
    pub later: bool,
}

impl Registering {
    /// Makes the terminal's keys and the registration telegram, which waits then.
    pub async fn prepare(&self, who: Joiner) -> Result<Terminal, Failure> {
        let guide = CheckedGuide::new(self.from.read().await?, now())?;
        // Before anything of the person is sent, or even asked for.
        match &self.fingerprint {
            Some(typed) => guide.compare(typed)?,
            None => guide.compare(&line("the letter's fingerprint: ")?)?,
        }
        let profile = who.profile();
        let terms = self.confirm(guide.terms(profile.kind()))?;
        check(&profile)?;
        let code = match &self.code_from {
            Some(file) => read_secret_line(file)?,
            None => prompt("the letter's one-time code: ")?,
        };
        let seed = self.seed.read()?;
        let terminal = self.make_place(&seed)?;
        let letter = Letter { number: self.number.clone(), code, terms, who };
        let fresh = Fresh { random: Random::from_seed(*seed), ..fresh() };
        let center = guide.center().clone();
        let line = Arc::new(CenterLine::new(guide.network(), center, Arc::new(OsEntropy)));
        joining::prepare(&terminal.store, &guide, letter, line, fresh).await?;
        Ok(terminal)
    }

    /// The terms that the person confirms.
    fn confirm(&self, (text, hash): (&str, Digest)) -> Result<Digest, Failure> {
        let confirmed = match self.terms {
            Some(given) => given == hash,
            None => {
                note(text);
                line("Type yes to accept these terms: ")?.trim() == "yes"
            }
        };
        match confirmed {
            true => Ok(hash),
            false => Err(Failure::input("terms", format!("not confirmed; theirs is {hash}"))),
        }
    }

    /// Makes the vault or the folder; one that is there and not registered yet is opened.
    fn make_place(&self, seed: &[u8; 32]) -> Result<Terminal, Failure> {
        if self.at.exists()? {
            return self.at.open();
        }
        match self.at.place()? {
            Place::Folder(folder) => Ok(Terminal { store: folder.create()?.port() }),
            Place::Vault(vault) => {
                let passwords = self.at.passwords()?.ask_new_all(self.one_password)?;
                let key = joining::first_key(seed);
                let vault = vault.create(&passwords, Cost::current(), key, &mut random());
                let store = self.at.store_of(vault.map_err(HolderError::from)?)?;
                Ok(Terminal { store })
            }
        }
    }
}

/// Refuses what nobody can have as their data, naming it as the command line does.
fn check(profile: &Profile) -> Result<(), Failure> {
    let named =
        |error: ProtocolError| match error.field.strip_prefix("telegram.instruction.profile.") {
            Some(field) => Failure::input(field, "this cannot be: compare it once more"),
            None => error.into(),
        };
    profile.check().map_err(named)
}

/// One line from the person at the terminal.
fn line(prompt: &str) -> Result<String, Failure> {
    note(prompt);
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_string())
}

/// Sends the registration that waits. One that was answered already stands.
pub async fn send(terminal: &Terminal) -> Result<Membership, Failure> {
    let Some((membership, _)) = joining::standing(&terminal.store).await? else {
        return Err(HolderError::NotRegistered.into());
    };
    let center = joining::center_of(&membership, now())?;
    let network = membership.anchors.network.as_str();
    let line = Arc::new(CenterLine::new(network, center, Arc::new(OsEntropy)));
    let membership = joining::register(&terminal.store, line, now()).await?;
    say(&format!("registered   {}", membership.number));
    Ok(membership)
}

/// Shows as what the terminal is registered. Needs password A only.
pub async fn show(at: &At) -> Result<(), Failure> {
    let membership = match at.place()? {
        Place::Vault(vault) => {
            let a = open_a(&vault, &mut at.passwords()?)?;
            VaultStore::membership(a.contents())?
        }
        Place::Folder(_) => {
            let standing = joining::standing(&at.open()?.store).await?;
            standing.map(|(membership, _)| membership)
        }
    };
    let membership = membership.ok_or(HolderError::NotRegistered)?;
    json(&serde_json::json!({
        "number": membership.number,
        "identifier": membership.identifier,
        "center": membership.center,
        "center_url": membership.center_url,
        "registered": membership.registered,
    }))
}
