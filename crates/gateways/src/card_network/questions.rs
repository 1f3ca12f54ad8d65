//! The port's questions and answers as messages, and back.
//!
//! A trade is named by fields 42 and 37 alone: a provider that captures or reverses no longer has
//! the card, so field 2 stands in authorizations only.

use super::{
    date,
    message::{Fault, Message, MessageError, MessageType},
};
use warifu_ports::card_network::{
    CardAnswer, CardAuthorization, CardNetworkError, PresentedCard, TradeReference,
};
use warifu_types::{Currency, Money, UnixTime};
use zeroize::Zeroizing;

/// Processing code: goods and services.
const PURCHASE: &str = "000000";
/// The card number was keyed in; there is no PIN pad.
const KEYED_IN: &str = "012";
/// By mail or telephone: the holder is not present.
const BY_MAIL: &str = "08";
/// The capture of an earlier authorization.
const PREAUTHORIZED: &str = "06";

/// What a message asks.
#[derive(Debug)]
pub(super) enum Question {
    Authorize(CardAuthorization),
    Capture(TradeReference, Money),
    Reverse(TradeReference, Money),
    /// Field 70.
    Manage(u16),
}

/// Why a question has no answer of an issuer: field 39.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unanswerable {
    /// A format error.
    Format(MessageError),
    /// Sound, but without meaning here.
    Code(&'static str),
}

impl From<MessageError> for Unanswerable {
    fn from(error: MessageError) -> Unanswerable {
        Unanswerable::Format(error)
    }
}

/// 0100.
pub(super) fn authorization(asked: &CardAuthorization) -> Result<Message, CardNetworkError> {
    let mut message = of_trade(MessageType::Authorization, &asked.trade, asked.amount, asked.at)?;
    let expiry = date::write_expiry(&asked.card.expiry).ok_or(CardNetworkError::BadQuestion(14))?;
    let payments = match asked.payments {
        count @ 1..=99 => format!("{count:02}"),
        _ => return Err(CardNetworkError::BadQuestion(67)),
    };
    let set = |message: &mut Message| {
        message.set(2, asked.card.number.as_str())?;
        message.set(14, expiry)?;
        message.set(22, KEYED_IN)?;
        message.set(25, BY_MAIL)?;
        message.set(67, payments)
    };
    set(&mut message).map_err(bad_question)?;
    Ok(message)
}

/// 0220.
pub(super) fn capture(
    trade: &TradeReference,
    amount: Money,
    now: UnixTime,
) -> Result<Message, CardNetworkError> {
    let mut message = of_trade(MessageType::Capture, trade, amount, now)?;
    message.set(25, PREAUTHORIZED).map_err(bad_question)?;
    Ok(message)
}

/// 0400. Field 90 names the original by its type alone: the rest is zeros, as where it is not known.
pub(super) fn reversal(
    trade: &TradeReference,
    amount: Money,
    now: UnixTime,
) -> Result<Message, CardNetworkError> {
    let mut message = of_trade(MessageType::Reversal, trade, amount, now)?;
    message.set(90, format!("{:0<42}", "0100")).map_err(bad_question)?;
    Ok(message)
}

/// 0800, with field 70.
pub(super) fn management(code: u16, now: UnixTime) -> Result<Message, CardNetworkError> {
    let mut message = Message::new(MessageType::Network);
    let at = date::write(now).ok_or(CardNetworkError::BadQuestion(7))?;
    message.set(7, at).map_err(bad_question)?;
    message.set(70, format!("{code:03}")).map_err(bad_question)?;
    Ok(message)
}

fn of_trade(
    kind: MessageType,
    trade: &TradeReference,
    amount: Money,
    at: UnixTime,
) -> Result<Message, CardNetworkError> {
    if !is_acceptor(&trade.acceptor) {
        return Err(CardNetworkError::BadQuestion(42));
    }
    let at = date::write(at).ok_or(CardNetworkError::BadQuestion(7))?;
    let mut message = Message::new(kind);
    let set = |message: &mut Message| {
        message.set(3, PURCHASE)?;
        message.set(4, format!("{:012}", amount.minor()))?;
        message.set(7, at)?;
        message.set(37, trade.reference.as_str())?;
        message.set_padded(42, &trade.acceptor)?;
        message.set(49, format!("{:03}", amount.currency().numeric()))
    };
    set(&mut message).map_err(bad_question)?;
    Ok(message)
}

fn bad_question(error: MessageError) -> CardNetworkError {
    CardNetworkError::BadQuestion(error.field)
}

fn is_acceptor(code: &str) -> bool {
    (1..=15).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What a message asks; `now` gives its date a year.
pub(super) fn read(message: &Message, now: UnixTime) -> Result<Question, Unanswerable> {
    message.need(11)?;
    message.need(7)?;
    Ok(match message.kind {
        MessageType::Authorization | MessageType::AuthorizationRepeat => {
            Question::Authorize(read_authorization(message, now)?)
        }
        MessageType::Capture | MessageType::CaptureRepeat => {
            let (trade, amount) = read_trade(message)?;
            Question::Capture(trade, amount)
        }
        MessageType::Reversal | MessageType::ReversalRepeat => {
            let (trade, amount) = read_trade(message)?;
            let of_an_authorization =
                |original: &str| matches!(original.get(..4), Some("0100" | "0101"));
            if !message.get(90).is_none_or(of_an_authorization) {
                return Err(Unanswerable::Code("12"));
            }
            Question::Reverse(trade, amount)
        }
        MessageType::Network | MessageType::NetworkRepeat => {
            Question::Manage(message.need(70)?.parse().unwrap_or(0))
        }
        // An answer asks nothing.
        _ => return Err(MessageError { field: 0, fault: Fault::NotInUse }.into()),
    })
}

fn read_authorization(message: &Message, now: UnixTime) -> Result<CardAuthorization, Unanswerable> {
    let number = Zeroizing::new(message.need(2)?.to_owned());
    let no_value = |field| MessageError { field, fault: Fault::Value };
    let at = date::read(message.need(7)?, now).ok_or(no_value(7))?;
    let expiry = date::read_expiry(message.need(14)?).ok_or(no_value(14))?;
    let payments = match message.get(67) {
        None => 1,
        Some(text) => match text.parse() {
            Ok(count @ 1..) => count,
            _ => return Err(no_value(67).into()),
        },
    };
    let (trade, amount) = read_trade(message)?;
    let card = PresentedCard { number, expiry: Zeroizing::new(expiry) };
    Ok(CardAuthorization { trade, card, amount, payments, at })
}

fn read_trade(message: &Message) -> Result<(TradeReference, Money), Unanswerable> {
    if message.need(3)? != PURCHASE {
        return Err(Unanswerable::Code("12"));
    }
    let (minor, currency) = (message.need(4)?, message.need(49)?);
    let reference = message.need(37)?.to_owned();
    let acceptor = message.need(42)?.trim_end_matches(' ').to_owned();
    if !is_acceptor(&acceptor) {
        return Err(MessageError { field: 42, fault: Fault::Character }.into());
    }
    let amount = read_amount(minor, currency).ok_or(Unanswerable::Code("13"))?;
    Ok((TradeReference { acceptor, reference }, amount))
}

fn read_amount(minor: &str, currency: &str) -> Option<Money> {
    let currency = Currency::from_numeric(currency.parse().ok()?).ok()?;
    Money::new(minor.parse().ok()?, currency).ok()
}

/// An answer: the question's fields that name it, and field 39.
pub(super) fn answer(question: &Message, code: &str, approval: Option<&str>) -> Option<Message> {
    let mut message = Message::new(question.kind.answer()?);
    for number in [3, 4, 7, 11, 37, 41, 42, 49, 70] {
        if let Some(text) = question.get(number) {
            message.set(number, text).ok()?;
        }
    }
    if let Some(approval) = approval {
        message.set(38, approval).ok()?;
    }
    message.set(39, code).ok()?;
    Some(message)
}

/// What an answer says to a question that was asked.
pub(super) fn read_answer(
    question: &Message,
    answer: &Message,
) -> Result<CardAnswer, CardNetworkError> {
    let bad = |error: MessageError| CardNetworkError::BadAnswer(error.field);
    if Some(answer.kind) != question.kind.answer() {
        return Err(CardNetworkError::BadAnswer(0));
    }
    let code = answer.need(39).map_err(bad)?;
    // A format error is answered with what could be read.
    let faulty = code == "30";
    for field in [37, 42, 4, 49] {
        let (asked, answered) = (question.get(field), answer.get(field));
        let left_out = answered.is_none() && (faulty || matches!(field, 4 | 49));
        if asked != answered && !left_out {
            return Err(CardNetworkError::BadAnswer(field));
        }
    }
    match code {
        "00" if answer.kind == MessageType::AuthorizationAnswer => {
            Ok(CardAnswer::Approved { approval: answer.need(38).map_err(bad)?.to_owned() })
        }
        "00" => {
            Ok(CardAnswer::Approved { approval: answer.get(38).unwrap_or_default().to_owned() })
        }
        "91" | "96" => Err(CardNetworkError::Later),
        code => Ok(CardAnswer::Declined { code: code.to_owned() }),
    }
}
