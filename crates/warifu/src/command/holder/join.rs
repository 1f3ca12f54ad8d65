//! `warifu holder join`: becoming a member of a settlement center (rows B2, B4, B6).

use super::prepaid;
use crate::{
    Failure,
    command::terminal::{
        joining::{Applying, ReadGuide, Registering, send, show},
        place::{At, Terminal},
    },
    output::say,
};
use clap::{Args, Subcommand};
use warifu_holder::joining::{self, Joiner};
use warifu_protocol::{
    joining::MemberKind,
    telegram::{Person, Profile},
};

/// How a person becomes a member.
#[derive(Debug, Subcommand)]
pub enum JoinCommand {
    /// Print the center's guide: its fingerprint and the terms.
    Guide(ReadGuide),
    /// Apply for membership. The center answers with a letter.
    Apply(Apply),
    /// Register with the letter: makes the terminal's keys and sends the registration. Cards that
    /// the member has at the center already come with it.
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
            JoinCommand::Guide(guide) => guide.run(MemberKind::Member).await,
            JoinCommand::Apply(Apply { applying, who }) => {
                applying.run(Profile::Member(who.person())).await
            }
            JoinCommand::Register(register) => register.run().await,
            JoinCommand::Send { at } => finish(&at.open()?).await,
            JoinCommand::Show { at } => show(&at).await,
        }
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
    fn person(&self) -> Person {
        Person { name: self.name.clone(), address: self.address.clone(), born: self.born.clone() }
    }
}

/// Apply for membership.
#[derive(Debug, Args)]
pub struct Apply {
    #[command(flatten)]
    applying: Applying,
    #[command(flatten)]
    who: Who,
}

/// Register with the letter.
#[derive(Debug, Args)]
pub struct Register {
    #[command(flatten)]
    registering: Registering,
    #[command(flatten)]
    who: Who,
    /// Your telephone number, as your card's issuer knows it.
    #[arg(long, default_value = "")]
    telephone: String,
}

impl Register {
    async fn run(self) -> Result<(), Failure> {
        let Register { registering, who, telephone } = self;
        let terminal = registering.prepare(Joiner::Member(who.person())).await?;
        let fax = String::new();
        let own = warifu_holder::Profile { name: who.name, address: who.address, telephone, fax };
        joining::keep_profile(&terminal.store, own).await?;
        if registering.later {
            say("the registration waits: `warifu holder join send`");
            return Ok(());
        }
        finish(&terminal).await
    }
}

/// Sends the registration, and takes in the cards that there are.
async fn finish(terminal: &Terminal) -> Result<(), Failure> {
    send(terminal).await?;
    let holder = terminal.holder().await?;
    prepaid::fetch(&holder).await
}
