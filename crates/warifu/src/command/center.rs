//! `warifu center`: set-up and enrolment, by the operator at the machine.

use crate::{
    Failure,
    output::{note, say},
    setup::{
        KeySettings, Opened, Place, check_fingerprint, describe, now, random, read_enrolment,
        read_text, write_text,
    },
};
use clap::{Args, Subcommand};
use std::{path::PathBuf, sync::Arc};
use warifu_center::{Center, CenterWish, Kind, add_center, advance, join, revoke};
use warifu_keydist::Thresholds;
use warifu_protocol::{enrolment::fingerprint, trust::PinnedCenter};
use warifu_types::Identifier;

/// The center's commands.
#[derive(Debug, Subcommand)]
pub enum CenterCommand {
    /// Set a center up: its seed, its keys, its network.
    Init {
        #[command(flatten)]
        at: At,
        /// The network's name, such as `town.example`.
        #[arg(long)]
        network: String,
        /// The center's identifier, such as `domain:center.town.example`.
        #[arg(long)]
        identifier: Identifier,
        /// Where it will answer.
        #[arg(long)]
        url: String,
        /// Coefficients on the holders' side: one more than the pooled shares that learn nothing.
        #[arg(long, default_value_t = 16_385)]
        holder_threshold: usize,
        /// Coefficients on the services' side.
        #[arg(long, default_value_t = 256)]
        service_threshold: usize,
    },
    /// Add another center, whose share becomes part of every key. At the network's first center,
    /// before anyone is enrolled. Prints the fingerprint, which is another one now.
    AddCenter {
        #[command(flatten)]
        at: At,
        /// The other center, as its `center show` printed it.
        #[arg(long, value_name = "FILE")]
        pinned: PathBuf,
    },
    /// Write this center's request to the network's first center, whose operator admits it.
    Request {
        #[command(flatten)]
        at: At,
        /// Where to write the request.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Join this center to a network, with the answer of the network's first center.
    Join {
        #[command(flatten)]
        at: At,
        /// The first center's answer.
        #[arg(long, value_name = "FILE")]
        enrolment: PathBuf,
        /// The network's fingerprint, as the first center's operator told it.
        #[arg(long)]
        fingerprint: String,
        /// Where the first center answers.
        #[arg(long, value_name = "URL")]
        first_url: String,
    },
    /// Begin a new epoch: new matrices, and so new shares for everyone, who renew by themselves or
    /// on command. Orders under the epoch before are accepted during the grace time.
    Advance {
        #[command(flatten)]
        at: At,
        /// The grace time, such as `90s`, `15m`, `24h`, `7d`; `0s` ends the epoch before at once.
        #[arg(long, default_value = "7d", value_parser = duration)]
        grace: u64,
    },
    /// Ask the network's centers for what is new for this center itself. A running center does it
    /// by itself, too.
    Renew {
        #[command(flatten)]
        at: At,
    },
    /// Revoke a party: it gets no more shares and no more credentials. By its number, a member
    /// whose terminal is lost: the key no longer verifies, cards and balance stay, and a new letter
    /// registers a new key.
    Revoke {
        #[command(flatten)]
        at: At,
        /// The member or store.
        #[arg(required_unless_present = "identifier", conflicts_with = "identifier")]
        number: Option<String>,
        /// The party.
        #[arg(long)]
        identifier: Option<Identifier>,
    },
    /// Members, letters, money that came in.
    #[command(flatten)]
    Members(super::members::MembersCommand),
    /// Admit a service.
    Admit(Enrol),
    /// Issue keys to a holder.
    Issue(Enrol),
    /// Print the center's identifier, key and epoch as JSON, and its fingerprint.
    Show {
        #[command(flatten)]
        at: At,
    },
}

/// Where the center keeps its things.
#[derive(Debug, Args)]
pub struct At {
    /// The folder of the center's database.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The key file; beside the database unless named. Keep it on another disk.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// A request, and where the answer goes.
#[derive(Debug, Args)]
pub struct Enrol {
    #[command(flatten)]
    at: At,
    /// The request, as `warifu party request` or `warifu holder init` wrote it.
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
    /// Where to write the answer. It is encrypted to the key in the request.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl At {
    fn place(&self) -> Place {
        Place::new(&self.data, self.key_file.as_deref())
    }

    /// The center, for its operator's commands.
    pub(super) async fn center(&self) -> Result<Arc<Center>, Failure> {
        center(&self.place().open()?).await
    }
}

async fn center(opened: &Opened) -> Result<Arc<Center>, Failure> {
    let party = opened.party(&KeySettings::default()).await?;
    Ok(Center::new(party, opened.port(), false).await?)
}

/// Seconds, from a number and one of the letters s, m, h, d.
fn duration(text: &str) -> Result<u64, String> {
    let bad = || "a number with s, m, h or d, such as 24h".to_string();
    let letter = text.chars().next_back().ok_or_else(bad)?;
    let unit = match letter {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(bad()),
    };
    let number: u64 = text.strip_suffix(letter).ok_or_else(bad)?.parse().map_err(|_| bad())?;
    number.checked_mul(unit).filter(|seconds| *seconds <= 366 * 86_400).ok_or_else(bad)
}

impl CenterCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            CenterCommand::Init {
                at,
                network,
                identifier,
                url,
                holder_threshold,
                service_threshold,
            } => {
                let thresholds = Thresholds::new(holder_threshold, service_threshold)
                    .map_err(|error| Failure::input("threshold", error.to_string()))?;
                init(&at, CenterWish { network, identifier, url, thresholds }).await
            }
            CenterCommand::AddCenter { at, pinned } => {
                let pinned: PinnedCenter = serde_json::from_str(&read_text(&pinned)?)
                    .map_err(|error| Failure::input("pinned", error.to_string()))?;
                let port = at.place().open()?.port();
                let anchors = port.run(move |unit| add_center(unit, pinned, now())).await?;
                say(&format!("fingerprint  {}", fingerprint(&anchors)));
                Ok(())
            }
            CenterCommand::Request { at, out } => {
                let port = at.place().open()?.port();
                let mut generator = random();
                let make = move |unit: &mut dyn warifu_ports::Unit| {
                    warifu_center::request(unit, now(), &mut generator)
                };
                write_text(&out, &port.run(make).await?)?;
                note("Take the request to the first center's operator: `warifu center admit`.");
                Ok(())
            }
            CenterCommand::Join { at, enrolment, fingerprint, first_url } => {
                let answer = read_enrolment(&enrolment)?;
                check_fingerprint(&answer, &fingerprint)?;
                let port = at.place().open()?.port();
                Ok(port.run(move |unit| join(unit, &answer, &first_url, now())).await?)
            }
            CenterCommand::Advance { at, grace } => begin_epoch(&at.place().open()?, grace).await,
            CenterCommand::Renew { at } => {
                let center = at.center().await?;
                say(&describe(&center.party().renew().await?));
                Ok(())
            }
            CenterCommand::Revoke { at, number, identifier } => {
                if let Some(number) = number {
                    return Ok(at.center().await?.settlement().revoke_key(&number).await?);
                }
                let missing = || Failure::input("identifier", "name a number or an identifier");
                let identifier = identifier.ok_or_else(missing)?;
                let port = at.place().open()?.port();
                Ok(port.run(move |unit| revoke(unit, &identifier)).await?)
            }
            CenterCommand::Members(command) => command.run().await,
            CenterCommand::Admit(enrol) => enrol.run(Kind::Admit).await,
            CenterCommand::Issue(enrol) => enrol.run(Kind::Issue).await,
            CenterCommand::Show { at } => show(&at.place().open()?).await,
        }
    }
}

async fn init(at: &At, wish: CenterWish) -> Result<(), Failure> {
    let opened = at.place().create()?;
    let seed = new_seed()?;
    let mut generator = random();
    let anchors = opened
        .port()
        .run(move |unit| warifu_center::init(unit, &wish, *seed, now(), &mut generator))
        .await?;
    say(&format!("network      {}", anchors.network));
    say(&format!("fingerprint  {}", fingerprint(&anchors)));
    note("Give every party the fingerprint by another way than the network.");
    Ok(())
}

async fn begin_epoch(opened: &Opened, grace: u64) -> Result<(), Failure> {
    let seed = new_seed()?;
    let begin = move |unit: &mut dyn warifu_ports::Unit| advance(unit, *seed, grace, now());
    let (epoch, grace_until) = opened.port().run(begin).await?;
    say(&format!("epoch        {epoch}"));
    say(&format!("grace until  {} (seconds since 1970)", grace_until.0));
    // The epoch has begun either way; what the center itself lacks, it gets later, too.
    if let Err(error) = center(opened).await?.party().renew().await {
        note(&format!("the center's own keys are not renewed yet: {error}; `warifu center renew`"));
    }
    Ok(())
}

/// 32 random bytes for the matrices of an epoch.
fn new_seed() -> Result<zeroize::Zeroizing<[u8; 32]>, Failure> {
    let mut seed = zeroize::Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut())
        .map_err(|_| Failure::input("entropy", "the machine gives none"))?;
    Ok(seed)
}

async fn show(opened: &Opened) -> Result<(), Failure> {
    let party = opened.party(&KeySettings::default()).await?;
    let anchors = party.terminal().trust.anchors().clone();
    for center in &anchors.centers {
        say(&serde_json::to_string(center)?);
    }
    note(&format!("fingerprint: {}", fingerprint(&anchors)));
    Ok(())
}

impl Enrol {
    async fn run(self, kind: Kind) -> Result<(), Failure> {
        let request = read_text(&self.request)?;
        let answer = self.at.center().await?.enrol(request.trim().to_string(), kind).await?;
        write_text(&self.out, &serde_json::to_string(&answer)?)?;
        say(&format!("fingerprint  {}", fingerprint(&answer.anchors)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations() {
        assert_eq!(duration("90s"), Ok(90));
        assert_eq!(duration("15m"), Ok(900));
        assert_eq!(duration("24h"), Ok(86_400));
        assert_eq!(duration("7d"), Ok(604_800));
        assert_eq!(duration("0s"), Ok(0));
        for bad in
            ["", "s", "7", "-1s", "1.5h", "7dd", "7 d", "1000d", "99999999999999999999d", "日"]
        {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
