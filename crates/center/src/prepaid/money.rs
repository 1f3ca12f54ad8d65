//! Money that comes in for cards (row B7, ways 2 to 4). Whatever tells the center of it (a bank's
//! file, the operator) names it by an id, and the same id counts once.

use super::{
    intake::SET_ASIDE,
    issue::Press,
    records::{REFERENCES, Stage, TOP_UPS, TopUpRecord},
};
use crate::{
    accounts::{BOOKS, Code, bank, unmatched},
    rules::codes,
    settlement::Settlement,
};
use serde::{Deserialize, Serialize};
use warifu_ports::{Collection, Unit, books::AccountName};
use warifu_protocol::telegram::Way;
use warifu_types::{Money, UnixTime};
use warifu_wire::Problem;

/// What came in, by its id.
const MONEY: Collection<MoneyRecord> = Collection::new("center_money");
/// No reference is longer, in bytes.
pub(super) const MOST_REFERENCE: usize = 256;

/// Money that has come in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoneyReceived {
    /// Names the incoming payment for ever, such as the bank's own reference: 1 to 128 bytes.
    pub id: String,
    /// What the payer wrote.
    pub reference: String,
    /// How much.
    pub amount: Money,
    /// How it came; not through an issuer.
    pub way: Way,
}

/// What has come of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MoneyOutcome {
    /// A card was issued or loaded.
    Issued {},
    /// It belongs to no request, or does not fit: for the operator.
    Unmatched {
        /// A stable code: `unknown_reference`, `amount_differs`, `way_differs`, `not_waiting`.
        reason: String,
    },
    /// A bank's entry that cannot be booked as it is: no money was moved, and the operator asks the
    /// bank.
    SetAside {
        /// A stable code: `conflict` where other money came under the id before, `bad_value`.
        reason: String,
    },
}

/// Money as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoneyRecord {
    /// What was told.
    pub received: MoneyReceived,
    /// When, in seconds since 1970.
    pub at: UnixTime,
    /// What has come of it.
    pub outcome: MoneyOutcome,
}

impl Settlement {
    /// Takes money in, and issues the card that waits for it if reference, amount and way fit.
    /// Otherwise it is kept as unmatched. The same again changes nothing; another payment under a
    /// known id is a conflict.
    pub async fn money_received(&self, received: MoneyReceived) -> Result<MoneyOutcome, Problem> {
        check(&received)?;
        let press = self.press();
        self.store.run(move |unit| book(unit, received, &press)).await
    }

    /// Gives unmatched money to the request of a reference, whose amount it must have: the
    /// operator's decision.
    pub async fn match_money(&self, id: &str, reference: &str) -> Result<(), Problem> {
        let (id, reference, press) = (id.to_string(), reference.to_string(), self.press());
        let work = move |unit: &mut dyn Unit| {
            let known = MONEY.get(unit, &id)?.ok_or_else(|| Problem::not_found("id"))?;
            let MoneyOutcome::Unmatched { .. } = known.outcome else {
                return Err(Problem::bad_value("id", "a card was issued for it"));
            };
            let meant = MoneyReceived { reference, ..known.received.clone() };
            let (key, mut request) = match waiting(unit, &meant, press.now)? {
                Ok(found) => found,
                Err("way_differs") => by_reference(unit, &meant.reference)?
                    .ok_or_else(|| Problem::not_found("reference"))?,
                Err(reason) => {
                    return Err(Problem::new(422, reason, "it does not fit", Some("reference")));
                }
            };
            let from: AccountName = unmatched(request.amount.currency());
            let card = press.issue(unit, (&key, &request), &from, Code::Deposit)?;
            request.state = Stage::Issued { card, authorization: None, claimed: None };
            TOP_UPS.put(unit, &key, &request)?;
            let outcome = MoneyOutcome::Issued {};
            Ok(MONEY.put(unit, &id, &MoneyRecord { outcome, ..known })?)
        };
        self.store.run(work).await
    }

    /// All money that came in, by id, and what was set aside. It holds all of it in memory.
    pub async fn money(&self) -> Result<Vec<MoneyRecord>, Problem> {
        let all = |unit: &mut dyn Unit| {
            let booked = MONEY.all(unit)?;
            Ok::<_, Problem>(booked.into_iter().chain(SET_ASIDE.all(unit)?))
        };
        Ok(self.store.run(all).await?.map(|(_, money)| money).collect())
    }
}

/// Refuses what cannot be booked, whatever the records say.
pub(super) fn check(received: &MoneyReceived) -> Result<(), Problem> {
    let bad = |field, title| Err(Problem::bad_value(field, title));
    if !(1..=128).contains(&received.id.len()) || received.reference.len() > MOST_REFERENCE {
        return bad("id", "an id of 1 to 128 bytes, a reference of at most 256");
    }
    if received.amount.minor() == 0 {
        return bad("amount", "an amount above zero");
    }
    if received.way == Way::Issuer {
        return bad("way", "transfer, pay_in or registered_mail");
    }
    Ok(())
}

/// Books money in the caller's job, with the card that waits for it. A problem that is not
/// temporary has changed nothing.
pub(super) fn book(
    unit: &mut dyn Unit,
    received: MoneyReceived,
    press: &Press,
) -> Result<MoneyOutcome, Problem> {
    if let Some(known) = MONEY.get(unit, &received.id)? {
        let same = known.received == received;
        return if same { Ok(known.outcome) } else { Err(Problem::conflict("id")) };
    }
    let currency = received.amount.currency();
    let outcome = match waiting(unit, &received, press.now)? {
        Ok((key, mut request)) => {
            let pressed = (key.as_str(), &request);
            let card = press.issue(unit, pressed, &bank(currency), Code::Deposit)?;
            request.state = Stage::Issued { card, authorization: None, claimed: None };
            TOP_UPS.put(unit, &key, &request)?;
            MoneyOutcome::Issued {}
        }
        Err(reason) => {
            let id = BOOKS.transfer_id("unmatched", &received.id);
            let (from, to) = (bank(currency), unmatched(currency));
            let code = Code::Unmatched as u16;
            BOOKS.pay(unit, id, (&from, &to), received.amount, code)?;
            MoneyOutcome::Unmatched { reason: reason.to_string() }
        }
    };
    let (key, at) = (received.id.clone(), press.now);
    MONEY.put(unit, &key, &MoneyRecord { received, at, outcome: outcome.clone() })?;
    Ok(outcome)
}

/// The request that waits for this money, or why there is none.
#[allow(clippy::type_complexity, reason = "a failure, and then a no with its stable code")]
fn waiting(
    unit: &mut dyn Unit,
    money: &MoneyReceived,
    now: UnixTime,
) -> Result<Result<(String, TopUpRecord), &'static str>, Problem> {
    let Some((key, request)) = by_reference(unit, &money.reference)? else {
        return Ok(Err("unknown_reference"));
    };
    let reason = match () {
        () if !matches!(request.state, Stage::Asked {}) || !request.is_open(now) => "not_waiting",
        () if request.way == Way::Issuer => "not_waiting",
        () if request.amount != money.amount => "amount_differs",
        () if request.way != money.way => "way_differs",
        () => return Ok(Ok((key, request))),
    };
    Ok(Err(reason))
}

fn by_reference(
    unit: &mut dyn Unit,
    reference: &str,
) -> Result<Option<(String, TopUpRecord)>, Problem> {
    let Some(reference) = codes::read(reference, codes::REFERENCE_LENGTH) else {
        return Ok(None);
    };
    let Some(key) = REFERENCES.get(unit, &reference)? else { return Ok(None) };
    let request = TOP_UPS.get(unit, &key)?.ok_or_else(Problem::internal)?;
    Ok(Some((key, request)))
}
