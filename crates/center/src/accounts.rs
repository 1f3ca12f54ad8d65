//! The center's money (row D8): a card is credited by the issuer that owes for it or by what came in
//! from the bank, and debited in favour of a merchant.

use warifu_ports::{
    books::{AccountKind, AccountName, Books},
    holds::Holds,
};
use warifu_types::Currency;

/// The center's books.
pub(crate) const BOOKS: Books = Books::new("warifu-center", "center_accounts");

/// Payments, with their holds and evidence.
pub(crate) const HOLDS: Holds = Holds::new(
    BOOKS,
    ["center_orders", "center_orders_by_identity", "center_evidence", "center_open_holds"],
);

/// Why money moves, in the ledger's records.
#[derive(Debug, Clone, Copy)]
#[repr(u16)]
pub(crate) enum Code {
    /// An issuer owes for a card.
    Credit = 1,
    /// Money came in for a card.
    Deposit = 2,
    /// A payment.
    Purchase = 3,
    /// Money came in that belongs to no request.
    Unmatched = 4,
}

/// What comes in from the bank, the post office and the mail.
pub(crate) fn bank(currency: Currency) -> AccountName {
    AccountName::own(AccountKind::Bank, currency)
}

/// What came in and belongs to no request.
pub(crate) fn unmatched(currency: Currency) -> AccountName {
    AccountName::own(AccountKind::Unmatched, currency)
}
