//! A terminal that is enrolled with files, without a settlement center.

use crate::{
    Failure,
    command::terminal::place::{At, HolderSettings, SETTINGS},
    config::{key_policy, suites},
    output::{note, say},
    setup::{describe, read_enrolment, read_key, write_text},
};
use clap::Args;
use std::path::PathBuf;
use warifu_protocol::terminal::KeyPolicy;
use warifu_types::{Identifier, Role};
use warifu_wire::identity::{self, Wish};

/// Make the terminal's keys and write its request to the center.
#[derive(Debug, Args)]
pub struct Init {
    #[command(flatten)]
    at: At,
    /// Your identifier, such as `mail:hanako@example.jp`. It travels in clear: no address.
    #[arg(long)]
    identifier: Identifier,
    /// The center's identifier.
    #[arg(long)]
    center: Identifier,
    /// Where the center answers.
    #[arg(long)]
    center_url: String,
    /// Where the network's keys come from: predistributed, agreed or handed_out.
    #[arg(long, default_value = "predistributed", value_parser = key_policy)]
    keys: KeyPolicy,
    /// Where to write the request.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Init {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let opened = self.at.folder()?.create()?;
        let Init { center, center_url, keys, .. } = self;
        let settings = HolderSettings { center, center_url, keys };
        opened.port().run(move |unit| SETTINGS.put(unit, "own", &settings)).await?;
        let wish = Wish {
            sub: self.identifier,
            roles: vec![Role::Holder],
            suites: suites(None),
            url: None,
        };
        write_text(&self.out, &opened.request(&wish).await?)?;
        note("Take the request to the center's operator: `warifu center issue`.");
        Ok(())
    }
}

/// Accept the center's answer.
#[derive(Debug, Args)]
pub struct Accept {
    #[command(flatten)]
    at: At,
    /// The center's answer.
    #[arg(long, value_name = "FILE")]
    enrolment: PathBuf,
    /// The center's fingerprint.
    #[arg(long)]
    fingerprint: String,
}

impl Accept {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let answer = read_enrolment(&self.enrolment)?;
        self.at.folder()?.open()?.accept(&answer, Some(&self.fingerprint)).await?;
        if answer.anchors.centers.len() > 1 {
            note("This network has further centers: `warifu holder renew` asks for their shares.");
        }
        Ok(())
    }
}

/// Keep a key that was agreed beforehand with a party, in networks that work so.
#[derive(Debug, Args)]
pub struct Agree {
    #[command(flatten)]
    at: At,
    /// The other party.
    #[arg(long)]
    peer: Identifier,
    /// The file with the key, 32 random bytes in base64url; `-` for standard input.
    #[arg(long, value_name = "FILE", default_value = "-")]
    key_from: PathBuf,
}

impl Agree {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let store = self.at.open()?.store;
        let (peer, key) = (self.peer, read_key(&self.key_from)?);
        Ok(store.run(move |unit| identity::agree(unit, &peer, key)).await?)
    }
}

/// Renews.
pub async fn renew(at: &At) -> Result<(), Failure> {
    let holder = at.holder().await?;
    say(&describe(&holder.party().renew().await?));
    Ok(())
}
