//! Where a store is paid (row B3).

use crate::Failure;
use clap::{Args, ValueEnum};
use warifu_protocol::telegram::{BankAccount, JapaneseAccountKind};

/// The store's bank account: an IBAN, or a Japanese account.
#[derive(Debug, Args)]
pub struct AccountArgs {
    /// The account as an IBAN, with or without spaces.
    #[arg(
        long,
        required_unless_present = "bank",
        conflicts_with_all = ["bank", "branch", "account_number"]
    )]
    iban: Option<String>,
    /// A Japanese account: the bank's code, four digits.
    #[arg(long, requires_all = ["branch", "account_number"])]
    bank: Option<String>,
    /// Its branch, three digits.
    #[arg(long, requires = "bank")]
    branch: Option<String>,
    /// Its kind.
    #[arg(long, default_value = "ordinary")]
    account_kind: Kind,
    /// Its number, seven digits.
    #[arg(long, requires = "bank")]
    account_number: Option<String>,
    /// The account holder; of a Japanese account in half-width katakana, as the bank writes it.
    #[arg(long)]
    account_holder: String,
}

/// The kind of a Japanese account.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// 普通
    Ordinary,
    /// 当座
    Current,
}

impl AccountArgs {
    /// The account as it was typed; whether it can exist is checked with the rest.
    pub fn account(&self) -> Result<BankAccount, Failure> {
        let holder = self.account_holder.clone();
        match (&self.iban, &self.bank, &self.branch, &self.account_number) {
            (Some(iban), ..) => Ok(BankAccount::Iban { iban: electronic(iban), holder }),
            (None, Some(bank), Some(branch), Some(number)) => Ok(BankAccount::Japanese {
                bank: bank.clone(),
                branch: branch.clone(),
                kind: match self.account_kind {
                    Kind::Ordinary => JapaneseAccountKind::Ordinary,
                    Kind::Current => JapaneseAccountKind::Current,
                },
                number: number.clone(),
                holder,
            }),
            _ => Err(Failure::input("account", "name an IBAN, or bank, branch and number")),
        }
    }
}

/// An IBAN without what paper puts between its letters.
fn electronic(iban: &str) -> String {
    iban.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect()
}
