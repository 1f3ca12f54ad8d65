//! Unsafe disclosure rules, and forms that do not hang together.
use crate::{
    MERCHANT,
    common::{Cast, NOW, Net, forge},
    refused,
};
use serde_json::json;
use warifu_protocol::{AtFault, Reason, form::Form, rule::Rule};
use warifu_types::{FieldName, Role};

fn check(cast: &Cast, rule: Rule) -> warifu_protocol::error::Result<()> {
    let form = cast.form(rule);
    let token = form.sign(cast.merchant.signer.as_ref());
    cast.holder.trust.form(&token, &cast.merchant.credential, NOW, MERCHANT).map(|_| ())
}

#[test]
fn card_data_for_anyone_but_the_authorizer() {
    let cast = Cast::new(Net::kps());
    for role in [Role::Merchant, Role::Carrier, Role::Gateway, Role::Certifier, Role::Broker] {
        for field in [FieldName::CARD_NUMBER, FieldName::CARD_EXPIRY] {
            let rule = Rule::classic().also(role, field.clone());
            let place = format!("form.rule.parts.{role}.{field}");
            refused(check(&cast, rule), Reason::UnsafeRule, MERCHANT, &place);
        }
    }
}

#[test]
fn the_quote_for_anyone_but_the_front() {
    let cast = Cast::new(Net::kps());
    for role in [Role::Issuer, Role::Carrier, Role::Gateway] {
        let rule = Rule::classic().also(role, FieldName::QUOTE);
        let place = format!("form.rule.parts.{role}.quote");
        refused(check(&cast, rule), Reason::UnsafeRule, MERCHANT, &place);
    }
}

#[test]
fn a_merchant_that_authorizes_itself() {
    let cast = Cast::new(Net::kps());
    let rule = Rule { authorizer: Role::Merchant, ..Rule::classic() };
    // The card is then the merchant's by the rule, so the rule itself must fall.
    let rule = rule.without(&FieldName::CARD_NUMBER).without(&FieldName::CARD_EXPIRY);
    refused(check(&cast, rule), Reason::UnsafeRule, MERCHANT, "form.rule.authorizer");
    let rule = Rule { authorizer: Role::Merchant, ..Rule::classic() };
    let error = check(&cast, rule).unwrap_err();
    assert_eq!(error.reason, Reason::UnsafeRule);
}

#[test]
fn a_front_that_the_merchant_is_not() {
    let cast = Cast::new(Net::kps());
    let mut form = cast.form(Rule::badge());
    form.parties =
        crate::common::one(Role::CardManager, warifu_protocol::form::Designation::Holder {});
    let token = form.sign(cast.merchant.signer.as_ref());
    let result = cast.holder.trust.form(&token, &cast.merchant.credential, NOW, MERCHANT);
    refused(result, Reason::WrongParty, MERCHANT, "credential.roles");
}

#[test]
fn rules_that_nobody_can_follow() {
    let rule = Rule::classic;
    for (rule, field) in [
        (rule().without_party(Role::Issuer), "form.rule.parts.issuer"),
        (rule().without_party(Role::Merchant), "form.rule.parts.merchant"),
        (rule().also(Role::Holder, FieldName::AMOUNT), "form.rule.parts.holder"),
    ] {
        refused(rule.check(MERCHANT), Reason::OutsideRule, MERCHANT, field);
    }
    let mut twice = rule();
    twice.parts.as_mut().get_mut(&Role::Carrier).unwrap().push(FieldName::DESTINATION);
    refused(twice.check(MERCHANT), Reason::OutsideRule, MERCHANT, "form.rule.parts.carrier");
    let mut empty = rule();
    empty.parts.as_mut().insert(Role::Carrier, vec![]);
    refused(empty.check(MERCHANT), Reason::OutsideRule, MERCHANT, "form.rule.parts.carrier");
    let mut many = rule();
    let fields = (0..70).map(|n| format!("field_{n}").parse().unwrap());
    many.parts.as_mut().get_mut(&Role::Merchant).unwrap().extend(fields);
    refused(many.check(MERCHANT), Reason::TooLarge, MERCHANT, "form.rule");
    let long = rule().named(&"n".repeat(65));
    refused(long.check(MERCHANT), Reason::TooLarge, MERCHANT, "form.rule");
}

#[test]
fn a_field_kept_from_a_party_that_needs_it() {
    use FieldName as F;
    use Role::{Carrier, Center, Issuer, Merchant};
    let cast = Cast::new(Net::kps());
    let classic = Rule::classic;
    for (rule, role, fields) in [
        (
            classic(),
            Issuer,
            &[F::HOLDER_NAME, F::AMOUNT, F::CARD_NUMBER, F::CARD_EXPIRY, F::PAYMENT_TYPE][..],
        ),
        (classic(), Merchant, &[F::AMOUNT]),
        (Rule::broker(), Issuer, &[F::HOLDER_NAME, F::AMOUNT, F::PAYMENT_TYPE]),
        (Rule::broker(), Merchant, &[F::AMOUNT]),
        (Rule::prepaid(), Center, &[F::AMOUNT, F::CARD_NUMBER, F::CARD_EXPIRY]),
        (Rule::prepaid(), Merchant, &[F::AMOUNT]),
        (Rule::top_up(), Center, &[F::AMOUNT]),
        (Rule::badge(), Role::Door, &[F::ACCESS_ZONE]),
        (
            Rule::badge(),
            Role::CardManager,
            &[F::HOLDER_NAME, F::CARD_NUMBER, F::CARD_EXPIRY, F::ACCESS_ZONE],
        ),
    ] {
        rule.check(MERCHANT).unwrap();
        for field in fields {
            let place = format!("form.rule.parts.{role}.{field}");
            // A part without fields is another fault.
            let more = if rule.is_for_brokers() { F::PAYMENT_TYPE } else { F::HOLDER_FAX };
            let rule = rule.clone().also(role, more).withheld(role, field);
            refused(rule.check(MERCHANT), Reason::OutsideRule, MERCHANT, &place);
        }
    }
    // A signed form is refused for it, and an order under such a form cannot be made.
    let rule = classic().withheld(Carrier, &F::DESTINATION);
    let place = "form.rule.parts.carrier.destination";
    refused(check(&cast, rule), Reason::OutsideRule, MERCHANT, place);
    // Where nobody is told how it is paid, nobody needs to be.
    classic().without(&F::PAYMENT_TYPE).check(MERCHANT).unwrap();
    classic().withheld(Merchant, &F::PAYMENT_TYPE).check(MERCHANT).unwrap();
}

#[test]
fn parties_that_do_not_fit_the_rule() {
    let cast = Cast::new(Net::kps());
    for (role, add) in
        [("merchant", true), ("gateway", true), ("issuer", false), ("carrier", false)]
    {
        let token = cast.form(Rule::classic()).sign(cast.merchant.signer.as_ref());
        let token = forge::resigned(&token, cast.merchant.signer.as_ref(), |form| {
            let parties = form["parties"].as_object_mut().unwrap();
            if add {
                parties.insert(role.into(), json!({"holder": {}}));
            } else {
                parties.remove(role);
            }
        });
        let result = cast.holder.trust.form(&token, &cast.merchant.credential, NOW, MERCHANT);
        refused(result, Reason::Mismatch, MERCHANT, "form.parties");
    }
}

#[test]
fn each_claim_of_a_form_misspelt() {
    let cast = Cast::new(Net::kps());
    let honest = cast.form(Rule::classic()).sign(cast.merchant.signer.as_ref());
    for (path, value, field) in [
        ("/iss", json!("shop"), "form.iss"),
        ("/iss", json!("domain:SHOP.example"), "form.iss"),
        ("/jti", json!("AAAA"), "form.jti"),
        ("/rule/front", json!("shop"), "form.rule.front"),
        ("/rule/parts/issuer/0", json!("Holder Name"), "form.rule.parts.issuer[0]"),
        ("/rule/parts/issuer/0", json!(7), "form.rule.parts.issuer[0]"),
        ("/parties/carrier", json!("domain:carrier.example"), "form.parties.carrier"),
        ("/parties/carrier", json!({"holder": {"more": 1}}), "form.parties.carrier.holder.more"),
        ("/accepts/currencies/0", json!("YEN"), "form.accepts.currencies[0]"),
        ("/accepts/instalments", json!(-1), "form.accepts.instalments"),
        ("/accepts/suites/0", json!("aes"), "form.accepts.suites[0]"),
        ("/iat", json!("now"), "form.iat"),
        ("/exp", json!(18_446_744_073_709_551_615.0), "form.exp"),
    ] {
        let token = forge::resigned(&honest, cast.merchant.signer.as_ref(), |form| {
            *form.pointer_mut(path).unwrap() = value.clone();
        });
        let result = cast.holder.trust.form(&token, &cast.merchant.credential, NOW, MERCHANT);
        refused(result, Reason::Malformed, MERCHANT, field);
    }
    for path in ["", "/rule", "/accepts"] {
        let token = forge::resigned(&honest, cast.merchant.signer.as_ref(), |form| {
            form.pointer_mut(path).unwrap()["surprise"] = json!(1);
        });
        let result = cast.holder.trust.form(&token, &cast.merchant.credential, NOW, MERCHANT);
        let field = format!("form{}.surprise", path.replace('/', "."));
        refused(result, Reason::Malformed, MERCHANT, &field);
    }
    let names: Vec<String> = forge::claims(&honest).as_object().unwrap().keys().cloned().collect();
    for name in names.iter().filter(|name| *name != "direct") {
        let token = forge::resigned(&honest, cast.merchant.signer.as_ref(), |form| {
            form.as_object_mut().unwrap().remove(name);
        });
        let result = cast.holder.trust.form(&token, &cast.merchant.credential, NOW, MERCHANT);
        refused(result, Reason::Malformed, MERCHANT, &format!("form.{name}"));
    }
}

#[test]
fn a_holder_does_not_seal_on_values_that_do_not_fit() {
    let cast = Cast::new(Net::kps());
    let form = cast.form(Rule::classic());
    let token = form.sign(cast.merchant.signer.as_ref());
    let checked =
        cast.holder.trust.form(&token, &cast.merchant.credential, NOW, AtFault::Own).unwrap();
    let recipients = cast.recipients();
    let seal = |values: &std::collections::BTreeMap<_, _>| {
        let draft = warifu_protocol::sealed::Draft {
            form: checked.borrowed(),
            form_token: &token,
            values,
            recipients: &recipients,
        };
        let id = warifu_types::OrderId([1; 32]);
        warifu_protocol::sealed::seal(&cast.holder, &draft, id, NOW, &mut crate::common::rng(1))
            .map(|_| ())
    };
    let mut good = crate::common::values("quote");
    good.remove(&FieldName::ACCESS_ZONE);
    assert!(seal(&good).is_ok());
    let mut missing = good.clone();
    missing.remove(&FieldName::AMOUNT);
    refused(seal(&missing), Reason::BadValue, AtFault::Own, "order.fields.amount");
    let mut extra = good.clone();
    let value = warifu_protocol::value::FieldValue::text("x");
    extra.insert("nickname".parse().unwrap(), value.clone());
    refused(seal(&extra), Reason::OutsideRule, AtFault::Own, "order.fields.nickname");
    for field in [FieldName::CARD_NUMBER, FieldName::CARD_EXPIRY, FieldName::PAYMENT_TYPE] {
        let mut bad = good.clone();
        bad.insert(field.clone(), value.clone());
        refused(seal(&bad), Reason::BadValue, AtFault::Own, &format!("order.fields.{field}"));
    }
    let form = Form { exp: NOW.minus(1000), ..form };
    let result = cast.order_on(&form, &recipients, 1).map(|_| ());
    refused(result, Reason::Expired, AtFault::Own, "form.exp");
}
