//! Forms and orders under the rules for prepaid cards and for brokers.
use crate::{
    case::Case,
    common::{NOW, forge, rng, values},
    decisions::MERCHANT,
    network::{Made, kps},
    orders::HOLDER,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};
use warifu_protocol::{
    AtFault, Reason,
    credential::Credential,
    encode::sha256,
    order::BROKER_ORDER_LIFETIME,
    rule::Rule,
    sealed::{self, Draft, SealedOrder, seal},
    terminal::Terminal,
    value::FieldValue,
};
use warifu_types::{FieldName, OrderId, Role};

pub fn cases() -> Vec<Case> {
    let shop = Shop { made: kps() };
    [shop.forms(), shop.unsafe_forms(), shop.orders(), shop.brokers_orders()]
        .into_iter()
        .flatten()
        .collect()
}

struct Shop {
    made: Made,
}

impl Shop {
    /// Who stands in a role.
    fn party(&self, role: Role) -> Terminal {
        self.made.terminal(role.as_str())
    }

    /// A form by the rule's front, and the front's credential.
    fn form(&self, rule: &Rule) -> (String, Terminal) {
        let front = self.party(rule.front);
        let form = self.made.cast.form(rule.clone()).sign(self.made.cast.merchant.signer.as_ref());
        let form = forge::resigned(&form, front.signer.as_ref(), |form| {
            form["iss"] = json!(front.id());
            if rule.authorizer == Role::Center {
                form["parties"]["center"] = json!({"identifier": "domain:center1.example"});
                form["direct"] = json!(true);
            }
        });
        (form, front)
    }

    fn form_case(&self, name: &str, about: &str, rule: &Rule) -> (Case, String) {
        let (token, front) = self.form(rule);
        let input = json!({"token": token, "merchant": front.credential_token});
        (Case::new("form", name, about, ("kps", "holder"), input), token)
    }

    fn forms(&self) -> Vec<Case> {
        let withheld = Rule::broker().without(&FieldName::HOLDER_TELEPHONE);
        let rules = [
            ("prepaid", Rule::prepaid()),
            ("top_up", Rule::top_up()),
            ("broker", Rule::broker()),
            ("broker_reference", Rule::broker_reference()),
            ("broker_without_telephone", withheld),
        ];
        let good = rules.map(|(name, rule)| {
            let (case, token) = self.form_case(name, "A good form.", &rule);
            case.accepted(json!({"hash": sha256(token.as_bytes()), "rule": rule.name}))
        });
        good.into()
    }

    fn unsafe_forms(&self) -> Vec<Case> {
        use FieldName as F;
        use Role::{Carrier, Center, Issuer, Merchant};
        let turned =
            Rule { front: Issuer, authorizer: Merchant, ..Rule::broker().without(&F::QUOTE) };
        let rules = [
            (
                "prepaid_card_for_merchant",
                "The merchant is to see the prepaid card.",
                Rule::prepaid().also(Merchant, F::CARD_NUMBER),
                "parts.merchant.card_number",
            ),
            (
                "prepaid_quote_for_center",
                "The center is to see what is bought.",
                Rule::prepaid().also(Center, F::QUOTE),
                "parts.center.quote",
            ),
            (
                "top_up_card_for_center",
                "The selling center is to see the issuer's card.",
                Rule::top_up().also(Center, F::CARD_NUMBER),
                "parts.center.card_number",
            ),
            (
                "broker_card_for_issuer",
                "A card in a broker's order.",
                Rule::broker().also(Issuer, F::CARD_NUMBER),
                "parts.issuer.card_number",
            ),
            (
                "broker_card_for_merchant",
                "A card in a broker's order, for the provider.",
                Rule::broker().also(Merchant, F::CARD_EXPIRY),
                "parts.merchant.card_expiry",
            ),
            (
                "broker_destination_for_issuer",
                "The issuer is to see where the user goes.",
                Rule::broker().also(Issuer, F::DESTINATION),
                "parts.issuer.destination",
            ),
            (
                "broker_with_a_carrier",
                "A carrier under a broker's rule.",
                Rule::broker().also(Carrier, F::DESTINATION),
                "parts.carrier.destination",
            ),
            (
                "broker_with_a_reference",
                "A reference under the rule that has none.",
                Rule::broker().also(Issuer, F::CARD_REFERENCE),
                "parts.issuer.card_reference",
            ),
            (
                "broker_reference_without_one",
                "No reference under the rule that has one.",
                Rule::broker().named("broker-reference"),
                "parts.issuer.card_reference",
            ),
            (
                "broker_reference_for_merchant",
                "The provider is to see the reference.",
                Rule::broker_reference().also(Merchant, F::CARD_REFERENCE),
                "parts.merchant.card_reference",
            ),
            (
                "minimal_with_a_reference",
                "A reference under another rule.",
                Rule::minimal().also(Issuer, F::CARD_REFERENCE),
                "parts.issuer.card_reference",
            ),
            (
                "broker_front_and_authorizer_exchanged",
                "The issuer is to receive the order.",
                turned,
                "authorizer",
            ),
        ];
        let refused = rules.map(|(name, about, rule, field)| {
            let at_fault = MERCHANT;
            let case = self.form_case(name, about, &rule).0;
            case.refused(Reason::UnsafeRule, at_fault, &format!("form.rule.{field}"))
        });
        let mut cases: Vec<Case> = refused.into();
        for (name, about, rule, field) in [
            (
                "prepaid_amount_kept_from_center",
                "The center is not to know what it pays.",
                Rule::prepaid().withheld(Center, &F::AMOUNT),
                "center.amount",
            ),
            (
                "top_up_amount_kept_from_center",
                "The center is not to know how much it sells.",
                Rule::top_up().withheld(Center, &F::AMOUNT),
                "center.amount",
            ),
        ] {
            let place = format!("form.rule.parts.{field}");
            let case = self.form_case(name, about, &rule).0;
            cases.push(case.refused(Reason::OutsideRule, MERCHANT, &place));
        }
        let about = "A merchant sells prepaid value.";
        let (mut case, token) = self.form_case("top_up_by_a_merchant", about, &Rule::top_up());
        let merchant = self.party(Merchant);
        case.input["token"] = json!(forge::resigned(&token, merchant.signer.as_ref(), |form| {
            form["iss"] = json!(merchant.id());
        }));
        case.input["merchant"] = json!(merchant.credential_token);
        cases.push(case.refused(Reason::WrongParty, MERCHANT, "credential.roles"));
        cases
    }

    /// An order by this holder under a rule.
    fn order(&self, holder: &Terminal, rule: &Rule) -> SealedOrder {
        let (token, front) = self.form(rule);
        let checked = holder.trust.form(&token, &front.credential, NOW, AtFault::Own).unwrap();
        let mut values = values("a quote");
        let reference = "0123456789abcdefghjkmnpqrstvwxyz";
        values.insert(FieldName::CARD_REFERENCE, FieldValue::text(reference));
        values.retain(|field, _| rule.fields().contains(field));
        let recipients: BTreeMap<Role, Arc<Credential>> =
            rule.parts.keys().map(|role| (*role, self.party(*role).credential)).collect();
        let form = checked.borrowed();
        let draft = Draft { form, form_token: &token, values: &values, recipients: &recipients };
        seal(holder, &draft, OrderId([17; 32]), NOW, &mut rng(17)).unwrap().bundle
    }

    fn order_case(&self, name: &str, about: &str, bundle: &SealedOrder, role: Role) -> Case {
        let front = self.party(front_of(bundle));
        let input = json!({"bundle": bundle, "front": front.credential_token, "role": role});
        Case::new("order", name, about, ("kps", role.as_str()), input)
    }

    /// The terminal in this role opens its part.
    fn opened(&self, name: &str, bundle: &SealedOrder, role: Role) -> Case {
        let front = self.party(front_of(bundle)).credential;
        let opened = sealed::open(&self.party(role), bundle, &front, role, NOW).unwrap();
        let about = "Opens.";
        self.order_case(name, about, bundle, role).accepted(json!({
            "identity": opened.identity,
            "fields": opened.fields,
            "sealed": opened.sealed_fields(),
        }))
    }

    fn orders(&self) -> Vec<Case> {
        let holder = self.party(Role::Holder);
        let prepaid = self.order(&holder, &Rule::prepaid());
        let top_up = self.order(&holder, &Rule::top_up());
        let mut cases = vec![
            self.opened("prepaid_merchant", &prepaid.except(Role::Center), Role::Merchant),
            self.opened("prepaid_center", &prepaid.only(Role::Center), Role::Center),
            self.opened("top_up_center", &top_up, Role::Center),
            self.opened("top_up_issuer", &top_up.only(Role::Issuer), Role::Issuer),
        ];
        let about = "The merchant gets the center's part alone.";
        let swapped = self.order_case(
            "prepaid_center_part_for_merchant",
            about,
            &prepaid.only(Role::Center),
            Role::Merchant,
        );
        cases.push(swapped.refused(Reason::OutsideRule, AtFault::Sender, "parts.merchant"));
        let about = "The center reads another amount than the merchant.";
        let salt = "AAECAwQFBgcICQoLDA0ODw";
        let amount = forge::disclosure(&json!([salt, {"minor": 1, "currency": "JPY"}])).0;
        let other = with_disclosure(self, &prepaid, Role::Center, 2, &amount);
        let case = self.order_case("prepaid_amount_differs", about, &other, Role::Center);
        cases.push(case.refused(Reason::WrongDigest, HOLDER, "order.fields.amount"));
        cases
    }

    fn brokers_orders(&self) -> Vec<Case> {
        let broker = self.party(Role::Broker);
        let order = self.order(&broker, &Rule::broker());
        let by_reference = self.order(&broker, &Rule::broker_reference());
        let late = NOW.0 + BROKER_ORDER_LIFETIME - 1;
        let mut cases = vec![
            self.opened("broker_merchant", &order, Role::Merchant),
            self.opened("broker_issuer", &order.only(Role::Issuer), Role::Issuer),
            self.opened("broker_reference_merchant", &by_reference, Role::Merchant),
            self.opened("broker_reference_issuer", &by_reference.only(Role::Issuer), Role::Issuer),
            // The form's time is over by then; it was good when the order was signed.
            self.opened("broker_after_the_form", &order, Role::Merchant).at(late),
        ];
        let signer = broker.signer.as_ref();
        for (name, about, claim, value, reason, field) in [
            (
                "broker_good_for_too_long",
                "Good for a second longer than three days.",
                "exp",
                NOW.0 + BROKER_ORDER_LIFETIME + 1,
                Reason::BadValue,
                "order.exp",
            ),
            (
                "broker_expired",
                "Past its end.",
                "exp",
                NOW.0 - warifu_protocol::CLOCK_SKEW,
                Reason::Expired,
                "order.exp",
            ),
        ] {
            let token = forge::resigned(&order.order, signer, |order| order[claim] = json!(value));
            let bundle = SealedOrder { order: token, ..order.clone() };
            let case = self.order_case(name, about, &bundle, Role::Merchant);
            cases.push(case.refused(reason, HOLDER, field));
        }
        let about = "A carrier, whom the rule does not know.";
        let token = forge::resigned(&order.order, signer, |order| {
            order["parties"]["carrier"] = json!("domain:other-carrier.example");
        });
        let bundle = SealedOrder { order: token, ..order };
        let case = self.order_case("broker_party_extra", about, &bundle, Role::Merchant);
        cases.push(case.refused(Reason::OutsideRule, HOLDER, "order.parties"));
        cases
    }
}

/// The role of the front, from the order's form.
fn front_of(bundle: &SealedOrder) -> Role {
    serde_json::from_value(forge::claims(&bundle.form)["rule"]["front"].clone()).unwrap()
}

/// The bundle with another disclosure in one place of a part, which the holder has signed for.
fn with_disclosure(
    shop: &Shop,
    bundle: &SealedOrder,
    role: Role,
    place: usize,
    disclosure: &str,
) -> SealedOrder {
    let cast = &shop.made.cast;
    let header = serde_json::from_slice(&forge::piece(&bundle.parts[&role], 0)).unwrap();
    let key = forge::content_key(cast, &header);
    let pieces = warifu_protocol::jwe::split(&bundle.parts[&role], AtFault::Own, "part").unwrap();
    let plain = warifu_protocol::jwe::decrypt(&pieces, &key, AtFault::Own, "part").unwrap();
    let mut envelope: Value = serde_json::from_slice(&plain).unwrap();
    envelope["disclosures"][place] = json!(disclosure);
    forge::with_envelope(cast, &bundle.only(role), role, &envelope)
}
