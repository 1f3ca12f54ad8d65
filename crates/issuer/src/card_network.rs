//! The issuer on the card network: authorize, capture and reverse on the same holds (row C8; ISO
//! 8583:1987). There is no signed document here: the record of the trade is the evidence.

use crate::{
    Issuer,
    books::Code,
    records::{ACCEPTORS, CARDS, HOLDS, NetworkTrade, TRADES},
    rules::{
        authenticate::Claim,
        decide::{Asked, Refusal, decide},
    },
    settle::bill,
};
use async_trait::async_trait;
use warifu_ports::{
    Unit,
    card_network::{CardAnswer, CardAuthorization, CardNetwork, CardNetworkError, TradeReference},
    holds::{CardId, Hold, HoldError, HoldWish, Trade, trade_identity},
};
use warifu_protocol::{
    encode::{sha256, to_json},
    settlement::Action,
};
use warifu_types::{Digest, Identifier, Money, Nonce, OrderId, Role, UnixTime};
use warifu_wire::Problem;

/// Field 39, where it is no.
mod code {
    pub const NO_SUCH_MERCHANT: &str = "03";
    pub const DO_NOT_HONOUR: &str = "05";
    pub const INVALID_TRANSACTION: &str = "12";
    pub const INVALID_AMOUNT: &str = "13";
    pub const NO_SUCH_CARD: &str = "14";
    pub const NO_SUCH_TRADE: &str = "25";
    pub const NOT_ENOUGH: &str = "51";
    pub const EXPIRED_CARD: &str = "54";
    pub const DUPLICATE: &str = "94";
}

/// What a job needs.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    role: Role,
    nonce: Nonce,
    now: UnixTime,
    hold_seconds: u64,
    max_instalments: u32,
}

impl Issuer {
    /// Admits a card acceptor: the code of field 42, 1 to 15 letters and digits, and the merchant that
    /// it stands for. The same again changes nothing; another merchant under the code is a conflict.
    pub async fn admit_acceptor(&self, code: &str, merchant: &Identifier) -> Result<(), Problem> {
        let good =
            (1..=15).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric());
        if !good {
            return Err(Problem::bad_value("acceptor", "1 to 15 letters and digits"));
        }
        let (code, merchant) = (code.to_string(), merchant.clone());
        self.store
            .run(move |unit| match ACCEPTORS.get(unit, &code)? {
                Some(known) if known != merchant => Err(Problem::conflict("acceptor")),
                Some(_) => Ok(()),
                None => Ok(ACCEPTORS.put(unit, &code, &merchant)?),
            })
            .await
    }

    /// The acceptors that were admitted, by code.
    pub async fn acceptors(&self) -> Result<Vec<(String, Identifier)>, Problem> {
        Ok(self.store.run(|unit| ACCEPTORS.all(unit)).await?)
    }

    /// The order id under which [`Issuer::view`] and [`Issuer::steps`] know a trade of the card
    /// network.
    pub fn order_of_trade(trade: &TradeReference) -> OrderId {
        OrderId(trade_identity(trade).0)
    }

    pub(crate) fn terms(&self) -> Terms {
        Terms {
            role: self.settings.role,
            nonce: Nonce(self.party.random32()),
            now: self.party.now(),
            hold_seconds: self.settings.hold_seconds(),
            max_instalments: self.settings.max_instalments,
        }
    }

    async fn settle_trade(
        &self,
        trade: &TradeReference,
        amount: Money,
        action: Action,
    ) -> Result<CardAnswer, CardNetworkError> {
        let (trade, terms) = (trade.clone(), self.terms());
        let work = move |unit: &mut dyn Unit| settle(unit, &trade, amount, action, terms);
        self.store.run(work).await.map_err(later)
    }
}

#[async_trait]
impl CardNetwork for Issuer {
    async fn authorize(&self, asked: &CardAuthorization) -> Result<CardAnswer, CardNetworkError> {
        let (asked, terms) = (asked.clone(), self.terms());
        let work = move |unit: &mut dyn Unit| authorize(unit, &asked, terms);
        self.store.run(work).await.map_err(later)
    }

    async fn capture(
        &self,
        trade: &TradeReference,
        amount: Money,
    ) -> Result<CardAnswer, CardNetworkError> {
        if amount.minor() == 0 {
            return Ok(no(code::INVALID_AMOUNT));
        }
        self.settle_trade(trade, amount, Action::Capture).await
    }

    async fn reverse(
        &self,
        trade: &TradeReference,
        amount: Money,
    ) -> Result<CardAnswer, CardNetworkError> {
        self.settle_trade(trade, amount, Action::Void).await
    }
}

/// A store that fails decides nothing: the same question is asked again.
fn later(_: Problem) -> CardNetworkError {
    CardNetworkError::Later
}

fn no(code: &str) -> CardAnswer {
    CardAnswer::Declined { code: code.to_string() }
}

fn answer(known: &NetworkTrade) -> CardAnswer {
    match &known.approval {
        Some(approval) => CardAnswer::Approved { approval: approval.clone() },
        None => no(&known.code),
    }
}

fn authorize(
    unit: &mut dyn Unit,
    asked: &CardAuthorization,
    terms: Terms,
) -> Result<CardAnswer, Problem> {
    let Some(front) = ACCEPTORS.get(unit, &asked.trade.acceptor)? else {
        return Ok(no(code::NO_SUCH_MERCHANT));
    };
    let identity = trade_identity(&asked.trade);
    // The time is no part of it: a retry may be later.
    let card = sha256(&to_json(&(asked.card.number.as_str(), asked.card.expiry.as_str())));
    let content = to_json(&(card, asked.amount, asked.payments));
    let content = unit.keyed_hash("card_network_question", &content);
    if let Some(known) = TRADES.get(unit, &identity.to_string())? {
        let reversed_first = known.asked.is_empty();
        let same = known.asked == content || reversed_first;
        return Ok(if same { answer(&known) } else { no(code::DUPLICATE) });
    }
    let held = decide_trade(unit, asked, (&identity, &front), terms)?;
    let approval = unit.keyed_hash("card_network_approval", identity.to_string().as_bytes());
    let (hold, known) = match held {
        Ok(hold) => {
            let (approval, code) = (Some(approval_code(&approval)), "00".to_string());
            (Some(hold), NetworkTrade { asked: content, approval, code })
        }
        Err(code) => {
            (None, NetworkTrade { asked: content, approval: None, code: code.to_string() })
        }
    };
    let answer = answer(&known);
    TRADES.put(unit, &identity.to_string(), &known)?;
    keep(unit, (identity, &front), Some(asked.amount), hold, terms)?;
    Ok(answer)
}

fn keep(
    unit: &mut dyn Unit,
    (identity, front): (Digest, &Identifier),
    amount: Option<Money>,
    hold: Option<Hold>,
    terms: Terms,
) -> Result<(), Problem> {
    let trade = Trade {
        identity,
        front,
        authorization: terms.nonce,
        amount,
        hold,
        now: terms.now,
        lifetime: terms.hold_seconds,
    };
    Ok(HOLDS.keep_trade(unit, trade)?)
}

/// The hold, or field 39 of the refusal.
fn decide_trade(
    unit: &mut dyn Unit,
    asked: &CardAuthorization,
    (identity, front): (&Digest, &Identifier),
    terms: Terms,
) -> Result<Result<Hold, &'static str>, Problem> {
    if terms.role != Role::Issuer {
        return Ok(Err(code::INVALID_TRANSACTION));
    }
    if asked.amount.minor() == 0 {
        return Ok(Err(code::INVALID_AMOUNT));
    }
    let id = CardId::of(unit, &asked.card.number);
    let card = CARDS.get(unit, id.as_str())?;
    if card.is_none() {
        return Ok(Err(code::NO_SUCH_CARD));
    }
    let claim = Claim {
        holder: None,
        card_number: &asked.card.number,
        card_expiry: &asked.card.expiry,
        holder_name: None,
        holder_telephone: None,
    };
    let payments = asked.payments.max(1);
    let purchase = Asked::Purchase { amount: asked.amount, payments };
    let most = terms.max_instalments;
    if let Err(refusal) = decide(card.as_ref(), &claim, &purchase, most, terms.now) {
        return Ok(Err(refusal_code(refusal)));
    }
    let wish = HoldWish {
        card: &id,
        front,
        amount: asked.amount,
        payments,
        order: &OrderId(identity.0),
        identity,
        at: terms.now,
        code: Code::Purchase as u16,
    };
    Ok(HOLDS.hold(unit, &wish)?.ok_or(code::NOT_ENOUGH))
}

fn refusal_code(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NotAuthenticated
        | Refusal::CardBlocked
        | Refusal::AccessDenied
        | Refusal::Withdrawn => code::DO_NOT_HONOUR,
        Refusal::CardExpired => code::EXPIRED_CARD,
        Refusal::CurrencyNotServed | Refusal::InstalmentsNotOffered => code::INVALID_TRANSACTION,
        Refusal::LimitExceeded => code::NOT_ENOUGH,
    }
}

/// Six letters and digits, the same for the same trade.
fn approval_code(keyed_hash: &str) -> String {
    keyed_hash
        .bytes()
        .filter(u8::is_ascii_alphanumeric)
        .chain(std::iter::repeat(b'0'))
        .take(6)
        .map(|b| char::from(b.to_ascii_uppercase()))
        .collect()
}

fn settle(
    unit: &mut dyn Unit,
    trade: &TradeReference,
    amount: Money,
    action: Action,
    terms: Terms,
) -> Result<CardAnswer, Problem> {
    let Some(front) = ACCEPTORS.get(unit, &trade.acceptor)? else {
        return Ok(no(code::NO_SUCH_MERCHANT));
    };
    let identity = trade_identity(trade);
    let key = identity.to_string();
    let known = TRADES.get(unit, &key)?;
    let Some((known, found)) = known.zip(HOLDS.find(unit, &identity)?) else {
        if action == Action::Void {
            remember_reversal(unit, (identity, &front), terms)?;
        }
        return Ok(no(code::NO_SUCH_TRADE));
    };
    let Some(hold) = found.1.hold.clone() else { return Ok(no(code::NO_SUCH_TRADE)) };
    if action == Action::Void && amount != hold.amount {
        return Ok(no(code::INVALID_AMOUNT));
    }
    let done = found.1.settled.as_ref().map(|settled| settled.action);
    let wanted = Some(amount).filter(|_| action == Action::Capture);
    match HOLDS.settle_trade(unit, found, action, wanted, terms.now) {
        Ok(captured) => {
            if let Some((order, record)) = captured {
                bill(unit, order, &record, terms.now)?;
            }
            Ok(answer(&known))
        }
        Err(HoldError::TooMuch) => Ok(no(code::INVALID_AMOUNT)),
        Err(HoldError::Conflict) if done == Some(action) => Ok(no(code::DUPLICATE)),
        Err(HoldError::Store(error)) => Err(error.into()),
        Err(_) => Ok(no(code::INVALID_TRANSACTION)),
    }
}

/// Nobody has asked about a trade, and nobody will: as if its reversal had come first.
pub(crate) fn bar(
    unit: &mut dyn Unit,
    trade: &TradeReference,
    front: &Identifier,
    terms: Terms,
) -> Result<(), Problem> {
    remember_reversal(unit, (trade_identity(trade), front), terms)
}

/// A reversal that came before its authorization: whatever comes later under this reference is refused.
fn remember_reversal(
    unit: &mut dyn Unit,
    (identity, front): (Digest, &Identifier),
    terms: Terms,
) -> Result<(), Problem> {
    let code = code::INVALID_TRANSACTION.to_string();
    let known = NetworkTrade { asked: String::new(), approval: None, code };
    TRADES.put(unit, &identity.to_string(), &known)?;
    keep(unit, (identity, front), None, None, terms)
}
