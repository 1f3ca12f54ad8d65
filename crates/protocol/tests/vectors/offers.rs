//! Forms and quotes.
use crate::{
    case::Case,
    common::{NOW, forge, own_rule},
    network::kps,
};
use serde_json::{Value, json};
use warifu_protocol::{AtFault, CLOCK_SKEW, Reason, encode::sha256, rule::Rule};
use warifu_types::{FieldName, Role};

const MERCHANT: AtFault = AtFault::Role(Role::Merchant);

pub fn cases() -> Vec<Case> {
    [forms(), forms_of_unsafe_rules(), quotes()].into_iter().flatten().collect()
}

/// A form under a rule, with the honest merchant's credential.
fn form_case(name: &str, about: &str, merchant: &str, token: String) -> Case {
    let input = json!({"token": token, "merchant": merchant});
    Case::new("form", name, about, ("kps", "holder"), input)
}

fn forms() -> Vec<Case> {
    let made = kps();
    let cast = &made.cast;
    let signer = cast.merchant.signer.as_ref();
    let credential = cast.merchant.credential_token.as_str();
    let honest = cast.form(Rule::minimal()).sign(signer);
    let changed = |change: &dyn Fn(&mut Value)| forge::resigned(&honest, signer, change);
    let with = |field: &str, value: Value| changed(&|form| form[field] = value.clone());
    let mut cases = Vec::new();
    let without_carrier = Rule::minimal().without_party(Role::Carrier);
    for rule in [Rule::classic(), Rule::minimal(), without_carrier, own_rule()] {
        let name = match (rule.name.as_str(), rule.parts.len()) {
            (_, 2) => "minimal_without_carrier".to_string(),
            (name, _) => name.to_string(),
        };
        let token = cast.form(rule.clone()).sign(signer);
        let accepted = json!({"hash": sha256(token.as_bytes()), "rule": rule.name});
        cases.push(form_case(&name, "A good form.", credential, token).accepted(accepted));
    }
    use Reason::*;
    let other = made.terminal("other_merchant");
    for (name, about, token, reason, field) in [
        (
            "signed_by_another",
            "Another merchant's signature.",
            forge::resigned(&honest, other.signer.as_ref(), |_| {}),
            BadSignature,
            "form",
        ),
        (
            "issuer_another",
            "Another merchant's name.",
            with("iss", json!("domain:other-shop.example")),
            WrongParty,
            "form.iss",
        ),
        (
            "network_of_another",
            "For another network.",
            with("network", json!("other.example")),
            WrongNetwork,
            "form.network",
        ),
        (
            "expired",
            "Past its end and the clocks' difference.",
            with("exp", json!(NOW.0 - CLOCK_SKEW)),
            Expired,
            "form.exp",
        ),
        (
            "from_the_future",
            "Dated beyond the clocks' difference.",
            with("iat", json!(NOW.0 + CLOCK_SKEW + 1)),
            NotYetValid,
            "form.iat",
        ),
        (
            "party_missing",
            "Nobody is designated for the carrier's part.",
            changed(&|f| {
                f["parties"].as_object_mut().unwrap().remove("carrier");
            }),
            Mismatch,
            "form.parties",
        ),
        (
            "party_without_part",
            "A gateway is designated that has no part.",
            changed(&|f| f["parties"]["gateway"] = json!({"holder": {}})),
            Mismatch,
            "form.parties",
        ),
        (
            "front_designated",
            "The merchant designates itself once more.",
            changed(&|f| f["parties"]["merchant"] = json!({"holder": {}})),
            Mismatch,
            "form.parties",
        ),
        (
            "field_unknown",
            "A claim that the format does not know.",
            with("discount", json!(1)),
            Malformed,
            "form.discount",
        ),
        (
            "rule_field_unknown",
            "A member of the rule that the format does not know.",
            changed(&|f| f["rule"]["retention"] = json!(1)),
            Malformed,
            "form.rule.retention",
        ),
        (
            "rule_as_array",
            "The rule is an array of its values.",
            changed(&|f| f["rule"] = json!(["minimal", "merchant", "issuer", {}])),
            Malformed,
            "form.rule",
        ),
        (
            "part_twice",
            "A part stands twice.",
            forge::respelt(&honest, signer, r#""parts":{"#, r#""parts":{"issuer":[],"#),
            Malformed,
            "form.rule.parts.issuer",
        ),
        (
            "field_name_bad",
            "A field's name with a space.",
            changed(&|f| f["rule"]["parts"]["issuer"][0] = json!("holder name")),
            Malformed,
            "form.rule.parts.issuer[0]",
        ),
        (
            "currency_unknown",
            "A currency that does not exist.",
            changed(&|f| f["accepts"]["currencies"] = json!(["ZZZ"])),
            Malformed,
            "form.accepts.currencies[0]",
        ),
        (
            "time_as_text",
            "A time as a string.",
            with("iat", json!(NOW.0.to_string())),
            Malformed,
            "form.iat",
        ),
    ] {
        cases.push(form_case(name, about, credential, token).refused(reason, MERCHANT, field));
    }
    cases
}

fn forms_of_unsafe_rules() -> Vec<Case> {
    let made = kps();
    let cast = &made.cast;
    let credential = cast.merchant.credential_token.as_str();
    let rule = Rule::minimal;
    use Reason::*;
    let mut twice = rule();
    twice.parts.as_mut().get_mut(&Role::Carrier).unwrap().push(FieldName::DESTINATION);
    let mut empty = rule();
    empty.parts.as_mut().insert(Role::Carrier, vec![]);
    let no_card = rule().without(&FieldName::CARD_NUMBER).without(&FieldName::CARD_EXPIRY);
    [
        (
            "form_card_to_merchant",
            "The merchant wants the card number.",
            rule().also(Role::Merchant, FieldName::CARD_NUMBER),
            UnsafeRule,
            "form.rule.parts.merchant.card_number",
        ),
        (
            "form_card_expiry_to_merchant",
            "The merchant wants the card's expiry.",
            rule().also(Role::Merchant, FieldName::CARD_EXPIRY),
            UnsafeRule,
            "form.rule.parts.merchant.card_expiry",
        ),
        (
            "form_card_to_carrier",
            "The carrier is to get the card number.",
            rule().also(Role::Carrier, FieldName::CARD_NUMBER),
            UnsafeRule,
            "form.rule.parts.carrier.card_number",
        ),
        (
            "form_card_to_gateway",
            "A gateway is to get the card number.",
            rule().also(Role::Gateway, FieldName::CARD_NUMBER),
            UnsafeRule,
            "form.rule.parts.gateway.card_number",
        ),
        (
            "form_quote_to_issuer",
            "The issuer could look the goods up.",
            rule().also(Role::Issuer, FieldName::QUOTE),
            UnsafeRule,
            "form.rule.parts.issuer.quote",
        ),
        (
            "form_merchant_authorizes",
            "The merchant authorizes itself.",
            Rule { authorizer: Role::Merchant, ..no_card },
            UnsafeRule,
            "form.rule.authorizer",
        ),
        (
            "form_part_for_holder",
            "A part for the holder.",
            rule().also(Role::Holder, FieldName::AMOUNT),
            OutsideRule,
            "form.rule.parts.holder",
        ),
        (
            "form_issuer_without_part",
            "Nothing for the issuer.",
            rule().without_party(Role::Issuer),
            OutsideRule,
            "form.rule.parts.issuer",
        ),
        (
            "form_merchant_without_part",
            "Nothing for the merchant.",
            rule().without_party(Role::Merchant),
            OutsideRule,
            "form.rule.parts.merchant",
        ),
        (
            "form_field_twice_in_a_part",
            "One field twice in a part.",
            twice,
            OutsideRule,
            "form.rule.parts.carrier",
        ),
        (
            "form_part_empty",
            "A part without fields.",
            empty,
            OutsideRule,
            "form.rule.parts.carrier",
        ),
        (
            "form_amount_kept_from_merchant",
            "The merchant is not to know the amount that the issuer holds.",
            rule().withheld(Role::Merchant, &FieldName::AMOUNT),
            OutsideRule,
            "form.rule.parts.merchant.amount",
        ),
        (
            "form_amount_kept_from_issuer",
            "The issuer is not to know the amount that the merchant asks for.",
            own_rule().withheld(Role::Issuer, &FieldName::AMOUNT),
            OutsideRule,
            "form.rule.parts.issuer.amount",
        ),
        (
            "form_payment_type_kept_from_issuer",
            "The merchant sells in instalments of which the issuer is not told.",
            own_rule().withheld(Role::Issuer, &FieldName::PAYMENT_TYPE),
            OutsideRule,
            "form.rule.parts.issuer.payment_type",
        ),
        (
            "form_card_kept_from_issuer",
            "The issuer has no card to authenticate.",
            own_rule().withheld(Role::Issuer, &FieldName::CARD_NUMBER),
            OutsideRule,
            "form.rule.parts.issuer.card_number",
        ),
        (
            "form_holder_name_kept_from_issuer",
            "The issuer has nobody to authenticate.",
            own_rule().withheld(Role::Issuer, &FieldName::HOLDER_NAME),
            OutsideRule,
            "form.rule.parts.issuer.holder_name",
        ),
        (
            "form_destination_kept_from_carrier",
            "The carrier does not know where to.",
            own_rule().withheld(Role::Carrier, &FieldName::DESTINATION),
            OutsideRule,
            "form.rule.parts.carrier.destination",
        ),
        (
            "form_own_rule_card_to_carrier",
            "A rule of the network's own gives the card to the carrier.",
            own_rule().also(Role::Carrier, FieldName::CARD_NUMBER),
            UnsafeRule,
            "form.rule.parts.carrier.card_number",
        ),
        (
            "form_rule_name_too_long",
            "The rule's name has 65 bytes.",
            rule().named(&"n".repeat(65)),
            TooLarge,
            "form.rule",
        ),
        (
            "form_front_of_another_role",
            "The merchant's form is a door's.",
            Rule::badge(),
            WrongParty,
            "credential.roles",
        ),
    ]
    .map(|(name, about, rule, reason, field)| {
        let token = cast.form(rule).sign(cast.merchant.signer.as_ref());
        form_case(name, about, credential, token).refused(reason, MERCHANT, field)
    })
    .into()
}

fn quotes() -> Vec<Case> {
    let made = kps();
    let cast = &made.cast;
    let signer = cast.merchant.signer.as_ref();
    let form = sha256(b"form");
    let honest = cast.quote(form);
    let case = |name: &str, about: &str, token: &str| {
        let merchant: &str = &cast.merchant.credential_token;
        let input = json!({"token": token, "form": form, "merchant": merchant});
        Case::new("quote", name, about, ("kps", "holder"), input)
    };
    let accepted = json!({
        "hash": warifu_protocol::quote::hash(&honest),
        "total": {"minor": 1980, "currency": "JPY"},
    });
    let mut cases = vec![case("good", "Two teas.", &honest).accepted(accepted)];
    use Reason::*;
    for (name, about, path, value, reason, field) in [
        (
            "total_wrong",
            "The total is not the sum.",
            "/total/minor",
            json!(1979),
            Mismatch,
            "quote.total",
        ),
        (
            "quantity_zero",
            "None of an item.",
            "/lines/0/quantity",
            json!(0),
            Mismatch,
            "quote.total",
        ),
        (
            "quantity_negative",
            "Less than none of an item.",
            "/lines/0/quantity",
            json!(-1),
            Malformed,
            "quote.lines[0].quantity",
        ),
        (
            "quantity_fractional",
            "Half an item.",
            "/lines/0/quantity",
            json!(0.5),
            Malformed,
            "quote.lines[0].quantity",
        ),
        (
            "currencies_mixed",
            "The line and the total differ in currency.",
            "/lines/0/unit_price/currency",
            json!("EUR"),
            Mismatch,
            "quote.total",
        ),
        (
            "currency_unknown",
            "A currency that does not exist.",
            "/total/currency",
            json!("ZZZ"),
            Malformed,
            "quote.total.currency",
        ),
        (
            "sum_overflows",
            "The sum is above the greatest amount.",
            "/lines/0/unit_price/minor",
            json!(9_007_199_254_740_991_u64),
            Mismatch,
            "quote.total",
        ),
        (
            "amount_too_large",
            "An amount above 2^53 - 1.",
            "/total/minor",
            json!(9_007_199_254_740_992_u64),
            Malformed,
            "quote.total",
        ),
        (
            "total_as_array",
            "The total is an array of its values.",
            "/total",
            json!([1980, "JPY"]),
            Malformed,
            "quote.total",
        ),
        ("lines_none", "No lines.", "/lines", json!([]), BadValue, "quote.lines"),
        (
            "form_another",
            "For another form.",
            "/form",
            json!(sha256(b"other")),
            Mismatch,
            "quote.form",
        ),
        (
            "issuer_another",
            "In another merchant's name.",
            "/iss",
            json!("domain:other-shop.example"),
            WrongParty,
            "quote.iss",
        ),
        ("expired", "Past its end.", "/exp", json!(NOW.0 - CLOCK_SKEW), Expired, "quote.exp"),
    ] {
        let token = forge::resigned(&honest, signer, |quote| {
            *quote.pointer_mut(path).unwrap() = value.clone();
        });
        cases.push(case(name, about, &token).refused(reason, MERCHANT, field));
    }
    let forged = forge::resigned(&honest, cast.issuer.signer.as_ref(), |_| {});
    let case = case("signed_by_another", "Another party's signature.", &forged);
    cases.push(case.refused(BadSignature, MERCHANT, "quote"));
    cases
}
