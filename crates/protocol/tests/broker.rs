//! The brokers' rules: what they give to whom, and who may ask for a broker's credential (rows C6, C7).
#![allow(clippy::unwrap_used, reason = "helpers of tests")]
#![allow(dead_code, reason = "each test file uses its own share of the helpers")]
mod common;

use common::{Cast, NOW, Net, rng};
use std::collections::BTreeMap;
use warifu_protocol::{
    AtFault, Reason,
    enrolment::EnrolmentRequest,
    order::BROKER_ORDER_LIFETIME,
    rule::Rule,
    sealed::{self, Draft, seal},
    value::FieldValue,
};
use warifu_types::{FieldName, OrderId, Role, UnixTime};

fn refused(rule: &Rule, reason: Reason, field: &str) {
    let error = rule.check(AtFault::Sender).unwrap_err();
    assert_eq!((error.reason, error.field.as_ref()), (reason, field));
}

#[test]
fn no_card_goes_to_anyone_and_a_reference_to_the_issuer_alone() {
    for rule in [Rule::broker(), Rule::broker_reference()] {
        rule.check(AtFault::Sender).unwrap();
        assert!(rule.is_for_brokers());
        for field in [FieldName::CARD_NUMBER, FieldName::CARD_EXPIRY] {
            assert!(!rule.fields().contains(&field));
            for role in [Role::Merchant, Role::Issuer] {
                let place = format!("form.rule.parts.{role}.{field}");
                refused(&rule.clone().also(role, field.clone()), Reason::UnsafeRule, &place);
            }
        }
        // A network may withhold a field, and give nobody more.
        rule.clone().without(&FieldName::HOLDER_TELEPHONE).check(AtFault::Sender).unwrap();
        let more = rule.clone().also(Role::Issuer, FieldName::DESTINATION);
        refused(&more, Reason::UnsafeRule, "form.rule.parts.issuer.destination");
        let carrier = rule.clone().also(Role::Carrier, FieldName::DESTINATION);
        refused(&carrier, Reason::UnsafeRule, "form.rule.parts.carrier.destination");
    }
    assert_eq!(
        Rule::broker_reference().part(Role::Issuer).last(),
        Some(&FieldName::CARD_REFERENCE)
    );
    for rule in [Rule::broker(), Rule::minimal(), Rule::prepaid()] {
        let authorizer = rule.authorizer;
        let place = format!("form.rule.parts.{authorizer}.card_reference");
        refused(&rule.also(authorizer, FieldName::CARD_REFERENCE), Reason::UnsafeRule, &place);
    }
    let bare = Rule::broker().named("broker-reference");
    refused(&bare, Reason::UnsafeRule, "form.rule.parts.issuer.card_reference");
    let dressed = Rule::minimal().named("broker");
    let error = dressed.check(AtFault::Sender).unwrap_err();
    assert_eq!(error.reason, Reason::UnsafeRule);
    let turned = Rule { authorizer: Role::Merchant, front: Role::Issuer, ..Rule::broker() };
    assert!(turned.check(AtFault::Sender).is_err());
}

#[test]
fn a_plain_holder_is_asked_before_a_broker_s_rule() {
    let beyond = Rule::broker().beyond_minimal();
    assert_eq!(beyond, [(Role::Merchant, FieldName::DESTINATION)]);
    let beyond = Rule::broker_reference().beyond_minimal();
    assert!(beyond.contains(&(Role::Issuer, FieldName::CARD_REFERENCE)));
}

#[test]
fn a_reference_is_short_and_plain() {
    let check = |text: &str| FieldValue::text(text).check(&FieldName::CARD_REFERENCE, AtFault::Own);
    check("ref-0001_x").unwrap();
    for bad in ["", "a b", "é", "a/b", &"a".repeat(129)] {
        let error = check(bad).unwrap_err();
        assert_eq!(error.field, "order.fields.card_reference", "{bad}");
    }
}

#[test]
fn who_may_ask_for_a_broker_s_credential() {
    let cast = Cast::new(Net::kps());
    let credential = &cast.holder.credential;
    let ask = |roles: &[Role], url: Option<&str>| {
        let request = EnrolmentRequest {
            sub: credential.sub.clone(),
            roles: roles.to_vec(),
            key: credential.key,
            hpke: credential.hpke.clone(),
            suites: credential.suites.clone(),
            url: url.map(str::to_string),
            iat: NOW,
        };
        EnrolmentRequest::verify(&request.sign(cast.holder.signer.as_ref())).map(|_| ())
    };
    for good in [&[Role::Holder][..], &[Role::Holder, Role::Broker], &[Role::Broker, Role::Holder]]
    {
        ask(good, None).unwrap();
    }
    for (bad, url) in [
        (&[Role::Broker][..], None),
        (&[Role::Broker], Some("https://broker.example")),
        (&[Role::Broker, Role::Merchant], None),
        (&[Role::Holder, Role::Broker], Some("https://broker.example")),
        (&[Role::Holder, Role::Broker, Role::Merchant], None),
        (&[Role::Holder, Role::Merchant], None),
        (&[Role::Holder, Role::Holder], None),
        (&[Role::Holder, Role::Broker, Role::Broker], None),
    ] {
        let error = ask(bad, url).unwrap_err();
        assert_eq!(error.field, "enrolment_request.roles", "{bad:?}");
    }
}

/// An order on a form of this rule, sealed now.
fn order(cast: &Cast, rule: Rule) -> sealed::Sealed {
    let token = cast.form(rule).sign(cast.merchant.signer.as_ref());
    let front = &cast.merchant.credential;
    let checked = cast.holder.trust.form(&token, front, NOW, AtFault::Sender).unwrap();
    let mut values = common::values(&cast.quote(checked.hash));
    values.insert(FieldName::CARD_REFERENCE, FieldValue::text("ref-0001"));
    let fields = checked.form.rule.fields();
    values.retain(|field, _| fields.contains(field));
    let recipients = BTreeMap::from([
        (Role::Merchant, cast.merchant.credential.clone()),
        (Role::Issuer, cast.issuer.credential.clone()),
        (Role::Carrier, cast.carrier.credential.clone()),
    ]);
    let draft = Draft {
        form: checked.borrowed(),
        form_token: &token,
        values: &values,
        recipients: &recipients,
    };
    seal(&cast.holder, &draft, OrderId([7; 32]), NOW, &mut rng(1)).unwrap()
}

#[test]
fn a_broker_s_order_is_good_for_three_days_and_no_longer() {
    let cast = Cast::new(Net::kps());
    let open = |sealed: &sealed::Sealed, now: UnixTime| {
        let front = &cast.merchant.credential;
        sealed::open(&cast.issuer, &sealed.bundle, front, Role::Issuer, now)
    };
    for rule in [Rule::broker(), Rule::broker_reference()] {
        let sealed = order(&cast, rule);
        let end = NOW.plus(BROKER_ORDER_LIFETIME);
        // The form's own time is over after a day.
        for good in [NOW, NOW.plus(2 * 86_400), end] {
            assert_eq!(open(&sealed, good).unwrap().claims.exp, end);
        }
        let error = open(&sealed, end.plus(warifu_protocol::CLOCK_SKEW)).unwrap_err();
        assert_eq!((error.reason, error.field.as_ref()), (Reason::Expired, "order.exp"));
    }
    let plain = order(&cast, Rule::minimal());
    let error = open(&plain, NOW.plus(2 * 86_400)).unwrap_err();
    assert_eq!((error.reason, error.field.as_ref()), (Reason::Expired, "form.exp"));
    open(&plain, NOW).unwrap();
}

#[test]
fn a_form_that_was_over_when_the_order_was_signed_is_over() {
    let cast = Cast::new(Net::kps());
    let mut sealed = order(&cast, Rule::broker());
    // The same form, over an hour ago: it was over when the order was signed.
    let mut form = cast.form(Rule::broker());
    form.exp = NOW.minus(3600);
    form.iat = NOW.minus(7200);
    sealed.bundle.form = form.sign(cast.merchant.signer.as_ref());
    let front = &cast.merchant.credential;
    let opened = sealed::open(&cast.issuer, &sealed.bundle, front, Role::Issuer, NOW);
    let error = opened.unwrap_err();
    assert_eq!((error.reason, error.field.as_ref()), (Reason::Expired, "form.exp"));
}
