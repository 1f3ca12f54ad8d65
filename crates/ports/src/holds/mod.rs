//! Orders at an authorizer: decided once, held, then captured or released. The issuer does this for
//! its cards, the center for prepaid ones (row B9).
//!
//! Everything here runs inside one unit of work of the caller: record, hold and signed answer commit
//! together.

mod audit;
mod record;
mod references;
mod settle;
mod trades;

pub use audit::{AuditFailure, Audited};
pub use record::{ByTelegram, CardId, Evidence, Hold, Meter, OrderRecord, Settled, Tokens};
pub use references::{CardReferences, ReferenceError, ReferenceQuestion};
pub use settle::{HoldError, Settling};
pub use trades::{Trade, trade_identity};

use crate::{
    Collection, StoreError, Unit,
    books::{AccountName, Books, apply},
};
use warifu_ledger::{AccountId, Transfer, TransferId, TransferResult};
use warifu_protocol::{
    authorization::{Authorization, Decision},
    sealed::OpenedOrder,
    status::State,
    view::View,
};
use warifu_types::{Digest, Identifier, Money, Nonce, OrderId, Role, UnixTime};

/// The orders of one authorizer, in collections of its own.
#[derive(Debug, Clone, Copy)]
pub struct Holds {
    /// Where the money is.
    pub books: Books,
    /// Authorizations and refusals, by order id. They are kept for ever, so that an id is used once.
    pub records: Collection<OrderRecord>,
    /// Order ids, by the order's identity.
    pub by_identity: Collection<OrderId>,
    /// What was signed by whom, by order id: for disputes (row D3). None where a telegram brought it.
    pub evidence: Collection<Tokens>,
    /// Open holds, by expiry and order id.
    pub open: Collection<OrderId>,
}

/// A decision that is to be recorded.
pub struct Verdict<'a> {
    /// The order, as the authorizer read it.
    pub opened: &'a OpenedOrder,
    /// The authorizer.
    pub own: &'a Identifier,
    /// The front, and its role in this trade.
    pub front: (&'a Identifier, Role),
    /// The authorization's id.
    pub authorization: Nonce,
    /// What is held, if anything; or the stable code of the refusal.
    pub outcome: Result<Option<Hold>, &'a str>,
    /// The center's transaction number.
    pub transaction: Option<String>,
    /// Now.
    pub now: UnixTime,
    /// How long the authorization stands, in seconds.
    pub lifetime: u64,
}

/// What is to be held.
pub struct HoldWish<'a> {
    /// The card.
    pub card: &'a CardId,
    /// The front, who will be paid.
    pub front: &'a Identifier,
    /// How much.
    pub amount: Money,
    /// In how many payments it falls due.
    pub payments: u32,
    /// The order's id.
    pub order: &'a OrderId,
    /// The order's identity.
    pub identity: &'a Digest,
    /// The order's own time.
    pub at: UnixTime,
    /// The reason, in the ledger's records.
    pub code: u16,
}

impl Holds {
    /// Orders in collections of these names: records, by identity, evidence, open holds.
    pub const fn new(books: Books, names: [&'static str; 4]) -> Holds {
        Holds {
            books,
            records: Collection::new(names[0]),
            by_identity: Collection::new(names[1]),
            evidence: Collection::new(names[2]),
            open: Collection::new(names[3]),
        }
    }

    /// The record of the order with this identity.
    pub fn find(
        &self,
        unit: &mut dyn Unit,
        identity: &Digest,
    ) -> Result<Option<(OrderId, OrderRecord)>, StoreError> {
        let Some(order) = self.by_identity.get(unit, &identity.to_string())? else {
            return Ok(None);
        };
        Ok(Some((order, self.known(unit, &order)?)))
    }

    /// The record of an order that there must be.
    fn known(&self, unit: &mut dyn Unit, order: &OrderId) -> Result<OrderRecord, StoreError> {
        let missing = || StoreError::Corrupt { collection: self.records.name().to_string() };
        self.records.get(unit, &order.to_string())?.ok_or_else(missing)
    }

    /// Holds an amount of a card for a front; none if the card does not have as much.
    pub fn hold(
        &self,
        unit: &mut dyn Unit,
        wish: &HoldWish<'_>,
    ) -> Result<Option<Hold>, StoreError> {
        let currency = wish.amount.currency();
        let merchant = crate::books::AccountKind::Merchant;
        let from = self.books.open(unit, &AccountName::card(wish.card, currency))?;
        let to = self.books.open(unit, &AccountName::party(merchant, wish.front, currency))?;
        let transfer = self.books.order_transfer("hold", (wish.order, wish.identity), wish.at);
        let pending = Transfer::pending(transfer, from, to, wish.amount)
            .with_code(wish.code)
            .with_user_data(AccountId::from_digest(&wish.identity.0).0);
        match apply(unit, pending)? {
            TransferResult::ExceedsCredits => Ok(None),
            result if result.is_applied() => Ok(Some(Hold {
                transfer,
                card: wish.card.clone(),
                amount: wish.amount,
                payments: wish.payments,
            })),
            result => Err(StoreError::Refused { transfer, result }),
        }
    }

    /// Records a decision with its evidence. The caller has looked that the order has
    /// no record yet.
    pub fn decide(
        &self,
        unit: &mut dyn Unit,
        verdict: Verdict<'_>,
        evidence: &Evidence,
    ) -> Result<OrderRecord, StoreError> {
        let Verdict { opened, own, front, authorization, outcome, transaction, now, lifetime } =
            verdict;
        let (decision, state) = match outcome {
            Ok(_) => (Decision::Authorized, State::Authorized),
            Err(_) => (Decision::Refused, State::Refused),
        };
        let claims = Authorization {
            iss: own.clone(),
            aud: front.0.clone(),
            order: opened.identity,
            jti: authorization,
            decision,
            reason: outcome.as_ref().err().map(ToString::to_string),
            transaction: transaction.clone(),
            iat: now,
            exp: now.plus(lifetime),
        };
        let record = OrderRecord {
            identity: opened.identity,
            front: front.0.clone(),
            front_role: front.1,
            authorization,
            decision,
            answer: Some(claims.unsigned()),
            view: View::of(opened, state),
            issued: now,
            expires: claims.exp,
            hold: outcome.unwrap_or(None),
            settled: None,
            released: false,
            transaction,
            meter: None,
            telegram: match evidence {
                Evidence::Telegram(brought) => Some(brought.clone()),
                Evidence::Tokens(_) => None,
            },
            captured: None,
        };
        self.keep(unit, &record)?;
        if let Evidence::Tokens(tokens) = evidence {
            self.evidence.put(unit, &record.view.order.to_string(), tokens)?;
        }
        Ok(record)
    }

    /// Records a decision, and its hold among those that are open.
    fn keep(&self, unit: &mut dyn Unit, record: &OrderRecord) -> Result<(), StoreError> {
        let order = record.view.order;
        if record.hold.is_some() {
            self.open.put(unit, &hold_key(record.expires, &order), &order)?;
        }
        self.records.put(unit, &order.to_string(), record)?;
        self.by_identity.put(unit, &record.identity.to_string(), &order)
    }

    /// The id of the transfer that ends an order's hold.
    fn ending(&self, record: &OrderRecord) -> TransferId {
        self.books.order_transfer("settle", (&record.view.order, &record.identity), record.issued)
    }
}

/// The key of an open hold; keys sort by expiry.
pub fn hold_key(expires: UnixTime, order: &OrderId) -> String {
    format!("{:020}/{order}", expires.0)
}
