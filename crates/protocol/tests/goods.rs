//! What goes through the network: receipts of files, meter requests and answers, quotes that promise
//! content, captures of a part. Each refusal names its field.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]
mod common;

use common::{Cast, NOW, Net};
use serde_json::{Value, json};
use std::sync::LazyLock;
use warifu_protocol::{
    AtFault, ProtocolError, Reason,
    encode::{sha256, to_json},
    goods::{Content, GOODS_RECEIPT, GoodsReceipt, MAX_FILE, MAX_TICK, ReceivedFile},
    jws::{self, TokenType},
    metering::{METER, METER_REQUEST, Meter, MeterRequest},
    quote::{QUOTE, Quote, QuoteLine},
    settlement::{Action, SETTLEMENT_REQUEST, SettlementRequest},
    terminal::Terminal,
};
use warifu_types::{Currency, Digest, Identifier, Money, Nonce, Role};

static CAST: LazyLock<Cast> = LazyLock::new(|| Cast::new(Net::new()));
static CENTER: LazyLock<Terminal> =
    LazyLock::new(|| CAST.net.terminal("domain:pay.example", Role::Center, 9));

const ORDER: Digest = Digest([5; 32]);

fn other() -> Identifier {
    common::id("domain:other.example")
}

fn yen(minor: u64) -> Money {
    Money::new(minor, Currency::JPY).unwrap()
}

fn receipt() -> GoodsReceipt {
    let file =
        |number: &str| ReceivedFile { number: number.into(), sha256: sha256(number.as_bytes()) };
    GoodsReceipt {
        iss: CAST.holder.id().clone(),
        aud: CAST.merchant.id().clone(),
        order: ORDER,
        files: vec![file("D-1"), file("D-2")],
        iat: NOW,
    }
}

fn check_receipt(token: &str) -> Result<GoodsReceipt, ProtocolError> {
    let hashes = ["D-1", "D-2"].map(|number| (number, sha256(number.as_bytes())));
    let promised = hashes.iter().map(|(number, hash)| (*number, hash));
    let (holder, merchant) = (&CAST.holder.credential, CAST.merchant.id());
    GoodsReceipt::verify(token, holder, merchant, &ORDER, promised)
}

fn refused<T>(result: Result<T, ProtocolError>) -> (AtFault, Reason, String) {
    let error = result.err().unwrap();
    (error.at_fault, error.reason, error.field.into_owned())
}

/// A token with other claims than its type's, signed well.
fn with(kind: TokenType, claims: &impl serde::Serialize, more: Value, by: &Terminal) -> String {
    let mut all: Value = serde_json::from_slice(&to_json(claims)).unwrap();
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    jws::sign(kind, &all, by.signer.as_ref())
}

#[test]
fn receipts() {
    let good = receipt();
    let token = good.sign(CAST.holder.signer.as_ref());
    assert_eq!(check_receipt(&token).unwrap(), good);
    let holder = AtFault::Role(Role::Holder);
    let forged = good.sign(CAST.merchant.signer.as_ref());
    let signature = (holder, Reason::BadSignature, "goods_receipt".to_string());
    assert_eq!(refused(check_receipt(&forged)), signature);
    let mut swapped = good.clone();
    swapped.files.swap(0, 1);
    let fewer = GoodsReceipt { files: good.files[..1].to_vec(), ..good.clone() };
    let more =
        GoodsReceipt { files: [good.files.as_slice(), &good.files[..1]].concat(), ..good.clone() };
    let mut altered = good.clone();
    altered.files[1].sha256 = Digest([0; 32]);
    for (bad, reason, field) in [
        (GoodsReceipt { iss: other(), ..good.clone() }, Reason::WrongParty, "iss"),
        (GoodsReceipt { aud: other(), ..good.clone() }, Reason::WrongParty, "aud"),
        (GoodsReceipt { order: Digest([6; 32]), ..good.clone() }, Reason::Mismatch, "order"),
        (swapped, Reason::Mismatch, "files"),
        (fewer, Reason::Mismatch, "files"),
        (more, Reason::Mismatch, "files"),
        (altered, Reason::Mismatch, "files[1].sha256"),
    ] {
        let token = bad.sign(CAST.holder.signer.as_ref());
        let expected = (holder, reason, format!("goods_receipt.{field}"));
        assert_eq!(refused(check_receipt(&token)), expected);
    }
    for (more, field) in [
        (json!({"note": "x"}), "goods_receipt.note"),
        (json!({"files": [["D-1", "x"]]}), "goods_receipt.files[0]"),
        (json!({"files": {}}), "goods_receipt.files"),
    ] {
        let token = with(GOODS_RECEIPT, &good, more, &CAST.holder);
        let expected = (holder, Reason::Malformed, field.to_string());
        assert_eq!(refused(check_receipt(&token)), expected);
    }
}

fn meter_request() -> MeterRequest {
    MeterRequest {
        iss: CAST.merchant.id().clone(),
        aud: CENTER.id().clone(),
        order: ORDER,
        tick: 3,
        amount: yen(30),
        iat: NOW,
        exp: NOW.plus(300),
    }
}

fn check_request(token: &str) -> Result<MeterRequest, ProtocolError> {
    MeterRequest::verify(token, &CAST.merchant.credential, CENTER.id(), NOW)
}

#[test]
fn meter_requests() {
    let good = meter_request();
    let by = CAST.merchant.signer.as_ref();
    assert_eq!(check_request(&good.sign(by)).unwrap(), good);
    let merchant = AtFault::Role(Role::Merchant);
    let forged = good.sign(CAST.holder.signer.as_ref());
    let signature = (merchant, Reason::BadSignature, "meter_request".to_string());
    assert_eq!(refused(check_request(&forged)), signature);
    for (bad, reason, field) in [
        (MeterRequest { iss: other(), ..good.clone() }, Reason::WrongParty, "iss"),
        (MeterRequest { aud: other(), ..good.clone() }, Reason::WrongParty, "aud"),
        (MeterRequest { tick: 0, ..good.clone() }, Reason::BadValue, "tick"),
        (MeterRequest { amount: yen(0), ..good.clone() }, Reason::BadValue, "amount"),
        (MeterRequest { exp: NOW.minus(120), ..good.clone() }, Reason::Expired, "exp"),
        (MeterRequest { iat: NOW.plus(121), ..good.clone() }, Reason::NotYetValid, "iat"),
    ] {
        let expected = (merchant, reason, format!("meter_request.{field}"));
        assert_eq!(refused(check_request(&bad.sign(by))), expected);
    }
    for (more, field) in [
        (json!({"more": 1}), "meter_request.more"),
        (json!({"tick": -1}), "meter_request.tick"),
        (json!({"tick": 4_294_967_296_u64}), "meter_request.tick"),
        (json!({"amount": [30, "JPY"]}), "meter_request.amount"),
    ] {
        let token = with(METER_REQUEST, &good, more, &CAST.merchant);
        let expected = (merchant, Reason::Malformed, field.to_string());
        assert_eq!(refused(check_request(&token)), expected);
    }
}

#[test]
fn meter_answers() {
    let request = meter_request();
    let good = Meter {
        iss: CENTER.id().clone(),
        aud: request.iss.clone(),
        order: ORDER,
        tick: 3,
        amount: yen(30),
        iat: NOW,
    };
    let check = |token: &str| Meter::verify(token, &CENTER.credential, &request);
    let by = CENTER.signer.as_ref();
    assert_eq!(check(&good.sign(by)).unwrap(), good);
    let center = AtFault::Role(Role::Center);
    let forged = good.sign(CAST.merchant.signer.as_ref());
    assert_eq!(refused(check(&forged)), (center, Reason::BadSignature, "meter".to_string()));
    // The merchant's own request is no answer.
    let reflected = request.sign(by);
    assert_eq!(refused(check(&reflected)), (center, Reason::Malformed, "meter.typ".to_string()));
    for (bad, reason, field) in [
        (Meter { iss: other(), ..good.clone() }, Reason::WrongParty, "iss"),
        (Meter { aud: other(), ..good.clone() }, Reason::WrongParty, "aud"),
        (Meter { order: Digest([6; 32]), ..good.clone() }, Reason::Mismatch, "order"),
        (Meter { tick: 2, ..good.clone() }, Reason::Mismatch, "tick"),
        (Meter { amount: yen(29), ..good.clone() }, Reason::Mismatch, "amount"),
    ] {
        let expected = (center, reason, format!("meter.{field}"));
        assert_eq!(refused(check(&bad.sign(by))), expected);
    }
    let more = with(METER, &good, json!({"more": 1}), &CENTER);
    assert_eq!(refused(check(&more)), (center, Reason::Malformed, "meter.more".to_string()));
}

#[test]
fn quotes_that_promise() {
    let merchant = &CAST.merchant;
    let content = Content { media_type: "application/pdf".into(), size: 10, sha256: sha256(b"x") };
    let line = |content: Option<Content>, tick_seconds| QuoteLine {
        number: "D-1".into(),
        name: "本".into(),
        quantity: 1,
        unit_price: yen(500),
        content,
        tick_seconds,
    };
    let quote = |line: QuoteLine| Quote {
        iss: merchant.id().clone(),
        jti: Nonce([8; 32]),
        form: Digest([1; 32]),
        total: line.unit_price,
        lines: vec![line],
        iat: NOW,
        exp: NOW.plus(600),
    };
    let by = (merchant.id(), &merchant.credential.key);
    let check = |token: &str| Quote::verify(token, &Digest([1; 32]), by, NOW, AtFault::Sender);
    for good in [line(None, None), line(Some(content.clone()), None), line(None, Some(MAX_TICK))] {
        let quote = quote(good);
        assert_eq!(check(&quote.sign(merchant.signer.as_ref())).unwrap(), quote);
    }
    for bad in [
        line(Some(content.clone()), Some(60)),
        line(None, Some(0)),
        line(None, Some(MAX_TICK + 1)),
        line(Some(Content { size: 0, ..content.clone() }), None),
        line(Some(Content { size: MAX_FILE + 1, ..content.clone() }), None),
        line(Some(Content { media_type: "pdf".into(), ..content.clone() }), None),
    ] {
        let token = quote(bad).sign(merchant.signer.as_ref());
        let expected = (AtFault::Sender, Reason::BadValue, "quote.lines[0]".to_string());
        assert_eq!(refused(check(&token)), expected);
    }
    // An object or nothing at all: neither null nor the fields in a row.
    let plain: Value = serde_json::from_slice(&to_json(&quote(line(Some(content), None)))).unwrap();
    for value in [Value::Null, json!(["application/pdf", 10, "x"]), json!({"size": 10})] {
        let mut lines = plain["lines"].clone();
        lines[0]["content"] = value;
        let token = with(QUOTE, &plain, json!({"lines": lines}), merchant);
        let (_, reason, field) = refused(check(&token));
        assert_eq!(reason, Reason::Malformed);
        assert!(field.starts_with("quote.lines[0].content"), "{field}");
    }
}

#[test]
fn a_part_is_captured_and_never_voided() {
    let request = |action, amount| SettlementRequest {
        iss: CAST.merchant.id().clone(),
        aud: CENTER.id().clone(),
        order: ORDER,
        authorization: Nonce([1; 32]),
        action,
        amount,
        iat: NOW,
        exp: NOW.plus(300),
    };
    let by = CAST.merchant.signer.as_ref();
    let check =
        |token: &str| SettlementRequest::verify(token, &CAST.merchant.credential, CENTER.id(), NOW);
    for good in [
        request(Action::Capture, None),
        request(Action::Capture, Some(yen(1))),
        request(Action::Void, None),
    ] {
        assert_eq!(check(&good.sign(by)).unwrap(), good);
    }
    let merchant = AtFault::Role(Role::Merchant);
    let field = "settlement_request.amount".to_string();
    for bad in [request(Action::Capture, Some(yen(0))), request(Action::Void, Some(yen(1)))] {
        let expected = (merchant, Reason::BadValue, field.clone());
        assert_eq!(refused(check(&bad.sign(by))), expected);
    }
    for value in [Value::Null, json!(30), json!([30, "JPY"])] {
        let good = request(Action::Capture, None);
        let token = with(SETTLEMENT_REQUEST, &good, json!({"amount": value}), &CAST.merchant);
        assert_eq!(refused(check(&token)), (merchant, Reason::Malformed, field.clone()));
    }
}
