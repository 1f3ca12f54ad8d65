//! Requests for authorization and delivery that do not fit the order.
use crate::{
    ISSUER, MERCHANT, Purchase,
    common::{NOW, Net, forge},
    refused,
};
use serde_json::{Value, json};
use warifu_protocol::{
    CLOCK_SKEW, Reason,
    authorization::{Authorization, AuthorizationRequest, Decision, shared_digests},
    delivery::DeliveryRequest,
    error::Result,
    sealed::OpenedOrder,
    settlement::{Action, Settlement, SettlementRequest},
    status::{State, Status},
};
use warifu_types::{Nonce, Role};

/// The merchant's honest request for authorization.
fn request(purchase: &Purchase) -> (OpenedOrder, String) {
    let opened = purchase.open(purchase.bundle(), Role::Merchant).unwrap();
    let request = AuthorizationRequest {
        iss: purchase.cast.merchant.id().clone(),
        aud: purchase.cast.issuer.id().clone(),
        order: opened.identity,
        digests: shared_digests(&opened.form.form.rule, &opened.claims),
        iat: NOW,
        exp: NOW.plus(300),
    };
    (opened, request.sign(purchase.cast.merchant.signer.as_ref()))
}

fn issuer_verifies(purchase: &Purchase, token: &str) -> Result<AuthorizationRequest> {
    let opened = purchase.open(purchase.bundle(), Role::Issuer).unwrap();
    let front = &purchase.cast.merchant.credential;
    AuthorizationRequest::verify(token, front, purchase.cast.issuer.id(), &opened, NOW)
}

#[test]
fn a_request_whose_shared_digests_differ() {
    let purchase = Purchase::on(Net::kps());
    let (_, honest) = request(&purchase);
    assert!(issuer_verifies(&purchase, &honest).is_ok());
    let shared: Vec<String> =
        forge::claims(&honest)["digests"].as_object().unwrap().keys().cloned().collect();
    assert!(shared.contains(&"amount".to_string()) && !shared.contains(&"quote".to_string()));
    let signer = purchase.cast.merchant.signer.as_ref();
    for field in &shared {
        let place = format!("authorization_request.digests.{field}");
        let other = forge::resigned(&honest, signer, |request| {
            request["digests"][field] = request["order"].clone();
        });
        refused(issuer_verifies(&purchase, &other), Reason::Mismatch, MERCHANT, &place);
        let left_out = forge::resigned(&honest, signer, |request| {
            request["digests"].as_object_mut().unwrap().remove(field);
        });
        refused(issuer_verifies(&purchase, &left_out), Reason::Mismatch, MERCHANT, &place);
    }
    let more = forge::resigned(&honest, signer, |request| {
        request["digests"]["quote"] = request["order"].clone();
    });
    let place = "authorization_request.digests";
    refused(issuer_verifies(&purchase, &more), Reason::Mismatch, MERCHANT, place);
}

#[test]
fn a_request_for_another_order_or_party() {
    let purchase = Purchase::on(Net::kps());
    let (_, honest) = request(&purchase);
    let signer = purchase.cast.merchant.signer.as_ref();
    for (claim, value, reason) in [
        ("iss", json!("domain:other-shop.example"), Reason::WrongParty),
        ("aud", json!("domain:other-card.example"), Reason::WrongParty),
        ("order", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), Reason::Mismatch),
        ("exp", json!(NOW.0 - CLOCK_SKEW), Reason::Expired),
        ("iat", json!(NOW.0 + CLOCK_SKEW + 1), Reason::NotYetValid),
        ("order", json!("x"), Reason::Malformed),
    ] {
        let token = forge::resigned(&honest, signer, |request| request[claim] = value.clone());
        let place = format!("authorization_request.{claim}");
        refused(issuer_verifies(&purchase, &token), reason, MERCHANT, &place);
    }
    // Another merchant asks about an order that it found.
    let other = purchase.cast.net.terminal("domain:other-shop.example", Role::Merchant, 66);
    let token = forge::resigned(&honest, other.signer.as_ref(), |request| {
        request["iss"] = json!("domain:other-shop.example");
    });
    let opened = purchase.open(purchase.bundle(), Role::Issuer).unwrap();
    let issuer = purchase.cast.issuer.id();
    let result = AuthorizationRequest::verify(&token, &other.credential, issuer, &opened, NOW);
    refused(result, Reason::WrongParty, MERCHANT, "authorization_request.iss");
    let place = "authorization_request";
    refused(issuer_verifies(&purchase, &token), Reason::BadSignature, MERCHANT, place);
}

/// The issuer's honest authorization, changed and signed by the issuer again.
fn authorization(purchase: &Purchase, change: impl FnOnce(&mut Value)) -> String {
    let honest = Authorization {
        iss: purchase.cast.issuer.id().clone(),
        aud: purchase.cast.merchant.id().clone(),
        order: purchase.bundle().identity().unwrap(),
        jti: Nonce([1; 32]),
        decision: Decision::Authorized,
        reason: None,
        transaction: None,
        iat: NOW,
        exp: NOW.plus(1000),
    };
    let signer = purchase.cast.issuer.signer.as_ref();
    forge::resigned(&honest.sign(signer), signer, change)
}

/// The merchant's delivery request with this authorization, changed and signed again.
fn delivery_request(
    purchase: &Purchase,
    authorization: String,
    change: impl FnOnce(&mut Value),
) -> Result<DeliveryRequest> {
    let cast = &purchase.cast;
    let opened = purchase.open(purchase.bundle(), Role::Carrier).unwrap();
    let request = DeliveryRequest {
        iss: cast.merchant.id().clone(),
        aud: cast.carrier.id().clone(),
        order: opened.identity,
        authorization,
        issuer_credential: cast.issuer.credential_token.clone(),
        instructions: "天地無用".into(),
        iat: NOW,
        exp: NOW.plus(300),
    };
    let signer = cast.merchant.signer.as_ref();
    let token = forge::resigned(&request.sign(signer), signer, change);
    let front = &cast.merchant.credential;
    let Purchase { cast, .. } = purchase;
    DeliveryRequest::verify(&token, &cast.carrier.trust, front, cast.carrier.id(), &opened, NOW)
}

#[test]
fn a_delivery_request_without_a_good_authorization() {
    let purchase = Purchase::on(Net::kps());
    let good = authorization(&purchase, |_| {});
    assert!(delivery_request(&purchase, good.clone(), |_| {}).is_ok());
    // None at all, or nothing that looks like one.
    for (none, field) in [(String::new(), "authorization"), ("a.b.c".into(), "authorization")] {
        let result = delivery_request(&purchase, none, |_| {});
        refused(result, Reason::Malformed, ISSUER, field);
    }
    let result = delivery_request(&purchase, good.clone(), |request| {
        request.as_object_mut().unwrap().remove("authorization");
    });
    refused(result, Reason::Malformed, MERCHANT, "delivery_request.authorization");
    // The issuer refused.
    let no = authorization(&purchase, |a| a["decision"] = json!("refused"));
    let place = "delivery_request.authorization.decision";
    refused(delivery_request(&purchase, no, |_| {}), Reason::Mismatch, MERCHANT, place);
    // For another order, another front, out of time.
    for (claim, value, reason) in [
        ("order", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), Reason::Mismatch),
        ("aud", json!("domain:other-shop.example"), Reason::WrongParty),
        ("iss", json!("domain:other-card.example"), Reason::WrongParty),
        ("exp", json!(NOW.0 - CLOCK_SKEW), Reason::Expired),
        ("decision", json!("perhaps"), Reason::Malformed),
    ] {
        let other = authorization(&purchase, |a| a[claim] = value.clone());
        let result = delivery_request(&purchase, other, |_| {});
        refused(result, reason, ISSUER, &format!("authorization.{claim}"));
    }
}

#[test]
fn a_delivery_request_with_another_issuers_word() {
    let purchase = Purchase::on(Net::kps());
    let other = purchase.cast.net.terminal("domain:other-card.example", Role::Issuer, 66);
    let forged = authorization(&purchase, |a| a["iss"] = json!("domain:other-card.example"));
    let forged = forge::resigned(&forged, other.signer.as_ref(), |_| {});
    let credential = other.credential_token.clone();
    let result = delivery_request(&purchase, forged, |request| {
        request["issuer_credential"] = json!(credential);
    });
    let place = "delivery_request.issuer_credential";
    refused(result, Reason::WrongParty, MERCHANT, place);
    // The merchant's own credential and signature in the issuer's place.
    let merchant = &purchase.cast.merchant;
    let own = authorization(&purchase, |a| a["iss"] = json!(merchant.id().as_str()));
    let own = forge::resigned(&own, merchant.signer.as_ref(), |_| {});
    let result = delivery_request(&purchase, own.clone(), |request| {
        request["issuer_credential"] = json!(merchant.credential_token);
    });
    refused(result, Reason::WrongParty, MERCHANT, place);
    let result = delivery_request(&purchase, own, |_| {});
    refused(result, Reason::BadSignature, ISSUER, "authorization");
}

#[test]
fn a_delivery_request_for_another_order_or_party() {
    let purchase = Purchase::on(Net::kps());
    for (claim, value, reason) in [
        ("iss", json!("domain:other-shop.example"), Reason::WrongParty),
        ("aud", json!("domain:other-carrier.example"), Reason::WrongParty),
        ("order", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), Reason::Mismatch),
        ("instructions", json!("x".repeat(1025)), Reason::TooLarge),
        ("exp", json!(NOW.0 - CLOCK_SKEW), Reason::Expired),
        ("iat", json!(NOW.0 + CLOCK_SKEW + 1), Reason::NotYetValid),
        ("amount", json!(1980), Reason::Malformed),
    ] {
        let good = authorization(&purchase, |_| {});
        let result = delivery_request(&purchase, good, |request| request[claim] = value.clone());
        refused(result, reason, MERCHANT, &format!("delivery_request.{claim}"));
    }
}

#[test]
fn an_authorization_names_no_amount() {
    // The carrier sees it too, so there is no place for an amount in it.
    let purchase = Purchase::on(Net::kps());
    let with_amount = authorization(&purchase, |a| a["amount"] = json!(1980));
    let result = delivery_request(&purchase, with_amount, |_| {});
    refused(result, Reason::Malformed, ISSUER, "authorization.amount");
}

#[test]
fn a_settlement_that_was_not_asked_for() {
    let purchase = Purchase::on(Net::kps());
    let (merchant, issuer) = (&purchase.cast.merchant, &purchase.cast.issuer);
    let order = purchase.bundle().identity().unwrap();
    let request = SettlementRequest {
        iss: merchant.id().clone(),
        aud: issuer.id().clone(),
        order,
        authorization: Nonce([1; 32]),
        action: Action::Capture,
        amount: None,
        iat: NOW,
        exp: NOW.plus(300),
    };
    let signer = merchant.signer.as_ref();
    let honest = request.sign(signer);
    let verify =
        |token: &str| SettlementRequest::verify(token, &merchant.credential, issuer.id(), NOW);
    assert!(verify(&honest).is_ok());
    for (claim, value, reason) in [
        ("iss", json!("domain:other-shop.example"), Reason::WrongParty),
        ("aud", json!("domain:other-card.example"), Reason::WrongParty),
        ("action", json!("refund"), Reason::Malformed),
        ("exp", json!(NOW.0 - CLOCK_SKEW), Reason::Expired),
        ("amount", json!(1), Reason::Malformed),
    ] {
        let token = forge::resigned(&honest, signer, |request| request[claim] = value.clone());
        refused(verify(&token), reason, MERCHANT, &format!("settlement_request.{claim}"));
    }
    let forged = forge::resigned(&honest, issuer.signer.as_ref(), |_| {});
    refused(verify(&forged), Reason::BadSignature, MERCHANT, "settlement_request");
    let done = Settlement {
        iss: issuer.id().clone(),
        aud: merchant.id().clone(),
        order,
        action: Action::Capture,
        iat: NOW,
    };
    let token = done.sign(issuer.signer.as_ref());
    let verify = |token: &str, action| {
        Settlement::verify(token, &issuer.credential, merchant.id(), &order, action)
    };
    assert!(verify(&token, Action::Capture).is_ok());
    let result = verify(&token, Action::Void);
    refused(result, Reason::Mismatch, ISSUER, "settlement.action");
    let forged = forge::resigned(&token, signer, |_| {});
    refused(verify(&forged, Action::Capture), Reason::BadSignature, ISSUER, "settlement");
}

#[test]
fn a_status_of_another_order_or_front() {
    let purchase = Purchase::on(Net::kps());
    let (merchant, holder) = (&purchase.cast.merchant, &purchase.cast.holder);
    let order = purchase.bundle().identity().unwrap();
    let status = Status {
        iss: merchant.id().clone(),
        aud: holder.id().clone(),
        order,
        state: State::Authorized,
        reason: None,
        authorization: None,
        iat: NOW,
    };
    let signer = merchant.signer.as_ref();
    let honest = status.sign(signer);
    let verify =
        |token: &str| Status::verify(token, &merchant.credential, holder.id(), &order, MERCHANT);
    assert!(verify(&honest).is_ok());
    for (claim, value, reason) in [
        ("iss", json!("domain:other-shop.example"), Reason::WrongParty),
        ("aud", json!("mail:mallory@example.net"), Reason::WrongParty),
        ("order", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), Reason::Mismatch),
        ("state", json!("paid"), Reason::Malformed),
    ] {
        let token = forge::resigned(&honest, signer, |status| status[claim] = value.clone());
        refused(verify(&token), reason, MERCHANT, &format!("status.{claim}"));
    }
    let forged = forge::resigned(&honest, holder.signer.as_ref(), |_| {});
    refused(verify(&forged), Reason::BadSignature, MERCHANT, "status");
}
