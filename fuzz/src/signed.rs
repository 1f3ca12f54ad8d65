//! Signed messages of every kind, each checked by whoever it is for.

use super::{
    Fixture, KPS,
    common::{Cast, NETWORK, NOW, rng},
    text,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::sync::LazyLock;
use warifu_protocol::{
    AtFault,
    authorization::{AUTHORIZATION, AUTHORIZATION_REQUEST, Authorization, AuthorizationRequest},
    credential::{CREDENTIAL, Credential},
    delivery::{DELIVERY, DELIVERY_REQUEST, Delivery, DeliveryRequest},
    encode::to_json,
    enrolment::{
        ENROLMENT_REQUEST, EnrolmentRequest, encrypt_shares,
        renewal::{
            self, EPOCH, EpochNotice, GRANT, Grant, RENEWAL_REQUEST, Renewal, RenewalRequest,
        },
    },
    error::Result,
    form::{FORM, Form},
    goods::{GOODS_RECEIPT, GoodsReceipt},
    jws::{self, TokenType},
    metering::{METER, METER_REQUEST, Meter, MeterRequest},
    order::{ORDER, OrderClaims},
    prepaid::{PREPAID_CARD, PrepaidCard},
    quote::{QUOTE, Quote},
    sealed::{self, SealedOrder},
    settlement::{Action, SETTLEMENT, SETTLEMENT_REQUEST, Settlement, SettlementRequest},
    signer::Signer,
    status::{STATUS, Status},
    telegram::{TELEGRAM, TELEGRAM_ANSWER, Telegram, TelegramAnswer},
};
use warifu_types::{Currency, Digest, Money, Role};

/// A signed message of any kind, as it comes from the network.
pub fn signed_message(data: &[u8]) -> bool {
    text(data).is_some_and(|token| verify_all(&KPS, token))
}

/// Verifies a token as every kind that it might be. Each check ends at the `typ` but the right one.
fn verify_all(fixture: &Fixture, token: &str) -> bool {
    let Fixture { cast, opened, sealed, .. } = fixture;
    let [holder, merchant, issuer, carrier] =
        [&cast.holder, &cast.merchant, &cast.issuer, &cast.carrier].map(|t| &t.credential);
    let order = &sealed.identity;
    let front = (&merchant.sub, &merchant.key);
    let with_order = SealedOrder { order: token.into(), ..sealed.bundle.clone() };
    let trust = &cast.carrier.trust;
    let center = center_of(fixture);
    let checked: [Result<()>; 21] = [
        trust.credential(token, NOW, AtFault::Sender).map(drop),
        EnrolmentRequest::verify(token).map(drop),
        trust.form(token, merchant, NOW, AtFault::Sender).map(drop),
        Quote::verify(token, &opened.form.hash, front, NOW, AtFault::Sender).map(drop),
        sealed::check(&cast.issuer, &with_order, merchant, NOW).map(drop),
        AuthorizationRequest::verify(token, merchant, &issuer.sub, opened, NOW).map(drop),
        Authorization::verify(token, (Role::Issuer, issuer), &merchant.sub, order, NOW).map(drop),
        DeliveryRequest::verify(token, trust, merchant, &carrier.sub, opened, NOW).map(drop),
        Delivery::verify(token, carrier, &merchant.sub, order).map(drop),
        SettlementRequest::verify(token, merchant, &issuer.sub, NOW).map(drop),
        Settlement::verify(token, issuer, &merchant.sub, order, Action::Capture).map(drop),
        Status::verify(token, merchant, &holder.sub, order, AtFault::Sender).map(drop),
        Telegram::verify(token, &holder.key, &center.sub).map(drop),
        TelegramAnswer::verify(token, &center, &holder.sub, ASKED).map(drop),
        PrepaidCard::verify(token, &center, NOW).map(drop),
        renewal::learn(&cast.net.anchors, &[token.to_string()], NOW, AtFault::Sender).map(drop),
        renewal_request(fixture, token),
        grant(fixture, token),
        GoodsReceipt::verify(token, holder, &merchant.sub, order, [FILE]).map(drop),
        MeterRequest::verify(token, merchant, &center.sub, NOW).map(drop),
        Meter::verify(token, &center, &asked_meter(fixture)).map(drop),
    ];
    let accepted = checked.iter().filter(|result| result.is_ok()).count();
    assert!(accepted <= 1, "a message of two kinds");
    accepted == 1
}

fn renewal_request(fixture: &Fixture, token: &str) -> Result<()> {
    let Cast { holder, net, .. } = &fixture.cast;
    let (party, center) = (&holder.credential, &net.anchors.centers[0].center);
    RenewalRequest::verify(token, (&party.sub, &party.key), (NETWORK, center), NOW).map(drop)
}

/// A grant, beside the shares that it is for.
fn grant(fixture: &Fixture, token: &str) -> Result<()> {
    let Cast { holder, net, .. } = &fixture.cast;
    let renewal =
        Renewal { grant: token.to_string(), credential: None, shares: GRANTED.to_string() };
    renewal.open(NETWORK, &net.anchors.centers[0], holder.id(), &holder.hpke).map(drop)
}

/// The holder's share of the first center, encrypted.
pub fn granted(fixture: &Fixture) -> String {
    let Cast { holder, net, .. } = &fixture.cast;
    let share = net.centers[0].0.holder_share(0, holder.id());
    let key = &holder.credential.hpke[0];
    encrypt_shares(holder.id(), key, &[share], &mut rng(9)).unwrap()
}

static GRANTED: LazyLock<String> = LazyLock::new(|| granted(&KPS));

/// What stands for the telegram that is answered.
pub const ASKED: &str = "a telegram";

/// The file that was promised: item number and hash.
pub const FILE: (&str, &Digest) = ("T-100", &Digest([6; 32]));

/// The use that the merchant tells the center of.
pub fn asked_meter(fixture: &Fixture) -> MeterRequest {
    MeterRequest {
        iss: fixture.cast.merchant.id().clone(),
        aud: center_of(fixture).sub,
        order: fixture.sealed.identity,
        tick: 3,
        amount: Money::new(30, Currency::JPY).unwrap(),
        iat: NOW,
        exp: NOW.plus(300),
    }
}

/// The issuer as a settlement center, whose signer it is in [`kinds`].
pub fn center_of(fixture: &Fixture) -> Credential {
    Credential { roles: vec![Role::Center], ..(*fixture.cast.issuer.credential).clone() }
}

/// Who signs each kind of message.
pub fn kinds(fixture: &Fixture) -> [(TokenType, &dyn Signer); 21] {
    let Cast { holder, merchant, issuer, carrier, net } = &fixture.cast;
    let [holder, merchant, issuer, carrier] =
        [holder, merchant, issuer, carrier].map(|terminal| terminal.signer.as_ref());
    [
        (CREDENTIAL, &net.centers[0].1),
        (ENROLMENT_REQUEST, holder),
        (FORM, merchant),
        (QUOTE, merchant),
        (ORDER, holder),
        (AUTHORIZATION_REQUEST, merchant),
        (AUTHORIZATION, issuer),
        (DELIVERY_REQUEST, merchant),
        (DELIVERY, carrier),
        (SETTLEMENT_REQUEST, merchant),
        (SETTLEMENT, issuer),
        (STATUS, merchant),
        (TELEGRAM, holder),
        (TELEGRAM_ANSWER, issuer),
        (PREPAID_CARD, issuer),
        (EPOCH, &net.centers[0].1),
        (RENEWAL_REQUEST, holder),
        (GRANT, &net.centers[0].1),
        (GOODS_RECEIPT, holder),
        (METER_REQUEST, merchant),
        (METER, issuer),
    ]
}

/// Claims, signed by the right party: the first byte chooses the kind, the rest is JSON.
pub fn claims(data: &[u8]) -> bool {
    let Some((kind, claims)) = data.split_first() else { return false };
    let Ok(claims) = serde_json::from_slice::<&RawValue>(claims) else { return false };
    let kinds = kinds(&KPS);
    let (kind, signer) = kinds[usize::from(kind.wrapping_sub(b'a')) % kinds.len()];
    let token = jws::sign(kind, &claims, signer);
    let accepted = verify_all(&KPS, &token);
    assert!(!accepted || rewritten(kind, &token).is_some(), "accepted claims can be written");
    accepted
}

/// The claims as this implementation writes them.
fn rewritten(kind: TokenType, token: &str) -> Option<Vec<u8>> {
    fn again<T: DeserializeOwned + Serialize>(kind: TokenType, token: &str) -> Option<Vec<u8>> {
        jws::peek::<T>(kind, token, AtFault::Own).ok().map(|claims| to_json(&claims))
    }
    again::<Credential>(kind, token)
        .or_else(|| again::<EnrolmentRequest>(kind, token))
        .or_else(|| again::<Form>(kind, token))
        .or_else(|| again::<Quote>(kind, token))
        .or_else(|| again::<OrderClaims>(kind, token))
        .or_else(|| again::<AuthorizationRequest>(kind, token))
        .or_else(|| again::<Authorization>(kind, token))
        .or_else(|| again::<DeliveryRequest>(kind, token))
        .or_else(|| again::<Delivery>(kind, token))
        .or_else(|| again::<SettlementRequest>(kind, token))
        .or_else(|| again::<Settlement>(kind, token))
        .or_else(|| again::<Status>(kind, token))
        .or_else(|| again::<Telegram>(kind, token))
        .or_else(|| again::<TelegramAnswer>(kind, token))
        .or_else(|| again::<PrepaidCard>(kind, token))
        .or_else(|| again::<EpochNotice>(kind, token))
        .or_else(|| again::<RenewalRequest>(kind, token))
        .or_else(|| again::<Grant>(kind, token))
        .or_else(|| again::<GoodsReceipt>(kind, token))
        .or_else(|| again::<MeterRequest>(kind, token))
        .or_else(|| again::<Meter>(kind, token))
}
