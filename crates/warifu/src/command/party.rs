//! `warifu party`: a service's enrolment.

use crate::{
    Failure,
    config::{Config, service_role, suites},
    output::{note, say},
    setup::{describe, read_enrolment, read_key, write_text},
};
use clap::Subcommand;
use std::path::PathBuf;
use warifu_protocol::enrolment::fingerprint;
use warifu_types::{Identifier, Role};
use warifu_wire::identity::Wish;

/// A service's enrolment.
#[derive(Debug, Subcommand)]
pub enum PartyCommand {
    /// Make the party's keys and write its request to the center.
    Request {
        /// The party's configuration.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The role.
        #[arg(long, value_parser = service_role)]
        role: Role,
        /// Where to write the request.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Accept the center's answer.
    Accept {
        /// The party's configuration.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The center's answer.
        #[arg(long, value_name = "FILE")]
        enrolment: PathBuf,
        /// The center's fingerprint, as the operator told it.
        #[arg(long)]
        fingerprint: String,
    },
    /// Ask every center of the network for what is new: shares of a new epoch, shares of a further
    /// center, a credential that comes to its end. A running service does it by itself, too.
    Renew {
        /// The party's configuration.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Keep a key that was agreed beforehand with a party, in networks that work so.
    Agree {
        /// The party's configuration.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The other party.
        #[arg(long)]
        peer: Identifier,
        /// The file with the key, 32 random bytes in base64url; `-` for standard input.
        #[arg(long, value_name = "FILE", default_value = "-")]
        key_from: PathBuf,
    },
}

impl PartyCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            PartyCommand::Request { config, role, out } => {
                let config = Config::read(&config)?;
                let wish = Wish {
                    sub: config.identifier.clone(),
                    // A broker orders as a holder does.
                    roles: if role == Role::Broker { vec![Role::Holder, role] } else { vec![role] },
                    suites: suites(config.minimum_suite),
                    url: (role != Role::Broker).then(|| config.public_url()),
                };
                let request = config.place().create()?.request(&wish).await?;
                write_text(&out, &request)?;
                note("Take the request to the center's operator: `warifu center admit`.");
                Ok(())
            }
            PartyCommand::Agree { config, peer, key_from } => {
                let key = read_key(&key_from)?;
                Config::read(&config)?.place().open()?.agree(&peer, key).await
            }
            PartyCommand::Accept { config, enrolment, fingerprint: expected } => {
                let config = Config::read(&config)?;
                let answer = read_enrolment(&enrolment)?;
                config.place().open()?.accept(&answer, Some(&expected)).await?;
                say(&format!(
                    "{} is enrolled in {} ({})",
                    config.identifier,
                    answer.anchors.network,
                    fingerprint(&answer.anchors)
                ));
                Ok(())
            }
            PartyCommand::Renew { config } => {
                let config = Config::read(&config)?;
                let party = config.place().open()?.party(&config.key_settings()).await?;
                say(&describe(&party.renew().await?));
                Ok(())
            }
        }
    }
}
