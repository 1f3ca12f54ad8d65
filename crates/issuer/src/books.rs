//! The money (row D8): which accounts an issuer has. A credit line and a deposit credit a card, a
//! purchase holds and then debits it in favour of the merchant, a payout debits the merchant to the
//! bank, the payment of a statement credits the card again.

use crate::Issuer;
use warifu_ports::books::{AccountBalance, AccountKind, AccountName, Books};
use warifu_types::Currency;
use warifu_wire::Problem;

/// The issuer's books.
pub(crate) const BOOKS: Books = Books::new("warifu-issuer", "issuer_accounts");

/// Why money moves, in the ledger's records.
#[derive(Debug, Clone, Copy)]
#[repr(u16)]
pub(crate) enum Code {
    CreditLine = 1,
    Deposit = 2,
    Purchase = 3,
    Payment = 4,
    Payout = 5,
}

/// Where credit lines come from.
pub(crate) fn line(currency: Currency) -> AccountName {
    AccountName::own(AccountKind::Line, currency)
}

/// What comes in from the bank.
pub(crate) fn bank(currency: Currency) -> AccountName {
    AccountName::own(AccountKind::Bank, currency)
}

impl Issuer {
    /// Every account with its balance: for reports and tests. It holds all of them in memory.
    pub async fn balances(&self) -> Result<Vec<AccountBalance>, Problem> {
        Ok(self.store.run(|unit| BOOKS.balances(unit)).await?)
    }
}
