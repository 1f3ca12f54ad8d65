//! Goods that are used in real time (row B10): the most that they may cost is held, the merchant
//! tells how far the use has come, and no more than that is captured. What time ends is here too.

use super::notice::NOTICES;
use crate::{accounts::HOLDS, settlement::Settlement};
use warifu_ports::{Collection, StoreError, Unit};
use warifu_protocol::metering::{Meter, MeterRequest};
use warifu_types::UnixTime;
use warifu_wire::{MeterAnswer, MeterQuestion, Peer, Problem};

/// Payments for metered goods that are not settled, by order id, with the time of the last tick.
pub(crate) const METERED: Collection<UnixTime> = Collection::new("center_metered");

/// So many at a time, so that other work is not kept waiting.
const BATCH: usize = 100;

impl Settlement {
    /// Takes note of a tick. The same again gets the same answer; one that says less than an
    /// earlier one, or more than is held, is refused.
    pub(crate) async fn meter(
        &self,
        peer: &Peer,
        question: MeterQuestion,
    ) -> Result<MeterAnswer, Problem> {
        let (own, now) = (self.party.id(), self.party.now());
        let request = MeterRequest::verify(&question.request, &peer.credential, &own, now)?;
        let signer = self.signer();
        let work = move |unit: &mut dyn Unit| {
            let at = note(unit, &request, now)?;
            let meter = Meter {
                iss: own,
                aud: request.iss.clone(),
                order: request.order,
                tick: request.tick,
                amount: request.amount,
                iat: at,
            };
            Ok::<_, Problem>(meter.sign(signer.as_ref()))
        };
        Ok(MeterAnswer { meter: self.store.run(work).await? })
    }

    /// What time ends: forms that nobody filled in, holds that nobody captured, metered goods that
    /// nobody uses any more.
    pub(crate) async fn expire(&self) -> Result<(), Problem> {
        self.forget_forms().await?;
        let now = self.party.now();
        loop {
            let work = move |unit: &mut dyn Unit| {
                let released = HOLDS.expire(unit, now, BATCH)?;
                for order in &released {
                    METERED.delete(unit, &order.to_string())?;
                    NOTICES.delete(unit, &order.to_string())?;
                }
                Ok::<_, StoreError>(released.len())
            };
            if self.store.run(work).await? < BATCH {
                break;
            }
        }
        let idle = self.settings.meter_idle;
        let mut after = String::new();
        loop {
            let from = after.clone();
            let work = move |unit: &mut dyn Unit| end_idle(unit, &from, now.minus(idle));
            match self.store.run(work).await? {
                Some(last) => after = last,
                None => return Ok(()),
            }
        }
    }
}

/// Writes a tick down; when it came first.
fn note(unit: &mut dyn Unit, request: &MeterRequest, now: UnixTime) -> Result<UnixTime, Problem> {
    let (order, mut record) = HOLDS
        .find(unit, &request.order)?
        .filter(|(_, record)| record.front == request.iss)
        .ok_or_else(|| Problem::forbidden("meter_request.order"))?;
    let nothing = || {
        let text = "nothing is held for metered goods of this order";
        Problem::new(422, "nothing_held", text, Some("meter_request.order"))
    };
    let (Some(hold), Some(meter)) = (&record.hold, &mut record.meter) else {
        return Err(nothing());
    };
    let minor = request.amount.minor();
    if (meter.tick, meter.total) == (request.tick, minor) {
        return Ok(meter.at);
    }
    if record.settled.is_some() || record.released {
        return Err(nothing());
    }
    if request.amount.currency() != hold.amount.currency() || minor > hold.amount.minor() {
        return Err(Problem::bad_value("meter_request.amount", "more than is held"));
    }
    if request.tick <= meter.tick || minor < meter.total {
        return Err(Problem::conflict("meter_request.tick"));
    }
    *meter = warifu_ports::holds::Meter { tick: request.tick, total: minor, at: now };
    HOLDS.records.put(unit, &order.to_string(), &record)?;
    METERED.put(unit, &order.to_string(), &now)?;
    Ok(now)
}

/// Settles what was used of goods without a tick since `before`, and frees the rest. The last key
/// looked at, or none at the end.
fn end_idle(unit: &mut dyn Unit, after: &str, before: UnixTime) -> Result<Option<String>, Problem> {
    let page = METERED.scan(unit, after, BATCH)?;
    let last = page.last().map(|(key, _)| key.clone());
    for (key, at) in page {
        if at <= before
            && let Ok(order) = key.parse()
        {
            HOLDS.release(unit, &order)?;
            METERED.delete(unit, &key)?;
            NOTICES.delete(unit, &key)?;
        }
    }
    Ok(last)
}
