//! The disclosure rules that a merchant offers: shipped ones by name, and the operator's own (rows A7,
//! A15).

use crate::{
    Failure,
    config::{MerchantConfig, own_rule::OwnRule},
};
use std::collections::BTreeMap;
use warifu_merchant::{OfferedRule, Settings};
use warifu_protocol::{
    AtFault, Reason,
    form::{Accepts, Designation},
    rule::Rule,
    suite::Suite,
};
use warifu_types::{FieldName, Role};

/// How long a merchant's form is good for, in seconds: a month, so that it can be read from a file.
const FORM_LIFETIME: u64 = 30 * 86_400;
/// How long a quote is good for, in seconds.
const QUOTE_LIFETIME: u64 = 1800;
/// The longest name of a rule, in bytes.
const MAX_NAME: usize = 64;

/// What a merchant or a door offers by its configuration. A rule that no party may follow is an error
/// that names its field.
pub fn merchant_settings(role: Role, config: &MerchantConfig) -> Result<Settings, Failure> {
    // Also those that are not offered yet: a fault is better seen at once.
    for (name, own) in &config.own_rules {
        own_rule(name, own)?;
    }
    let names = if role == Role::Door { vec!["badge".to_string()] } else { config.rules.clone() };
    Ok(Settings {
        role,
        rules: names
            .iter()
            .map(|name| offered_rule(name, config))
            .collect::<Result<Vec<_>, _>>()?,
        accepts: Accepts {
            currencies: config.currencies.clone(),
            instalments: config.instalments,
            issuers: config.issuers.clone(),
            suites: vec![Suite::KpsHpke, Suite::Kps],
        },
        form_lifetime: FORM_LIFETIME,
        quote_lifetime: QUOTE_LIFETIME,
        instructions: config.instructions.clone(),
    })
}

/// A rule by its name, with the parties that the configuration designates.
fn offered_rule(name: &str, config: &MerchantConfig) -> Result<OfferedRule, Failure> {
    let own = config.own_rules.get(name);
    let rule = match own {
        Some(own) => own_rule(name, own)?,
        None => shipped(name)
            .ok_or_else(|| Failure::input("merchant.rules", format!("no rule called {name}")))?,
    };
    let mut parties = BTreeMap::new();
    for role in rule.parts.keys().filter(|role| **role != rule.front) {
        let designation = designated(*role, &rule, config).ok_or_else(|| {
            Failure::input(format!("merchant.{role}"), format!("the rule {name} needs one"))
        })?;
        parties.insert(*role, designation);
    }
    let wished = own.map_or(name == "direct", |own| own.direct);
    // The center's part goes into the holder's telegram, never through the merchant.
    let direct = wished || rule.authorizer == Role::Center;
    Ok(OfferedRule { direct, rule, parties })
}

/// A rule that is in the program.
fn shipped(name: &str) -> Option<Rule> {
    use FieldName as F;
    let minimal = Rule::minimal();
    let rule = match name {
        "minimal" | "direct" => minimal,
        "classic" => Rule::classic(),
        "badge" => Rule::badge(),
        "prepaid" => Rule::prepaid(),
        "prepaid-download" | "prepaid-metered" => Rule::prepaid().without_party(Role::Carrier),
        "broker" => Rule::broker(),
        "broker-reference" => Rule::broker_reference(),
        "no-carrier" => minimal.without_party(Role::Carrier),
        "gateway" => {
            minimal.also(Role::Gateway, F::HOLDER_NAME).also(Role::Gateway, F::HOLDER_TELEPHONE)
        }
        "certifier" => minimal.also(Role::Certifier, F::HOLDER_NAME),
        "no-fax" => minimal.without(&F::HOLDER_FAX),
        "no-item-number" => minimal.withheld(Role::Issuer, &F::ITEM_NUMBERS),
        "destination-to-merchant" => minimal.also(Role::Merchant, F::DESTINATION),
        _ => return None,
    };
    Some(rule.named(name))
}

/// Whom the configuration designates for a part.
fn designated(role: Role, rule: &Rule, config: &MerchantConfig) -> Option<Designation> {
    match role {
        Role::Carrier => config.carrier.clone(),
        Role::Gateway => config.gateway.clone(),
        Role::Certifier => config.certifier.clone(),
        Role::Center => config.center.clone().map(Designation::Identifier),
        Role::Issuer if rule.is_for_brokers() && config.provider.issuer.is_some() => {
            config.provider.issuer.clone().map(Designation::Identifier)
        }
        _ => Some(Designation::Holder {}),
    }
}

/// A rule of the operator's own, if every party may follow it and a merchant can sell by it.
fn own_rule(name: &str, own: &OwnRule) -> Result<Rule, Failure> {
    let refuse = |place: &str, problem: String| {
        Err(Failure::input(format!("merchant.own_rules.{name}{place}"), problem))
    };
    check_name(name)?;
    if ![Role::Issuer, Role::Center].contains(&own.authorizer) {
        return refuse(".authorizer", "is the issuer or the center".to_string());
    }
    for (role, fields) in &own.parts {
        let further = matches!(role, Role::Carrier | Role::Gateway | Role::Certifier);
        if !further && ![Role::Merchant, own.authorizer].contains(role) {
            return refuse(&format!(".parts.{role}"), "has no part in such a purchase".to_string());
        }
        // Nobody could enter a value for another one.
        if let Some(field) = fields.iter().find(|field| !field.is_known()) {
            return refuse(&format!(".parts.{role}"), format!("no field is called {field}"));
        }
    }
    let rule = Rule {
        name: name.to_string(),
        front: Role::Merchant,
        authorizer: own.authorizer,
        parts: own.parts.iter().map(|(role, fields)| (*role, fields.clone())).collect(),
    };
    if let Err(error) = rule.check(AtFault::Own) {
        let place = error.field.strip_prefix("form.rule").unwrap_or_default();
        return refuse(place, why(error.reason, place).to_string());
    }
    if !rule.part(Role::Merchant).contains(&FieldName::QUOTE) {
        let problem = "without it the merchant cannot tell what was ordered at which price";
        return refuse(".parts.merchant.quote", problem.to_string());
    }
    Ok(rule)
}

/// What is wrong with a rule at a place such as `.parts.issuer.amount`.
fn why(reason: Reason, place: &str) -> &'static str {
    match (reason, place.matches('.').count()) {
        (Reason::OutsideRule, 3) => "the party cannot do its work without this field",
        (Reason::OutsideRule, _) => "the part is missing or empty, or has a field twice",
        (other, _) => other.text(),
    }
}

/// The name stands in addresses and on command lines, and a shipped rule keeps its own.
fn check_name(name: &str) -> Result<(), Failure> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let problem = if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(plain) {
        "a rule's name is 1 to 64 of a-z, 0-9 and -"
    } else if shipped(name).is_some() || name == "top-up" {
        "is the name of a shipped rule"
    } else {
        return Ok(());
    };
    Err(Failure::input(format!("merchant.own_rules.{name}"), problem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use warifu_protocol::goods::Kind;

    const HEAD: &str = "data = \"m\"\nkey_file = \"m.key\"\nidentifier = \"domain:m.example\"\n\
         listen = \"127.0.0.1:1\"\n[merchant]\nrules = [\"minimal\", \"PLAIN\"]\n\
         carrier = { identifier = \"domain:c.example\" }\ncenter = \"domain:s.example\"\n\
         [merchant.own_rules.NAME]\n";
    const PARTS: &str = "parts.merchant = [\"items\", \"amount\", \"payment_type\", \"quote\"]\n\
         parts.issuer = [\"holder_name\", \"card_number\", \"card_expiry\", \"amount\", \
         \"payment_type\"]\n\
         parts.carrier = [\"holder_telephone\", \"destination\"]\n";

    fn settings(name: &str, text: &str) -> Result<Settings, String> {
        let head = HEAD.replace("NAME", name).replace("PLAIN", name.trim_matches('"'));
        let text = head + text;
        let config = Config::parse(&text)?;
        merchant_settings(Role::Merchant, &config.merchant).map_err(|error| error.to_string())
    }

    fn edited(from: &str, to: &str) -> String {
        assert!(PARTS.contains(from), "{from}");
        PARTS.replacen(from, to, 1)
    }

    #[test]
    fn an_operator_says_which_field_goes_into_which_part() {
        let settings = settings("quiet-2", PARTS).unwrap();
        settings.check().unwrap();
        let offered = settings.rule(Some("quiet-2")).unwrap();
        assert!(!offered.direct);
        assert_eq!(
            offered.rule.part(Role::Carrier),
            [FieldName::HOLDER_TELEPHONE, FieldName::DESTINATION]
        );
        assert!(!offered.rule.part(Role::Merchant).contains(&FieldName::HOLDER_NAME));
        assert_eq!(offered.parties.len(), 2);
    }

    #[test]
    fn an_own_rule_for_prepaid_files_has_the_centers_part_sent_directly() {
        let parts = "authorizer = \"center\"\nparts.merchant = [\"amount\", \"quote\"]\n\
             parts.center = [\"card_number\", \"card_expiry\", \"amount\"]\n";
        let settings = settings("quiet-download", parts).unwrap();
        settings.check().unwrap();
        let offered = settings.rule(Some("quiet-download")).unwrap();
        assert!(offered.direct);
        assert_eq!(offered.kind(), Kind::Download);
    }

    #[test]
    fn a_bad_rule_is_refused_by_its_field() {
        let parts = "merchant.own_rules.quiet.parts";
        for (text, field) in [
            (edited("\"items\"", "\"card_number\""), format!("{parts}.merchant.card_number")),
            (
                edited("\"holder_telephone\"", "\"card_expiry\""),
                format!("{parts}.carrier.card_expiry"),
            ),
            (edited("\"holder_telephone\"", "\"quote\""), format!("{parts}.carrier.quote")),
            (edited("\"items\", \"amount\"", "\"items\""), format!("{parts}.merchant.amount")),
            (
                edited("\"card_expiry\", \"amount\"", "\"card_expiry\""),
                format!("{parts}.issuer.amount"),
            ),
            (edited("\"card_number\", ", ""), format!("{parts}.issuer.card_number")),
            (edited("\"holder_name\", ", ""), format!("{parts}.issuer.holder_name")),
            (edited(", \"destination\"", ""), format!("{parts}.carrier.destination")),
            (edited(", \"quote\"", ""), format!("{parts}.merchant.quote")),
            (edited("\"items\"", "\"itmes\""), format!("{parts}.merchant")),
            (edited("\"items\"", "\"amount\""), format!("{parts}.merchant")),
            (edited("\"items\"", "\"card_reference\""), format!("{parts}.merchant.card_reference")),
            (edited("parts.carrier", "parts.door"), format!("{parts}.door")),
            (edited("parts.carrier", "parts.holder"), format!("{parts}.holder")),
            (edited("parts.issuer", "parts.gateway"), format!("{parts}.issuer")),
            (
                format!("authorizer = \"merchant\"\n{PARTS}"),
                "merchant.own_rules.quiet.authorizer".to_string(),
            ),
        ] {
            let error = settings("quiet", &text).unwrap_err();
            assert!(error.starts_with(&format!("{field}: ")), "{error}, not {field}");
        }
        for name in ["minimal", "prepaid", "broker", "top-up", "Quiet", "\"a b\"", "\"\""] {
            let error = settings(name, PARTS).unwrap_err();
            assert!(error.starts_with("merchant.own_rules."), "{error}");
        }
        // What no field, no role and no setting is, the file's line tells.
        for (from, to) in [("\"items\"", "\"Items\""), ("parts.carrier", "parts.shop")] {
            let error = settings("quiet", &edited(from, to)).unwrap_err();
            assert!(error.starts_with("line "), "{error}");
        }
        let error = settings("quiet", &format!("{PARTS}front = \"issuer\"\n")).unwrap_err();
        assert!(error.starts_with("line "), "{error}");
    }
}
