//! Billing the issuer by ISO 8583 (row C8): each step is one question, which may be asked again.

use super::{Billing, BrokerTrade};
use crate::{
    drive::Halt,
    merchant::Merchant,
    records::OrderRecord,
    rules::brokering::{self, Channel, reason},
};
use std::sync::Arc;
use warifu_ports::card_network::{
    CardAnswer, CardAuthorization, CardNetwork, CardNetworkError, PresentedCard, TradeReference,
};
use warifu_protocol::{
    CLOCK_SKEW,
    status::State,
    trade_number::TradeNumber,
    value::{FieldValue, PaymentType},
};
use warifu_types::{FieldName, Money, Role};
use warifu_wire::{CallError, Problem};

/// Field 39: the issuer knows no such trade.
const NO_SUCH_TRADE: &str = "25";

/// An order's trade on the card network.
pub(crate) struct Line {
    line: Arc<dyn CardNetwork>,
    trade: TradeReference,
    amount: Money,
    payments: u32,
}

/// The issuer's answers are told like those of the network, so that one order waits like another.
fn peer(error: CallError) -> Halt {
    Halt::Peer(Role::Issuer, error)
}

fn unanswered(error: CardNetworkError) -> Halt {
    let (code, title) = match &error {
        CardNetworkError::Unreachable(text) => return peer(CallError::Network(text.clone())),
        CardNetworkError::BadAnswer(_) => ("bad_answer", "the card network's answer is wrong"),
        CardNetworkError::BadQuestion(_) => {
            ("bad_question", "the card network cannot carry this question")
        }
        _ => ("later", "the issuer cannot answer now"),
    };
    tracing::warn!(%error, "card network");
    peer(Problem::new(503, code, title, None).into())
}

impl OrderRecord {
    /// Whether the issuer is billed by ISO 8583.
    pub(crate) fn is_on_card_network(&self) -> bool {
        self.broker.as_ref().is_some_and(|trade| trade.channel == Channel::CardNetwork)
    }
}

impl Merchant {
    fn line(&self, record: &OrderRecord) -> Result<Line, Halt> {
        let Billing::CardNetwork { line, acceptor } = &self.brokering.billing else {
            let title = "this order is billed by ISO 8583, which is not set up any more";
            return Err(peer(Problem::new(503, "no_card_network", title, None).into()));
        };
        let fields = &record.view.fields;
        let amount = fields.get(&FieldName::AMOUNT).and_then(FieldValue::as_amount);
        let payment = fields.get(&FieldName::PAYMENT_TYPE).and_then(FieldValue::as_text);
        Ok(Line {
            line: Arc::clone(line),
            trade: TradeReference {
                acceptor: acceptor.clone(),
                reference: TradeNumber::of(&record.id()).reference(),
            },
            amount: amount.ok_or_else(|| Halt::Own(Problem::internal()))?,
            payments: payment.and_then(PaymentType::parse).map_or(1, PaymentType::count),
        })
    }

    /// Ordered → authorized or refused.
    pub(crate) async fn authorize_on_card_network(&self, record: &OrderRecord) -> Result<(), Halt> {
        let line = self.line(record)?;
        if record.expires.plus(CLOCK_SKEW) <= self.party.now() {
            return self.take_back(record, &line).await;
        }
        let kept = self.kept_card(record).await?;
        let kept = kept.ok_or_else(|| Halt::Own(Problem::internal()))?;
        let asked = CardAuthorization {
            trade: line.trade.clone(),
            card: PresentedCard { number: kept.number.clone(), expiry: kept.expiry.clone() },
            amount: line.amount,
            payments: line.payments,
            at: self.party.now(),
        };
        let answer = line.line.authorize(&asked).await.map_err(unanswered)?;
        let change = move |record: &mut OrderRecord| {
            let state = match &answer {
                CardAnswer::Approved { .. } => State::Authorized,
                CardAnswer::Declined { code } => {
                    record.reason = Some(reason(code).to_string());
                    State::Refused
                }
            };
            record.view.state = state;
            note(record.broker.as_mut(), &answer);
        };
        Ok(self.change(record.id(), State::Ordered, change).await?)
    }

    /// The order's own time is over. It may have been asked about before, so it is reversed first:
    /// then nothing is held, now or later.
    async fn take_back(&self, record: &OrderRecord, line: &Line) -> Result<(), Halt> {
        let answer = line.line.reverse(&line.trade, line.amount).await.map_err(unanswered)?;
        if !is_let_go(&answer) {
            return Err(declined(&answer));
        }
        let change = move |record: &mut OrderRecord| {
            record.view.state = State::Refused;
            record.reason = Some(brokering::EXPIRED.to_string());
            note(record.broker.as_mut(), &answer);
        };
        Ok(self.change(record.id(), State::Ordered, change).await?)
    }

    /// Delivered → settled.
    pub(crate) async fn capture_on_card_network(&self, record: &OrderRecord) -> Result<(), Halt> {
        let line = self.line(record)?;
        let answer = line.line.capture(&line.trade, line.amount).await.map_err(unanswered)?;
        if !matches!(answer, CardAnswer::Approved { .. }) {
            return Err(declined(&answer));
        }
        let change = move |record: &mut OrderRecord| {
            record.view.state = State::Settled;
            note(record.broker.as_mut(), &answer);
        };
        Ok(self.change(record.id(), State::Delivered, change).await?)
    }

    /// Authorized → cancelled.
    pub(crate) async fn reverse_on_card_network(&self, record: &OrderRecord) -> Result<(), Halt> {
        let line = self.line(record)?;
        let answer = line.line.reverse(&line.trade, line.amount).await.map_err(unanswered)?;
        if !is_let_go(&answer) {
            return Err(declined(&answer));
        }
        let change = move |record: &mut OrderRecord| {
            record.view.state = State::Cancelled;
            note(record.broker.as_mut(), &answer);
        };
        Ok(self.change(record.id(), State::Authorized, change).await?)
    }
}

fn is_let_go(answer: &CardAnswer) -> bool {
    match answer {
        CardAnswer::Approved { .. } => true,
        CardAnswer::Declined { code } => code == NO_SUCH_TRADE,
    }
}

/// The issuer's no to a capture or a reversal: the order waits, and the operator sees why.
fn declined(answer: &CardAnswer) -> Halt {
    let code = match answer {
        CardAnswer::Declined { code } => format!("card_network_{code}").to_lowercase(),
        CardAnswer::Approved { .. } => "card_network".to_string(),
    };
    peer(Problem::new(422, &code, "the issuer has declined", None).into())
}

/// Keeps the approval code and the last answer.
fn note(trade: Option<&mut BrokerTrade>, answer: &CardAnswer) {
    let Some(trade) = trade else { return };
    match answer {
        CardAnswer::Approved { approval } => {
            trade.approval.get_or_insert_with(|| approval.clone());
            trade.answer = Some("00".to_string());
        }
        CardAnswer::Declined { code } => trade.answer = Some(code.clone()),
    }
}
