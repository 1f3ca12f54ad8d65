//! What only a vault has: passwords, backups, a signature key that can be changed.

use super::place::{At, Terminal, fresh, must_be_new, open_ab};
use crate::{
    Failure,
    output::{note, say},
    setup::random,
};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use warifu_holder::{HolderError, change_key};
use warifu_vault::{Change, Cost, Existing, Mode, restore};

/// The vault's passwords.
#[derive(Debug, Subcommand)]
pub enum PasswordCommand {
    /// Set new passwords. All current ones are needed.
    Change {
        #[command(flatten)]
        at: At,
        /// Which are to be new; those that there are, unless said.
        #[arg(long)]
        new: Option<New>,
    },
}

/// Which passwords are to be new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum New {
    /// A alone.
    A,
    /// B alone.
    B,
    /// Both: afterwards the vault has two passwords.
    Both,
    /// One: afterwards the vault has one password, which signs.
    One,
}

impl PasswordCommand {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let PasswordCommand::Change { at, new } = self;
        let (vault, mut passwords) = (at.vault()?, at.passwords()?);
        let mut opened = open_ab(&vault, &mut passwords)?;
        let usual = match opened.a().header().mode {
            Mode::OnePassword => New::One,
            Mode::TwoPasswords => New::Both,
        };
        let change = match new.unwrap_or(usual) {
            New::A => Change::A(passwords.ask_new("password A")?),
            New::B => Change::B(passwords.ask_new("password B")?),
            New::Both => Change::All(passwords.ask_new_all(false)?),
            New::One => Change::All(passwords.ask_new_all(true)?),
        };
        let changed = opened.change(&change, Cost::current(), &mut random());
        changed.map_err(HolderError::from)?;
        note("Copies and backups made before still open under the old passwords.");
        Ok(())
    }
}

/// The signature key.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make another signature key and have the center enter it. The old one is worth nothing then.
    Change {
        #[command(flatten)]
        at: At,
    },
}

impl KeyCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let KeyCommand::Change { at } = self;
        change(&at).await.map(drop)
    }
}

/// Changes the signature key; the terminal with the new one.
pub async fn change(at: &At) -> Result<Terminal, Failure> {
    let terminal = at.open()?;
    let membership = terminal.membership().await?.ok_or(HolderError::NotRegistered)?;
    let writer = terminal.writer(&membership).await?;
    change_key(&terminal.store, &writer, &membership, fresh()).await?;
    say("the center verifies with the new key from now on");
    Ok(terminal)
}

/// Write a copy of the vault, under its passwords.
#[derive(Debug, Args)]
pub struct Backup {
    #[command(flatten)]
    at: At,
    /// Where to write it.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Backup {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        must_be_new(&self.out, "out")?;
        let header = self.at.vault()?.backup(&self.out).map_err(HolderError::from)?;
        say(&format!("state {}", header.generation));
        note("Keep it apart from this machine. Its passwords can be guessed at like the vault's.");
        Ok(())
    }
}

/// Put a backup in the vault's place.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup.
    #[arg(value_name = "FILE")]
    backup: PathBuf,
    #[command(flatten)]
    at: At,
    /// Keep the vault that is there under another name beside it.
    #[arg(long)]
    set_aside: bool,
}

impl Restore {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let vault = self.at.vault()?;
        let existing = if self.set_aside { Existing::SetAside } else { Existing::Keep };
        let done = restore(&self.backup, vault.path(), existing).map_err(HolderError::from)?;
        say(&format!("state {}", done.header.generation));
        if let Some(aside) = done.set_aside {
            say(&format!("the other vault lies in {}", aside.display()));
        }
        note("The next command says what may be missing; it goes on with --accept-restored.");
        Ok(())
    }
}
