//! The decision on an order: yes, or a coarse reason that the front may know.

use crate::rules::{
    authenticate::{Claim, is_holder},
    card::{Card, plain},
};
use warifu_ports::card_network::PresentedCard;
use warifu_protocol::{
    sealed::OpenedOrder,
    value::{Expiry, FieldValue, PaymentType},
};
use warifu_types::{FieldName, Money, Role, UnixTime};

/// Why not. The front is told no more than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    NotAuthenticated,
    CardBlocked,
    CardExpired,
    CurrencyNotServed,
    InstalmentsNotOffered,
    LimitExceeded,
    AccessDenied,
    /// The broker has given the order up.
    Withdrawn,
}

impl Refusal {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Refusal::NotAuthenticated => "not_authenticated",
            Refusal::CardBlocked => "card_blocked",
            Refusal::CardExpired => "card_expired",
            Refusal::CurrencyNotServed => "currency_not_served",
            Refusal::InstalmentsNotOffered => "instalments_not_offered",
            Refusal::LimitExceeded => "limit_exceeded",
            Refusal::AccessDenied => "access_denied",
            Refusal::Withdrawn => "withdrawn",
        }
    }
}

/// What is asked of a card.
pub(crate) enum Asked<'a> {
    /// Money, in so many payments.
    Purchase { amount: Money, payments: u32 },
    /// A place.
    Access { zone: &'a str },
}

/// What the authorizer's part says, and the card that was shown beside it; or the field that the
/// disclosure rule left out.
pub(crate) fn read<'a>(
    opened: &'a OpenedOrder,
    role: Role,
    card: Option<&'a PresentedCard>,
) -> Result<(Claim<'a>, Asked<'a>), FieldName> {
    let text = |field: FieldName| match opened.fields.get(&field).and_then(FieldValue::as_text) {
        Some(text) => Ok(text),
        None => Err(field),
    };
    let (card_number, card_expiry) = match card {
        Some(card) => (card.number.as_str(), card.expiry.as_str()),
        None => (text(FieldName::CARD_NUMBER)?, text(FieldName::CARD_EXPIRY)?),
    };
    let by_broker = opened.form.form.rule.is_for_brokers();
    let claim = Claim {
        holder: (!by_broker).then_some(&opened.claims.iss),
        card_number,
        card_expiry,
        holder_name: Some(text(FieldName::HOLDER_NAME)?),
        holder_telephone: text(FieldName::HOLDER_TELEPHONE).ok(),
    };
    if role == Role::CardManager {
        return Ok((claim, Asked::Access { zone: text(FieldName::ACCESS_ZONE)? }));
    }
    let amount = opened.fields.get(&FieldName::AMOUNT).and_then(FieldValue::as_amount);
    let payments = match text(FieldName::PAYMENT_TYPE) {
        Ok(kind) => PaymentType::parse(kind).ok_or(FieldName::PAYMENT_TYPE)?.count(),
        Err(_) => 1,
    };
    Ok((claim, Asked::Purchase { amount: amount.ok_or(FieldName::AMOUNT)?, payments }))
}

/// Everything but the limit, which the ledger enforces. The card's own state is told only to whom
/// the holder's authentication succeeded.
pub(crate) fn decide(
    card: Option<&Card>,
    claim: &Claim<'_>,
    asked: &Asked<'_>,
    most_payments: u32,
    now: UnixTime,
) -> Result<(), Refusal> {
    let card = match card {
        Some(card) if is_holder(Some(card), claim) => card,
        Some(_) => return Err(Refusal::NotAuthenticated),
        None => {
            is_holder(None, claim);
            return Err(Refusal::NotAuthenticated);
        }
    };
    if card.blocked {
        return Err(Refusal::CardBlocked);
    }
    if !Expiry::parse(&card.application.expiry).is_some_and(|expiry| expiry.is_good(now)) {
        return Err(Refusal::CardExpired);
    }
    match asked {
        Asked::Purchase { amount, payments } => {
            if !card.serves(*amount) {
                return Err(Refusal::CurrencyNotServed);
            }
            // An instalment of nothing is none.
            let most = card.most_payments(most_payments);
            if *payments > most || u64::from(*payments) > amount.minor() {
                return Err(Refusal::InstalmentsNotOffered);
            }
            Ok(())
        }
        Asked::Access { zone } => {
            let zone = plain(zone);
            let opens = card.application.zones.iter().any(|known| plain(known) == zone);
            if opens { Ok(()) } else { Err(Refusal::AccessDenied) }
        }
    }
}
