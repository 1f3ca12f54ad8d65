//! Seeds of signed messages.

use crate::{
    corpora::{self, seed},
    targets::{
        ASKED, FILE, Fixture, KPS, asked_meter, center_of,
        common::{Cast, NETWORK, NOW},
        granted, kinds,
    },
};
use warifu_protocol::{
    AtFault,
    authorization::{Authorization, AuthorizationRequest, Decision, shared_digests},
    delivery::{Delivery, DeliveryRequest, DeliveryState},
    encode::{b64, sha256, unb64},
    enrolment::{
        EnrolmentRequest,
        renewal::{EpochNotice, Grant, RenewalRequest},
    },
    goods::{GoodsReceipt, ReceivedFile},
    metering::Meter,
    prepaid::PrepaidCard,
    settlement::{Action, Settlement, SettlementRequest},
    status::{State, Status},
    telegram::{Instruction, Outcome, Telegram, TelegramAnswer, identity, key_id},
};
use warifu_types::{Currency, Money, Nonce, Role};

/// One message of each kind, in the order of `kinds`.
pub fn messages(fixture: &Fixture) -> Vec<String> {
    let Fixture { cast, sealed, opened, quote } = fixture;
    let Cast { holder, merchant, issuer, carrier, .. } = cast;
    let order = sealed.identity;
    let [m, i, c, h] = [merchant, issuer, carrier, holder].map(|terminal| terminal.id().clone());
    let (iat, exp) = (NOW, NOW.plus(300));
    let (by_merchant, by_issuer) = (merchant.signer.as_ref(), issuer.signer.as_ref());
    let digests = shared_digests(&opened.form.form.rule, &opened.claims);
    let authorization = Authorization {
        iss: i.clone(),
        aud: m.clone(),
        order,
        jti: Nonce([5; 32]),
        decision: Decision::Authorized,
        reason: None,
        transaction: None,
        iat,
        exp,
    }
    .sign(by_issuer);
    let delivery_request = DeliveryRequest {
        iss: m.clone(),
        aud: c.clone(),
        order,
        authorization: authorization.clone(),
        issuer_credential: issuer.credential_token.clone(),
        instructions: "天地無用".into(),
        iat,
        exp,
    };
    let (action, state) = (Action::Capture, State::Settled);
    let (iss, aud) = (m.clone(), i.clone());
    let request = SettlementRequest {
        iss: iss.clone(),
        aud: aud.clone(),
        order,
        authorization: Nonce([5; 32]),
        action,
        amount: None,
        iat,
        exp,
    };
    let delivered = DeliveryState::Delivered;
    let trade = [
        holder.credential_token.clone(),
        enrolment_request(cast),
        sealed.bundle.form.clone(),
        quote.clone(),
        sealed.bundle.order.clone(),
        AuthorizationRequest { iss, aud, order, digests, iat, exp }.sign(by_merchant),
        authorization,
        delivery_request.sign(by_merchant),
        Delivery { iss: c, aud: m.clone(), order, state: delivered, iat }
            .sign(carrier.signer.as_ref()),
        request.sign(by_merchant),
        Settlement { iss: i, aud: m.clone(), order, action, iat }.sign(by_issuer),
        Status { iss: m, aud: h, order, state, reason: None, authorization: None, iat }
            .sign(by_merchant),
    ];
    let prepaid = prepaid_messages(fixture).into_iter().chain(renewal_messages(fixture));
    trade.into_iter().chain(prepaid).chain(goods_messages(fixture)).collect()
}

/// A telegram, its answer, and a card.
fn prepaid_messages(fixture: &Fixture) -> [String; 3] {
    let Cast { holder, issuer, .. } = &fixture.cast;
    let (center, member) = (center_of(fixture), &holder.credential);
    let telegram = Telegram {
        iss: member.sub.clone(),
        aud: center.sub.clone(),
        key: key_id(&member.key),
        jti: Nonce([8; 32]),
        seq: 3,
        instruction: Instruction::Balance { card: "4111111111111111".into() },
        iat: NOW,
        exp: NOW.plus(300),
    };
    let loaded = Money::new(10_000, Currency::JPY).unwrap();
    let answer = TelegramAnswer {
        iss: center.sub.clone(),
        aud: member.sub.clone(),
        telegram: identity(ASKED),
        outcome: Outcome::Balance(loaded),
        iat: NOW,
    };
    let card = PrepaidCard {
        iss: center.sub,
        network: NETWORK.to_string(),
        sub: member.sub.clone(),
        number: "4111111111111111".into(),
        expiry: "2030-12".into(),
        loaded,
        serial: 1,
        iat: NOW,
        exp: NOW.plus(86_400),
    };
    let by_center = issuer.signer.as_ref();
    [telegram.sign(holder.signer.as_ref()), answer.sign(by_center), card.sign(by_center)]
}

/// A notice, a request for renewal, and a grant.
fn renewal_messages(fixture: &Fixture) -> [String; 3] {
    let Cast { holder, net, .. } = &fixture.cast;
    let key = &net.centers[0].1;
    let center = net.anchors.centers[0].center.clone();
    let (network, epoch) = (NETWORK.to_string(), net.epoch + 1);
    let grace_until = NOW.plus(60);
    let notice =
        EpochNotice { iss: center.clone(), network: network.clone(), epoch, grace_until, iat: NOW };
    let notice = notice.sign(key);
    let request = RenewalRequest {
        iss: holder.id().clone(),
        aud: center.clone(),
        network: network.clone(),
        credential: holder.credential_token.clone(),
        notices: vec![notice.clone()],
        iat: NOW,
        exp: NOW.plus(300),
    };
    let shares = sha256(granted(fixture).as_bytes());
    let (sub, epoch) = (holder.id().clone(), net.epoch);
    let grant = Grant { iss: center, network, sub, epoch, shares };
    [notice, request.sign(holder.signer.as_ref()), grant.sign(key)]
}

/// A receipt for a file, the use that a merchant tells of, and the center's word on it.
fn goods_messages(fixture: &Fixture) -> [String; 3] {
    let Cast { holder, merchant, issuer, .. } = &fixture.cast;
    let (number, sha256) = FILE;
    let receipt = GoodsReceipt {
        iss: holder.id().clone(),
        aud: merchant.id().clone(),
        order: fixture.sealed.identity,
        files: vec![ReceivedFile { number: number.into(), sha256: *sha256 }],
        iat: NOW,
    };
    let asked = asked_meter(fixture);
    let meter = Meter {
        iss: asked.aud.clone(),
        aud: asked.iss.clone(),
        order: asked.order,
        tick: asked.tick,
        amount: asked.amount,
        iat: NOW,
    };
    let [by_holder, by_merchant, by_center] =
        [holder, merchant, issuer].map(|terminal| terminal.signer.as_ref());
    [receipt.sign(by_holder), asked.sign(by_merchant), meter.sign(by_center)]
}

pub fn enrolment_request(cast: &Cast) -> String {
    let credential = &cast.holder.credential;
    EnrolmentRequest {
        sub: credential.sub.clone(),
        roles: vec![Role::Holder],
        key: credential.key,
        hpke: credential.hpke.clone(),
        suites: credential.suites.clone(),
        url: None,
        iat: NOW,
    }
    .sign(cast.holder.signer.as_ref())
}

pub fn seeds() {
    for (n, (token, (kind, _))) in messages(&KPS).iter().zip(kinds(&KPS)).enumerate() {
        seed("signed_message", &format!("good_{}", kind.word), token);
        let payload = token.split('.').nth(1).unwrap();
        let mut claims = vec![b'a' + n as u8];
        claims.extend(unb64(payload, AtFault::Own, "seed").unwrap());
        corpora::seeds("claims", kind.word, claims);
    }
    let status = &messages(&KPS)[11];
    let other = b64(br#"{"alg":"none","typ":"warifu-status+jwt"}"#);
    let rest = status.split_once('.').unwrap().1;
    seed("signed_message", "bad_alg_none", format!("{other}.{rest}"));
    seed("signed_message", "bad_cut", &status[..status.len() - 1]);
}
