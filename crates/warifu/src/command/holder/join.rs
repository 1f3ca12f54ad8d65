//! `warifu holder join`: becoming a member of a settlement center (rows B2, B4, B6).

use super::{
    cards,
    place::{At, Place, Terminal, fresh, machine_bytes, open_a},
};
use crate::{
    Failure,
    output::{json, note, say},
    passwords::prompt,
    setup::{now, random, read_secret_line, read_text, write_text},
};
use clap::{Args, Subcommand};
use serde::Deserialize;
use std::{io::BufRead, path::PathBuf, sync::Arc};
use warifu_holder::{
    CenterLine, HolderError, VaultStore,
    joining::{self, CheckedGuide, Fresh, Letter},
};
use warifu_protocol::{
    SeedableRng,
    joining::{Application, Guide, MemberKind, Message, Reply},
    telegram::{Person, Profile},
};
use warifu_store::OsEntropy;
use warifu_types::Digest;
use warifu_vault::{Cost, Entered, Point, signature_key};
use warifu_wire::{Random, TelegramSession};
use zeroize::Zeroizing;

/// How a person becomes a member.
#[derive(Debug, Subcommand)]
pub enum JoinCommand {
    /// Print the center's guide: its fingerprint and the terms.
    Guide(ReadGuide),
    /// Apply for membership. The center answers with a letter.
    Apply(Apply),
    /// Register with the letter: makes the terminal's keys and sends the registration.
    Register(Box<Register>),
    /// Send a registration that waits.
    Send {
        #[command(flatten)]
        at: At,
    },
    /// Show as what the terminal is registered. Needs password A only.
    Show {
        #[command(flatten)]
        at: At,
    },
}

impl JoinCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            JoinCommand::Guide(guide) => guide.run().await,
            JoinCommand::Apply(apply) => apply.run().await,
            JoinCommand::Register(register) => register.run().await,
            JoinCommand::Send { at } => send(&at.open()?).await,
            JoinCommand::Show { at } => show(&at).await,
        }
    }
}

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
    async fn read(&self) -> Result<Guide, Failure> {
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
    async fn run(self) -> Result<(), Failure> {
        let guide = self.from.read().await?;
        if let Some(out) = &self.out {
            write_text(out, &serde_json::to_string(&guide)?)?;
        }
        let guide = CheckedGuide::new(guide, now())?;
        let (terms, hash) = guide.terms(MemberKind::Member);
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

/// Who joins.
#[derive(Debug, Args)]
pub struct Who {
    /// Your name.
    #[arg(long)]
    name: String,
    /// Your postal address.
    #[arg(long)]
    address: String,
    /// Your date of birth, YYYY-MM-DD.
    #[arg(long)]
    born: String,
}

impl Who {
    fn profile(&self) -> Profile {
        Profile::Member(Person {
            name: self.name.clone(),
            address: self.address.clone(),
            born: self.born.clone(),
        })
    }
}

/// Apply for membership.
#[derive(Debug, Args)]
pub struct Apply {
    #[command(flatten)]
    from: GuideFrom,
    #[command(flatten)]
    who: Who,
    /// The letter's language: en or ja.
    #[arg(long, default_value = "en")]
    language: String,
    /// The center's fingerprint, if you know it already.
    #[arg(long)]
    fingerprint: Option<String>,
}

impl Apply {
    async fn run(self) -> Result<(), Failure> {
        let guide = CheckedGuide::new(self.from.read().await?, now())?;
        if let Some(typed) = &self.fingerprint {
            guide.compare(typed)?;
        }
        let profile = self.who.profile();
        profile.check()?;
        let session = TelegramSession::open(guide.network(), guide.center(), &mut random()).await?;
        let kind = profile.kind();
        let Reply::Form { application, .. } = session.say(&Message::Join { kind }).await? else {
            return Err(Failure::input("center", "gave no application form"));
        };
        let application = Application { application, profile, language: self.language };
        application.check()?;
        let Reply::Applied { application } =
            session.say(&Message::Apply(Box::new(application))).await?
        else {
            return Err(Failure::input("center", "did not take the application"));
        };
        say(&format!("application  {application}"));
        note("A letter with number, code, terms and fingerprint follows.");
        Ok(())
    }
}

/// Register with the letter.
#[derive(Debug, Args)]
pub struct Register {
    #[command(flatten)]
    at: At,
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
    who: Who,
    /// Your telephone number, as your card's issuer knows it.
    #[arg(long, default_value = "")]
    telephone: String,
    #[command(flatten)]
    seed: Seed,
    /// One password opens everything.
    #[arg(long, requires = "vault")]
    one_password: bool,
    /// Only prepare the registration; `join send` sends it.
    #[arg(long)]
    later: bool,
}

/// What the signature key is made from, beside the machine's randomness.
#[derive(Debug, Args)]
pub struct Seed {
    /// The file with a text of yours, `-` for standard input.
    #[arg(long, value_name = "FILE")]
    seed_from: Option<PathBuf>,
    /// Strokes of a pointer: a JSON list of `{"x", "y", "milliseconds"}`.
    #[arg(long, value_name = "FILE", conflicts_with = "seed_from")]
    strokes: Option<PathBuf>,
}

/// A point of a stroke, as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPoint {
    x: i32,
    y: i32,
    milliseconds: u32,
}

impl Seed {
    /// The seed from which the terminal's keys are made.
    fn read(&self) -> Result<Zeroizing<[u8; 32]>, Failure> {
        let machine = machine_bytes();
        let key = match (&self.seed_from, &self.strokes) {
            (Some(file), _) => signature_key(Entered::Text(&read_secret_line(file)?), &machine),
            (None, Some(file)) => {
                let text = Zeroizing::new(read_text(file)?);
                let points: Vec<WrittenPoint> = serde_json::from_str(&text)
                    .map_err(|error| Failure::input("strokes", error.to_string()))?;
                let points: Vec<Point> = points
                    .iter()
                    .map(|p| Point { x: p.x, y: p.y, milliseconds: p.milliseconds })
                    .collect();
                signature_key(Entered::Strokes(&points), &machine)
            }
            (None, None) => signature_key(Entered::Nothing, &machine),
        };
        Ok(key.seed())
    }
}

impl Register {
    async fn run(self) -> Result<(), Failure> {
        let guide = CheckedGuide::new(self.from.read().await?, now())?;
        // Before anything of the person is sent, or even asked for.
        match &self.fingerprint {
            Some(typed) => guide.compare(typed)?,
            None => guide.compare(&line("the letter's fingerprint: ")?)?,
        }
        let terms = self.confirm(&guide)?;
        let profile = self.who.profile();
        profile.check()?;
        let code = match &self.code_from {
            Some(file) => read_secret_line(file)?,
            None => prompt("the letter's one-time code: ")?,
        };
        let seed = self.seed.read()?;
        let terminal = self.make_place(&seed)?;
        let letter = Letter { number: self.number.clone(), code, terms, profile };
        let fresh = Fresh { random: Random::from_seed(*seed), ..fresh() };
        let center = guide.center().clone();
        let line = Arc::new(CenterLine::new(guide.network(), center, Arc::new(OsEntropy)));
        joining::prepare(&terminal.store, &guide, letter, line, fresh).await?;
        let own = warifu_holder::Profile {
            name: self.who.name.clone(),
            address: self.who.address.clone(),
            telephone: self.telephone.clone(),
            fax: String::new(),
        };
        joining::keep_profile(&terminal.store, own).await?;
        if self.later {
            say("the registration waits: `warifu holder join send`");
            return Ok(());
        }
        send(&terminal).await
    }

    /// The terms that the person confirms.
    fn confirm(&self, guide: &CheckedGuide) -> Result<Digest, Failure> {
        let (text, hash) = guide.terms(MemberKind::Member);
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

/// One line from the person at the terminal.
fn line(prompt: &str) -> Result<String, Failure> {
    note(prompt);
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_string())
}

async fn send(terminal: &Terminal) -> Result<(), Failure> {
    let Some((membership, _)) = joining::standing(&terminal.store).await? else {
        return Err(HolderError::NotRegistered.into());
    };
    let center = joining::center_of(&membership, now())?;
    let network = membership.anchors.network.as_str();
    let line = Arc::new(CenterLine::new(network, center, Arc::new(OsEntropy)));
    let membership = joining::register(&terminal.store, line, now()).await?;
    say(&format!("registered   {}", membership.number));
    let holder = terminal.holder().await?;
    cards::fetch(&holder).await
}

async fn show(at: &At) -> Result<(), Failure> {
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
