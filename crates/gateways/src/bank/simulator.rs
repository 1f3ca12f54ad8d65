//! A bank and a post office in memory, for trials and the demonstration: people transfer from their
//! accounts, pay in at a counter, or send cash by registered mail, and the center reads at both what
//! came in for it.

use super::account::{CenterAccount, Slip};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use warifu_ports::bank::Arrival;
use warifu_types::Money;

/// Where one has an account or goes to a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum House {
    /// The bank.
    Bank,
    /// The post office.
    PostOffice,
}

/// A transfer that is not made: there is no such account, or not as much on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the account does not hold as much")]
pub struct NotCovered;

/// A bank and a post office, with the accounts of people and of one center.
#[derive(Debug)]
pub struct BankWorld {
    people: Mutex<BTreeMap<(House, String), Money>>,
    bank: Arc<CenterAccount>,
    post_office: Arc<CenterAccount>,
}

impl Default for BankWorld {
    fn default() -> BankWorld {
        BankWorld::new()
    }
}

impl BankWorld {
    /// Both houses, where nothing has come in and nobody but the center has an account.
    pub fn new() -> BankWorld {
        BankWorld {
            people: Mutex::default(),
            bank: Arc::new(CenterAccount::new('B')),
            post_office: Arc::new(CenterAccount::new('P')),
        }
    }

    /// The center's account.
    pub fn center(&self, house: House) -> &Arc<CenterAccount> {
        match house {
            House::Bank => &self.bank,
            House::PostOffice => &self.post_office,
        }
    }

    /// Opens somebody's account with this money on it, or sets what is on it.
    pub fn open_account(&self, house: House, who: &str, holds: Money) {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        people.insert((house, who.to_string()), holds);
    }

    /// Transfers from somebody's account to the center's at the same house; the entry's id.
    ///
    /// # Errors
    /// [`NotCovered`], and nothing has moved.
    pub fn transfer(&self, (house, who): (House, &str), slip: &Slip) -> Result<String, NotCovered> {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = people.get_mut(&(house, who.to_string())).ok_or(NotCovered)?;
        *holds = holds.minus(slip.amount).map_err(|_| NotCovered)?;
        Ok(self.center(house).book(slip, Arrival::Transfer))
    }

    /// Pays cash in at a counter; the entry's id.
    pub fn pay_in(&self, house: House, slip: &Slip) -> String {
        self.center(house).book(slip, Arrival::PayIn)
    }

    /// Posts cash and a slip in a registered letter to the center's account; the entry's id.
    pub fn send_cash(&self, slip: &Slip) -> String {
        self.post_office.book(slip, Arrival::RegisteredMail)
    }
}
