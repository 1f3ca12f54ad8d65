//! Messages out of their time or network: expired, dated in the future, good for too long.
use crate::{
    HOLDER, ISSUER, MERCHANT, OPENERS, Purchase, SENDER,
    common::{Cast, NOW, Net, forge},
    refused,
};
use serde_json::json;
use warifu_protocol::{
    CLOCK_SKEW, Reason,
    authorization::{Authorization, Decision},
    credential::Credential,
    encode::sha256,
    order::ORDER_LIFETIME,
    quote::Quote,
    rule::Rule,
    sealed,
};
use warifu_types::{Nonce, Role, UnixTime};

/// Beyond `until` by more than clocks may differ.
fn just_late(until: UnixTime) -> UnixTime {
    until.plus(CLOCK_SKEW)
}

#[test]
fn an_expired_order() {
    let purchase = Purchase::on(Net::kps());
    let Cast { merchant, issuer, .. } = &purchase.cast;
    let end = just_late(NOW.plus(ORDER_LIFETIME));
    let open = |now| {
        let front = &merchant.credential;
        sealed::open(issuer, purchase.bundle(), front, warifu_types::Role::Issuer, now)
    };
    refused(open(end), Reason::Expired, HOLDER, "order.exp");
    assert!(open(end.minus(1)).is_ok(), "clocks may differ");
}

#[test]
fn an_order_from_the_future() {
    let purchase = Purchase::on(Net::kps());
    let early = NOW.minus(CLOCK_SKEW);
    let open = |now| {
        let front = &purchase.cast.merchant.credential;
        let role = warifu_types::Role::Issuer;
        sealed::open(&purchase.cast.issuer, purchase.bundle(), front, role, now)
    };
    assert!(open(early).is_ok(), "clocks may differ");
    refused(open(early.minus(1)), Reason::NotYetValid, HOLDER, "order.iat");
}

#[test]
fn an_order_that_is_good_for_ever() {
    // Recipients remember an order's id until it expires, so nobody may make them remember for ever.
    let purchase = Purchase::on(Net::kps());
    for exp in [NOW.0 + ORDER_LIFETIME + 1, u64::MAX] {
        let bundle = forge::reordered(&purchase.cast, purchase.bundle(), |order| {
            order["exp"] = json!(exp);
        });
        for role in OPENERS {
            refused(purchase.open(&bundle, role), Reason::BadValue, HOLDER, "order.exp");
        }
    }
}

#[test]
fn times_that_are_none() {
    let purchase = Purchase::on(Net::kps());
    for (value, claim) in [
        (json!(-1), "iat"),
        (json!(1.5), "iat"),
        (json!("1800000000"), "exp"),
        (json!(null), "exp"),
        (json!(1e30), "exp"),
    ] {
        let bundle = forge::reordered(&purchase.cast, purchase.bundle(), |order| {
            order[claim] = value.clone();
        });
        let result = purchase.open(&bundle, OPENERS[0]);
        refused(result, Reason::Malformed, HOLDER, &format!("order.{claim}"));
    }
}

#[test]
fn an_order_for_another_network() {
    let purchase = Purchase::on(Net::kps());
    let bundle = forge::reordered(&purchase.cast, purchase.bundle(), |order| {
        order["network"] = json!("other.example");
    });
    for role in OPENERS {
        refused(purchase.open(&bundle, role), Reason::WrongNetwork, HOLDER, "order.network");
    }
}

#[test]
fn a_form_out_of_its_time() {
    let cast = Cast::new(Net::kps());
    let front = &cast.merchant.credential;
    let check = |form: &warifu_protocol::form::Form, now| {
        let token = form.sign(cast.merchant.signer.as_ref());
        cast.holder.trust.form(&token, front, now, MERCHANT)
    };
    let form = cast.form(Rule::classic());
    refused(check(&form, just_late(form.exp)), Reason::Expired, MERCHANT, "form.exp");
    // A form that was found good before is checked again.
    assert!(check(&form, NOW).is_ok());
    refused(check(&form, just_late(form.exp)), Reason::Expired, MERCHANT, "form.exp");
    let early = form.iat.minus(CLOCK_SKEW + 1);
    refused(check(&form, early), Reason::NotYetValid, MERCHANT, "form.iat");
    let other = warifu_protocol::form::Form { network: "other.example".into(), ..form };
    refused(check(&other, NOW), Reason::WrongNetwork, MERCHANT, "form.network");
}

#[test]
fn a_quote_out_of_its_time_or_place() {
    let cast = Cast::new(Net::kps());
    let form = sha256(b"form");
    let token = cast.quote(form);
    let merchant = (cast.merchant.id(), &cast.merchant.credential.key);
    let verify = |form, now| Quote::verify(&token, form, merchant, now, MERCHANT);
    let quote = verify(&form, NOW).unwrap();
    refused(verify(&form, just_late(quote.exp)), Reason::Expired, MERCHANT, "quote.exp");
    let early = quote.iat.minus(CLOCK_SKEW + 1);
    refused(verify(&form, early), Reason::NotYetValid, MERCHANT, "quote.iat");
    refused(verify(&sha256(b"other"), NOW), Reason::Mismatch, MERCHANT, "quote.form");
    let issuer = (cast.issuer.id(), &cast.merchant.credential.key);
    let result = Quote::verify(&token, &form, issuer, NOW, MERCHANT);
    refused(result, Reason::WrongParty, MERCHANT, "quote.iss");
}

#[test]
fn a_quote_that_does_not_add_up() {
    let cast = Cast::new(Net::kps());
    let form = sha256(b"form");
    let merchant = (cast.merchant.id(), &cast.merchant.credential.key);
    for (path, value, reason, field) in [
        ("/total/minor", json!(1981), Reason::Mismatch, "quote.total"),
        ("/lines/0/quantity", json!(0), Reason::Mismatch, "quote.total"),
        ("/lines/0/unit_price/currency", json!("EUR"), Reason::Mismatch, "quote.total"),
        (
            "/lines/0/unit_price/minor",
            json!(9_007_199_254_740_991_u64),
            Reason::Mismatch,
            "quote.total",
        ),
        ("/lines", json!([]), Reason::BadValue, "quote.lines"),
        ("/lines/0/quantity", json!(-1), Reason::Malformed, "quote.lines[0].quantity"),
        ("/lines/0/quantity", json!(0.5), Reason::Malformed, "quote.lines[0].quantity"),
        (
            "/lines/0/unit_price/currency",
            json!("ZZZ"),
            Reason::Malformed,
            "quote.lines[0].unit_price.currency",
        ),
    ] {
        let token = forge::resigned(&cast.quote(form), cast.merchant.signer.as_ref(), |quote| {
            *quote.pointer_mut(path).unwrap() = value.clone();
        });
        let result = Quote::verify(&token, &form, merchant, NOW, MERCHANT);
        refused(result, reason, MERCHANT, field);
    }
    let many = forge::resigned(&cast.quote(form), cast.merchant.signer.as_ref(), |quote| {
        let line = quote["lines"][0].clone();
        quote["lines"] = json!(vec![line; warifu_protocol::quote::MAX_LINES + 1]);
    });
    let result = Quote::verify(&many, &form, merchant, NOW, MERCHANT);
    refused(result, Reason::BadValue, MERCHANT, "quote.lines");
}

#[test]
fn a_credential_out_of_its_time_or_network() {
    let cast = Cast::new(Net::kps());
    let center = &cast.net.centers[0].1;
    let honest = &cast.merchant.credential;
    let check = |credential: &Credential, now| {
        cast.holder.trust.credential(&credential.sign(center), now, SENDER)
    };
    assert!(check(honest, NOW).is_ok());
    refused(check(honest, just_late(honest.exp)), Reason::Expired, SENDER, "credential.exp");
    let early = honest.iat.minus(CLOCK_SKEW + 1);
    refused(check(honest, early), Reason::NotYetValid, SENDER, "credential.iat");
    let other = Credential { network: "other.example".into(), ..(**honest).clone() };
    refused(check(&other, NOW), Reason::WrongNetwork, SENDER, "credential.network");
    // Signed by the second center under the first one's name.
    let token = honest.sign(&cast.net.centers[1].1);
    let result = cast.holder.trust.credential(&token, NOW, SENDER);
    refused(result, Reason::BadSignature, SENDER, "credential");
}

#[test]
fn an_authorization_out_of_its_time_or_place() {
    let cast = Cast::new(Net::kps());
    let Cast { merchant, issuer, carrier, .. } = &cast;
    let order = sha256(b"order");
    let authorization = Authorization {
        iss: issuer.id().clone(),
        aud: merchant.id().clone(),
        order,
        jti: Nonce([1; 32]),
        decision: Decision::Authorized,
        reason: None,
        transaction: None,
        iat: NOW,
        exp: NOW.plus(1000),
    };
    let token = authorization.sign(issuer.signer.as_ref());
    let verify = |credential, front, order, now| {
        Authorization::verify(&token, (Role::Issuer, credential), front, order, now)
    };
    let own = &issuer.credential;
    assert!(verify(own, merchant.id(), &order, NOW).is_ok());
    let late = just_late(NOW.plus(1000));
    let result = verify(own, merchant.id(), &order, late);
    refused(result, Reason::Expired, ISSUER, "authorization.exp");
    let result = verify(own, merchant.id(), &order, NOW.minus(CLOCK_SKEW + 1));
    refused(result, Reason::NotYetValid, ISSUER, "authorization.iat");
    let result = verify(own, carrier.id(), &order, NOW);
    refused(result, Reason::WrongParty, ISSUER, "authorization.aud");
    let another = sha256(b"another");
    let result = verify(own, merchant.id(), &another, NOW);
    refused(result, Reason::Mismatch, ISSUER, "authorization.order");
    // Another issuer of the same network.
    let other = cast.net.terminal("domain:other-card.example", warifu_types::Role::Issuer, 66);
    let result = verify(&other.credential, merchant.id(), &order, NOW);
    refused(result, Reason::BadSignature, ISSUER, "authorization");
    let foreign = Authorization { ..authorization }.sign(other.signer.as_ref());
    let by = (Role::Issuer, &*other.credential);
    let result = Authorization::verify(&foreign, by, merchant.id(), &order, NOW);
    refused(result, Reason::WrongParty, ISSUER, "authorization.iss");
}
