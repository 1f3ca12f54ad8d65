//! A center's account at a simulated bank: a list of what came in, and the faults that such a list
//! may have.

use async_trait::async_trait;
use std::sync::{Mutex, MutexGuard, PoisonError};
use warifu_ports::bank::{Arrival, Bank, BankEntry, BankError, Cursor};
use warifu_types::Money;

/// What a payer fills in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slip {
    /// What the money is for: the center's reference, if it is copied well.
    pub reference: String,
    /// How much.
    pub amount: Money,
}

#[derive(Debug, Default)]
struct Inner {
    down: bool,
    /// How much money has come in, each once.
    count: u32,
    listed: Vec<BankEntry>,
}

/// A center's account.
#[derive(Debug)]
pub struct CenterAccount {
    letter: char,
    inner: Mutex<Inner>,
}

impl CenterAccount {
    /// An empty account, whose entries are named by a letter and a number.
    pub(super) fn new(letter: char) -> CenterAccount {
        CenterAccount { letter, inner: Mutex::default() }
    }

    /// Books money that has come; the entry's id.
    pub(super) fn book(&self, slip: &Slip, arrival: Arrival) -> String {
        let mut inner = self.lock();
        inner.count += 1;
        let id = format!("{}-{:06}", self.letter, inner.count);
        let Slip { reference, amount } = slip.clone();
        let cursor = Cursor::default();
        inner.list(BankEntry { cursor, id: id.clone(), reference, amount, arrival });
        id
    }

    /// Lists an entry once more, as a statement repeats what a notice has said.
    pub fn list_again(&self, id: &str) {
        self.list_changed(id, |_| {});
    }

    /// Lists other money under an id that was given before: a fault of the bank's.
    pub fn list_changed(&self, id: &str, change: impl FnOnce(&mut BankEntry)) {
        let mut inner = self.lock();
        if let Some(mut entry) = inner.listed.iter().find(|entry| entry.id == id).cloned() {
            change(&mut entry);
            inner.list(entry);
        }
    }

    /// Whether the bank answers nobody.
    pub fn set_down(&self, down: bool) {
        self.lock().down = down;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Puts an entry at the end. Its cursor is its place, from 1.
    fn list(&mut self, entry: BankEntry) {
        let cursor = Cursor((self.listed.len() + 1).to_string());
        self.listed.push(BankEntry { cursor, ..entry });
    }
}

#[async_trait]
impl Bank for CenterAccount {
    async fn incoming(&self, after: &Cursor, limit: usize) -> Result<Vec<BankEntry>, BankError> {
        let inner = self.lock();
        if inner.down {
            return Err(BankError::Unreachable("closed".to_string()));
        }
        let reached = match after.0.parse::<usize>() {
            _ if *after == Cursor::default() => 0,
            Ok(place) if (1..=inner.listed.len()).contains(&place) => place,
            _ => return Err(BankError::UnknownCursor),
        };
        Ok(inner.listed.iter().skip(reached).take(limit).cloned().collect())
    }
}
