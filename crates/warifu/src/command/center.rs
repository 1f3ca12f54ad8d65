//! `warifu center`: set-up and enrolment, by the operator at the machine.

use crate::{
    Failure,
    output::{note, say},
    setup::{KeySettings, Opened, Place, now, random, read_text, write_text},
};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use warifu_center::{Center, CenterWish, Kind, add_center};
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
    /// Add another center, whose share becomes part of every key. Before anyone is enrolled.
    AddCenter {
        #[command(flatten)]
        at: At,
        /// The other center, as its `center show` printed it.
        #[arg(long, value_name = "FILE")]
        pinned: PathBuf,
    },
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
                let opened = at.place().open()?;
                opened.port().run(move |unit| add_center(unit, pinned)).await?;
                Ok(())
            }
            CenterCommand::Admit(enrol) => enrol.run(Kind::Admit).await,
            CenterCommand::Issue(enrol) => enrol.run(Kind::Issue).await,
            CenterCommand::Show { at } => show(&at.place().open()?).await,
        }
    }
}

async fn init(at: &At, wish: CenterWish) -> Result<(), Failure> {
    let opened = at.place().create()?;
    let mut seed = zeroize::Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut())
        .map_err(|_| Failure::input("entropy", "the machine gives none"))?;
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
        let opened = self.at.place().open()?;
        let party = opened.party(&KeySettings::default()).await?;
        let center = Center::new(party, opened.port(), false).await?;
        let answer = center.enrol(request.trim().to_string(), kind).await?;
        write_text(&self.out, &serde_json::to_string(&answer)?)?;
        say(&format!("fingerprint  {}", fingerprint(&answer.anchors)));
        Ok(())
    }
}
