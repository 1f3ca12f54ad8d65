//! The check that money and records agree.

use super::{Holds, OrderRecord, hold_key};
use crate::{StoreError, Unit};
use warifu_ledger::{Audit, AuditError, Kind};
use warifu_protocol::status::State;
use warifu_types::OrderId;

/// What an audit without a fault has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// The ledger's own audit.
    pub ledger: Audit,
    /// How many orders there are.
    pub orders: u64,
    /// How many holds are open.
    pub open_holds: u64,
}

/// Why there is no clean audit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditFailure {
    /// The ledger contradicts itself.
    #[error(transparent)]
    Ledger(#[from] AuditError),
    /// An order's record says another thing than the ledger.
    #[error("the record of order {order} and the ledger differ")]
    Order {
        /// Which.
        order: String,
    },
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Holds {
    /// Audits the ledger, and compares every order's record with its hold. It reads everything in
    /// one job while all others wait: for the operator, not for every minute.
    pub fn audit(&self, unit: &mut dyn Unit) -> Result<Audited, AuditFailure> {
        let ledger = warifu_ledger::audit(unit.ledger())?;
        let (mut orders, mut open_holds) = (0, 0);
        let mut after = String::new();
        loop {
            let page = self.records.scan(unit, &after, 200)?;
            let Some((last, _)) = page.last() else { break };
            after.clone_from(last);
            for (order, record) in page {
                orders += 1;
                match self.agrees(unit, &order, &record)? {
                    Some(open) => open_holds += u64::from(open),
                    None => return Err(AuditFailure::Order { order }),
                }
            }
        }
        Ok(Audited { ledger, orders, open_holds })
    }

    /// Whether the hold is open, if record and ledger agree; none if they do not.
    fn agrees(
        &self,
        unit: &mut dyn Unit,
        order: &str,
        record: &OrderRecord,
    ) -> Result<Option<bool>, StoreError> {
        let state = record.view.state;
        let Some(hold) = &record.hold else {
            return Ok(matches!(state, State::Refused | State::Authorized).then_some(false));
        };
        let held = unit.ledger().transfer(hold.transfer)?;
        let resolution = unit.ledger().resolution(hold.transfer)?;
        let Ok(id) = order.parse::<OrderId>() else { return Ok(None) };
        let listed = self.open.get(unit, &hold_key(record.expires, &id))?.is_some();
        let expected = match resolution.map(|by| (by.kind, by.amount)) {
            None => State::Authorized,
            Some((Kind::Post { .. }, minor)) if minor == record.paid() => State::Settled,
            Some((Kind::Post { .. }, _)) => return Ok(None),
            Some(_) => State::Cancelled,
        };
        let amount = held.is_some_and(|held| {
            (held.amount, held.currency) == (hold.amount.minor(), hold.amount.currency())
        });
        let open = resolution.is_none();
        Ok((amount && state == expected && listed == open).then_some(open))
    }
}
