//! The card by the second channel: taken, shown to the issuer, forgotten (row C7).

use super::{BrokerTrade, CARDS, KeptCard};
use crate::{
    handing::wrong_state,
    merchant::{Merchant, put_changed},
    records::{ORDERS, OrderRecord},
    rules::brokering::CardWay,
};
use subtle::{Choice, ConstantTimeEq};
use warifu_ports::{StoreError, Unit, card_network::PresentedCard};
use warifu_protocol::{
    encode::sha256,
    presented::CardBeside,
    status::State,
    value::{Expiry, is_card_number},
};
use warifu_types::UnixTime;
use warifu_wire::Problem;

impl Merchant {
    /// Takes the card for the order of this trade number: from the sheet that a clerk has read, or
    /// from the closed line. Returns the state after; the issuer is asked at once if the order is
    /// accepted. The same card again changes nothing; another one is a conflict while the first is
    /// kept, and once the issuer has answered no card is looked at any more.
    ///
    /// Errors name `number`, `card.number`, `card.expiry` or `card`, and repeat no value. An order
    /// that has not come yet is `order_not_here`, which is temporary.
    pub async fn take_card(&self, number: &str, card: PresentedCard) -> Result<State, Problem> {
        let now = self.party.now();
        check(&card, now)?;
        let record = self.by_number(number).await?;
        let order = record.id();
        let random = self.party.random32();
        let salts = [half(&random, 0), half(&random, 16)];
        let kept = KeptCard { number: card.number, expiry: card.expiry, salts };
        let key = order.to_string();
        self.store.run(move |unit| keep(unit, &key, &kept, now)).await?;
        self.go_on(order).await?;
        Ok(self.known(order).await?.state())
    }

    /// The card of an order, as it is shown to the issuer; none if the order has none.
    pub(crate) async fn card_beside(
        &self,
        record: &OrderRecord,
    ) -> Result<Option<CardBeside>, Problem> {
        let kept = self.kept_card(record).await?;
        Ok(kept.map(|kept| CardBeside::new(&kept.number, &kept.expiry, &kept.salts)))
    }

    pub(crate) async fn kept_card(
        &self,
        record: &OrderRecord,
    ) -> Result<Option<KeptCard>, Problem> {
        let way = record.broker.as_ref().map(|trade| trade.card_way);
        if way != Some(CardWay::SecondChannel) {
            return Ok(None);
        }
        let key = record.id().to_string();
        Ok(self.store.run(move |unit| CARDS.get(unit, &key)).await?)
    }
}

fn half(random: &[u8; 32], from: usize) -> [u8; 16] {
    std::array::from_fn(|place| random[from + place])
}

fn check(card: &PresentedCard, now: UnixTime) -> Result<(), Problem> {
    if !is_card_number(&card.number) {
        let text = "12 to 19 digits with a good check digit (Luhn)";
        return Err(Problem::bad_value("card.number", text));
    }
    if !Expiry::parse(&card.expiry).is_some_and(|expiry| expiry.is_good(now)) {
        return Err(Problem::bad_value("card.expiry", "YYYY-MM, not in the past"));
    }
    Ok(())
}

fn keep(unit: &mut dyn Unit, key: &str, card: &KeptCard, now: UnixTime) -> Result<(), Problem> {
    let mut record = ORDERS.get(unit, key)?.ok_or_else(|| Problem::not_found("number"))?;
    let trade = record.broker.as_mut().filter(|trade| trade.card_way == CardWay::SecondChannel);
    let Some(trade) = trade else {
        return Err(Problem::bad_value("number", "this order takes no card: it has a reference"));
    };
    if trade.card_came.is_some() {
        return match CARDS.get(unit, key)? {
            Some(known) if !same(&known, card) => Err(Problem::conflict("card")),
            _ => Ok(()),
        };
    }
    if record.view.state != State::Ordered {
        return Err(wrong_state("the order takes no card any more"));
    }
    trade.card_came = Some(now);
    CARDS.put(unit, key, card)?;
    Ok(put_changed(unit, State::Ordered, record, now)?)
}

/// In constant time; hashed first, so that lengths do not show either.
fn same(a: &KeptCard, b: &KeptCard) -> bool {
    let equal =
        |a: &str, b: &str| -> Choice { sha256(a.as_bytes()).0.ct_eq(&sha256(b.as_bytes()).0) };
    bool::from(equal(&a.number, &b.number) & equal(&a.expiry, &b.expiry))
}

/// Forgets the card of an order that waits no more: the issuer has answered, or never will be asked.
pub(crate) fn forget_card(unit: &mut dyn Unit, record: &OrderRecord) -> Result<(), StoreError> {
    let came = |trade: &BrokerTrade| trade.card_came.is_some();
    if record.state() != State::Ordered && record.broker.as_ref().is_some_and(came) {
        CARDS.delete(unit, &record.id().to_string())?;
    }
    Ok(())
}
