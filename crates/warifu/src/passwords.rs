//! Passwords of a vault: typed on the terminal without echo, or read from a file descriptor. Never
//! from arguments or the environment, where other programs read them.

use crate::Failure;
use clap::Args;
use std::path::PathBuf;
use warifu_holder::HolderError;
use warifu_vault::{Password, Passwords};
use zeroize::Zeroizing;

/// Where passwords come from.
#[derive(Debug, Clone, Default, Args)]
pub struct PasswordArgs {
    /// Read passwords from this file descriptor instead of asking: one a line, A first, then B, then
    /// new ones.
    #[arg(long, value_name = "N")]
    pub password_fd: Option<u32>,
}

/// Gives one password after the other.
pub struct PasswordSource {
    /// The lines that are left; none if a person is asked.
    lines: Option<std::vec::IntoIter<Zeroizing<String>>>,
}

impl PasswordArgs {
    /// Opens the source. A file descriptor is read to its end at once.
    pub fn open(&self) -> Result<PasswordSource, Failure> {
        let Some(number) = self.password_fd else { return Ok(PasswordSource { lines: None }) };
        let path = PathBuf::from(format!("/dev/fd/{number}"));
        let text = std::fs::read_to_string(&path).map(Zeroizing::new);
        let text = text.map_err(|error| Failure::File { path, error })?;
        let lines: Vec<_> = text.lines().map(|line| Zeroizing::new(line.to_string())).collect();
        Ok(PasswordSource { lines: Some(lines.into_iter()) })
    }
}

impl PasswordSource {
    /// The next password, one that is there already.
    pub fn ask(&mut self, which: &str) -> Result<Password, Failure> {
        let typed = self.text(which)?;
        Ok(Password::new(&typed).map_err(HolderError::from)?)
    }

    fn text(&mut self, which: &str) -> Result<Zeroizing<String>, Failure> {
        match &mut self.lines {
            Some(lines) => lines.next().ok_or_else(|| {
                Failure::input("password-fd", format!("there is no line for {which}"))
            }),
            None => prompt(&format!("{which}: ")),
        }
    }

    /// The next password, a new one: a person types it twice.
    pub fn ask_new(&mut self, which: &str) -> Result<Password, Failure> {
        let typed = self.ask_new_text(which)?;
        Ok(Password::new(&typed).map_err(HolderError::from)?)
    }

    /// As [`PasswordSource::ask_new`], for a password that is no vault's.
    pub fn ask_new_text(&mut self, which: &str) -> Result<Zeroizing<String>, Failure> {
        let first = self.text(&format!("new {which}"))?;
        if self.lines.is_none() && *prompt(&format!("new {which}, again: "))? != *first {
            return Err(Failure::input("password", "the two do not match"));
        }
        Ok(first)
    }

    /// New passwords: A alone, or A and B.
    pub fn ask_new_all(&mut self, one: bool) -> Result<Passwords, Failure> {
        let a = self.ask_new("password A")?;
        let passwords = match one {
            true => Passwords::one(a),
            false => Passwords::two(a, self.ask_new("password B")?),
        };
        Ok(passwords.map_err(HolderError::from)?)
    }
}

/// Asks the person at the terminal, without echo.
pub fn prompt(text: &str) -> Result<Zeroizing<String>, Failure> {
    let typed = rpassword::prompt_password(text).map(Zeroizing::new);
    typed.map_err(|error| Failure::input("terminal", format!("nobody can be asked: {error}")))
}
