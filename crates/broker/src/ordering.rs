//! Placing an order (row C3): membership number and password have opened the session; no card data is
//! asked for or taken.

use crate::{
    broker::{Broker, put},
    records::{BY_KEY, BY_MEMBER, BY_TOKEN, KeyRecord, OrderRecord, Step},
    rules::{steps::State, token},
    services::offered,
    stock,
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use warifu_ports::Unit;
use warifu_protocol::{encode::sha256, value::PaymentType};
use warifu_types::{OrderId, UnixTime};
use warifu_wire::Problem;
use zeroize::Zeroizing;

/// What a user orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderWish {
    /// The service, as the search shows it: `P-000001/N-1`.
    pub service: String,
    /// How many: 1 to 1,000.
    pub quantity: u32,
    /// The day, `YYYY-MM-DD`, where the service is for a day.
    #[serde(default)]
    pub date: String,
    /// Where it goes, where it goes anywhere; at most 500 characters.
    #[serde(default)]
    pub destination: String,
    /// `one` or `instalments:N`.
    #[serde(default = "one")]
    pub payment_type: String,
}

fn one() -> String {
    "one".to_string()
}

impl Broker {
    /// Places an order. The same idempotency key with the same wish finds the order that is there;
    /// with another wish it is a conflict. The worker then asks the registry.
    pub async fn place(
        &self,
        member: &str,
        key: &str,
        wish: OrderWish,
    ) -> Result<OrderId, Problem> {
        check(key, &wish)?;
        let id = OrderId(self.party.new_name());
        let (now, reply_time) = (self.party.now(), self.settings.reply_time);
        let remind_after = self.settings.remind_after;
        let member = member.to_string();
        let key = format!("{member}/{}", sha256(key.as_bytes()));
        let bytes = serde_json::to_vec(&wish).map_err(|_| Problem::internal())?;
        let hash = sha256(&bytes);
        let work = move |unit: &mut dyn Unit| {
            if let Some(known) = BY_KEY.get(unit, &key)? {
                let same = known.wish == hash;
                let conflict = || Problem::conflict("idempotency_key");
                return if same { Ok(known.order) } else { Err(conflict()) };
            }
            let mut record = record(unit, (id, member), wish, now)?;
            record.until = now.plus(reply_time);
            record.remind = (remind_after > 0).then(|| now.plus(remind_after));
            BY_KEY.put(unit, &key, &KeyRecord { order: id, wish: hash })?;
            BY_MEMBER.put(unit, &by_member(&record), &id)?;
            // Both tokens are made of the order's id and a key of the store; nobody has to keep them.
            for purpose in [REPLY, LINK] {
                let token = token_of(unit, purpose, &id)?;
                let hashed = token_key(unit, purpose, &token);
                BY_TOKEN.put(unit, &hashed, &id)?;
            }
            put(unit, &mut record)?;
            Ok::<_, Problem>(id)
        };
        self.store.run(work).await
    }
}

/// What reply addresses are for.
pub(crate) const REPLY: &str = "reply";
/// What the links in mails are for.
pub(crate) const LINK: &str = "link";

/// An order's token for a purpose: 160 bits of a keyed hash of its id.
pub(crate) fn token_of(
    unit: &mut dyn Unit,
    purpose: &str,
    order: &OrderId,
) -> Result<Zeroizing<String>, Problem> {
    let hash = Zeroizing::new(unit.keyed_hash(&format!("broker {purpose} token"), &order.0));
    token::of_hash(&hash).ok_or_else(Problem::internal)
}

fn token_key(unit: &mut dyn Unit, purpose: &str, token: &str) -> String {
    unit.keyed_hash(&format!("broker {purpose} index"), token.as_bytes())
}

/// The order whose token this is; compared in constant time.
pub(crate) fn order_of_token(
    unit: &mut dyn Unit,
    purpose: &str,
    token: &str,
) -> Result<Option<OrderId>, Problem> {
    if token.len() != token::LENGTH {
        return Ok(None);
    }
    let key = token_key(unit, purpose, token);
    let Some(order) = BY_TOKEN.get(unit, &key)? else { return Ok(None) };
    let right = token_of(unit, purpose, &order)?;
    Ok(bool::from(right.as_bytes().ct_eq(token.as_bytes())).then_some(order))
}

fn by_member(record: &OrderRecord) -> String {
    format!("{}/{:020}-{}", record.member, record.placed.0, record.id)
}

fn record(
    unit: &mut dyn Unit,
    (id, member): (OrderId, String),
    wish: OrderWish,
    now: UnixTime,
) -> Result<OrderRecord, Problem> {
    let found = offered(unit, &wish.service)?.ok_or_else(|| Problem::not_found("service"))?;
    let service = found.service;
    let day = Some(wish.date.as_str()).filter(|day| !day.is_empty());
    if !service.is_on(day) {
        return Err(Problem::bad_value("date", "the service is not to be had on this day"));
    }
    let one_day = !service.begins.is_empty() && service.begins == service.ends;
    let dated = !one_day && (!service.begins.is_empty() || service.capacity.is_some());
    if dated && day.is_none() {
        return Err(Problem::bad_value("date", "this service is for a day: which?"));
    }
    let date = if wish.date.is_empty() { service.begins.clone() } else { wish.date };
    if stock::left(unit, (&wish.service, &service), &date)?.is_some_and(|left| left < wish.quantity)
    {
        let title = "there are not as many left on this day";
        return Err(Problem::new(409, "sold_out", title, Some("quantity")));
    }
    let total = service
        .price
        .times(wish.quantity.into())
        .map_err(|_| Problem::bad_value("quantity", "the amount is too large"))?;
    let provider = wish.service.split('/').next().unwrap_or_default().to_string();
    Ok(OrderRecord {
        id,
        member,
        provider,
        service,
        quantity: wish.quantity,
        date,
        destination: wish.destination.trim().to_string(),
        payment_type: wish.payment_type,
        total,
        state: State::Placed,
        holds_stock: false,
        reference: None,
        issuer: None,
        released: false,
        passing: None,
        received: false,
        until: now,
        remind: None,
        unclear: Vec::new(),
        approved_by: None,
        reason: None,
        trouble: None,
        steps: vec![Step { state: State::Placed, at: now }],
        placed: now,
    })
}

fn check(key: &str, wish: &OrderWish) -> Result<(), Problem> {
    let bad = |field, title| Err(Problem::bad_value(field, title));
    if !(1..=200).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return bad("idempotency_key", "1 to 200 visible ASCII characters");
    }
    if !(1..=1_000).contains(&wish.quantity) {
        return bad("quantity", "1 to 1,000");
    }
    if !wish.date.is_empty() && !crate::rules::calendar::is_day(&wish.date) {
        return bad("date", "a day is YYYY-MM-DD");
    }
    let long = wish.destination.chars().count() > 500;
    if long || wish.destination.chars().any(|c| c.is_control() && c != '\n') {
        return bad("destination", "at most 500 characters of plain text");
    }
    if PaymentType::parse(&wish.payment_type).is_none() {
        return bad("payment_type", "one, or instalments:N");
    }
    Ok(())
}
