//! Balances as PostgreSQL has them: many in one row.
//!
//! A new version of a row costs the server more than its bytes, and a batch changes a good part of
//! all active accounts. So the balances of neighbouring numbers share a row of fixed length. The
//! view `ledger_balances` shows them one by one.

use crate::ledger::Held;
use std::collections::{BTreeSet, HashMap};
use warifu_ledger::{Balance, TransferId};

/// Balances in a page. 1,568 bytes stay below the length from which PostgreSQL compresses.
const BALANCES: i64 = 32;
/// Four sums, whether there is a last transfer, and its id.
const BYTES: usize = 4 * 8 + 1 + 16;

/// More pages than this are not kept from one transaction to the next (13 MB).
const MOST: usize = 1 << 13;

/// The pages that this process has read or written, as they will be when the transaction commits.
#[derive(Default)]
pub(super) struct Pages(HashMap<i64, Vec<u8>>);

impl Pages {
    /// Forgets everything: somebody else may have written.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// Keeps a page as it is stored; `false` if it does not have a page's length.
    pub(super) fn keep(&mut self, page: i64, bytes: Vec<u8>) -> bool {
        let whole = bytes.len() == length();
        self.0.insert(page, bytes);
        whole
    }

    /// The pages of these accounts that must be read before they are written.
    pub(super) fn unknown(&self, changed: &[&Held]) -> Vec<i64> {
        let pages: BTreeSet<i64> = changed.iter().map(|held| page_of(held)).collect();
        pages.into_iter().filter(|page| !self.0.contains_key(page)).collect()
    }

    /// Writes the balances of these accounts, which come by number, into their pages; the numbers
    /// of those pages. A page that nobody knows is new.
    pub(super) fn write(&mut self, changed: &[&Held]) -> Vec<i64> {
        let mut pages = Vec::new();
        for held in changed {
            let page = page_of(held);
            let bytes = self.0.entry(page).or_insert_with(|| vec![0; length()]);
            let at = usize::try_from(held.number.rem_euclid(BALANCES)).unwrap_or(0) * BYTES;
            if let Some(entry) = bytes.get_mut(at..at + BYTES) {
                entry.copy_from_slice(&encode(held));
            }
            if pages.last() != Some(&page) {
                pages.push(page);
            }
        }
        pages
    }

    pub(super) fn bytes(&self, page: i64) -> &[u8] {
        self.0.get(&page).map_or(&[], Vec::as_slice)
    }

    /// To be called after a commit.
    pub(super) fn settle(&mut self) {
        if self.0.len() > MOST {
            self.forget();
        }
    }
}

fn page_of(held: &Held) -> i64 {
    held.number.div_euclid(BALANCES)
}

fn length() -> usize {
    BYTES * BALANCES as usize
}

fn encode(held: &Held) -> [u8; BYTES] {
    let balance = &held.state.balance;
    let sums = [
        balance.debits_pending,
        balance.debits_posted,
        balance.credits_pending,
        balance.credits_posted,
    ];
    let mut entry = [0; BYTES];
    let (numbers, last) = entry.split_at_mut(32);
    for (place, sum) in numbers.as_chunks_mut::<8>().0.iter_mut().zip(sums) {
        *place = sum.to_be_bytes();
    }
    if let Some(id) = held.state.last {
        last[0] = 1;
        last[1..].copy_from_slice(&id.0.to_be_bytes());
    }
    entry
}

/// `None` for what is no entry of a page.
pub(super) fn decode(entry: &[u8]) -> Option<(Balance, Option<TransferId>)> {
    let entry: &[u8; BYTES] = entry.try_into().ok()?;
    let (sums, last) = entry.split_at(32);
    let sum = |at: usize| {
        let sum = u64::from_be_bytes(*sums.as_chunks::<8>().0.get(at)?);
        (sum <= warifu_ledger::MAX_TOTAL).then_some(sum)
    };
    let balance = Balance {
        debits_pending: sum(0)?,
        debits_posted: sum(1)?,
        credits_pending: sum(2)?,
        credits_posted: sum(3)?,
    };
    let (flag, id) = last.split_first()?;
    let id = TransferId(u128::from_be_bytes(id.try_into().ok()?));
    match flag {
        0 => Some((balance, None)),
        1 => Some((balance, Some(id))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use warifu_ledger::{Account, AccountId, AccountState, MAX_TOTAL};
    use warifu_types::Currency;

    fn held(number: i64, posted: u64, last: Option<TransferId>) -> Held {
        let account = Account::new(AccountId(1), Currency::JPY);
        let balance = Balance { debits_pending: 1, credits_posted: posted, ..Balance::default() };
        Held { number, state: AccountState { account, balance, last }, changed: true }
    }

    #[test]
    fn balances_come_back_from_their_places() {
        let (one, two) = (held(31, MAX_TOTAL, None), held(32, 7, Some(TransferId(u128::MAX))));
        let three = held(33, 0, Some(TransferId(0)));
        let mut pages = Pages::default();
        assert_eq!(pages.unknown(&[&one, &two, &three]), [0, 1]);
        assert_eq!(pages.write(&[&one, &two, &three]), [0, 1]);
        assert_eq!(pages.unknown(&[&one, &two, &three]), [0i64; 0]);
        for (held, page, place) in [(one, 0, 31), (two, 1, 0), (three, 1, 1)] {
            let entry = &pages.bytes(page)[place * BYTES..(place + 1) * BYTES];
            assert_eq!(decode(entry), Some((held.state.balance, held.state.last)));
        }
        assert_eq!(decode(&pages.bytes(0)[..BYTES]), Some((Balance::default(), None)));
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        let mut entry = encode(&held(1, 5, None));
        assert_eq!(decode(&entry[1..]), None);
        entry[32] = 2;
        assert_eq!(decode(&entry), None);
        entry[32] = 0;
        entry[0] = 0x80;
        assert_eq!(decode(&entry), None);
        assert!(!Pages::default().keep(1, vec![0; 7]));
    }
}
