//! How a merchant is set up.

use crate::rules::brokering::CardWay;
use std::collections::{BTreeMap, BTreeSet};
use warifu_protocol::{
    AtFault,
    form::{Accepts, Designation},
    goods::Kind,
    rule::Rule,
};
use warifu_types::{FieldName, Identifier, Role};
use warifu_wire::Problem;

/// One disclosure rule that the merchant offers, under the rule's name.
#[derive(Debug, Clone)]
pub struct OfferedRule {
    /// The rule.
    pub rule: Rule,
    /// Who takes each part but the front's own.
    pub parties: BTreeMap<Role, Designation>,
    /// Whether the authorizer's part goes to it directly from the holder.
    pub direct: bool,
}

impl OfferedRule {
    /// Paying with a prepaid card of `center` (row B9): `prepaid` for goods that are delivered later
    /// (without a carrier, over the counter), `prepaid-download` and `prepaid-metered`, in which no
    /// carrier has a part. The center's part goes to it directly, in the holder's telegram.
    pub fn prepaid(kind: Kind, center: Identifier, carrier: Option<Designation>) -> OfferedRule {
        let mut rule = Rule::prepaid();
        let mut parties = BTreeMap::from([(Role::Center, Designation::Identifier(center))]);
        match carrier.filter(|_| kind == Kind::Later) {
            Some(carrier) => drop(parties.insert(Role::Carrier, carrier)),
            None => rule = rule.without_party(Role::Carrier),
        }
        if kind != Kind::Later {
            rule = rule.named(&format!("prepaid-{kind}"));
        }
        OfferedRule { rule, parties, direct: true }
    }

    /// Orders of a broker, whose cards `issuer` knows (rows C6, C7): `broker`, or `broker-reference`
    /// where the provider is to see no card.
    pub fn broker(way: CardWay, issuer: Designation) -> OfferedRule {
        let rule = match way {
            CardWay::SecondChannel => Rule::broker(),
            CardWay::Reference => Rule::broker_reference(),
        };
        OfferedRule { rule, parties: BTreeMap::from([(Role::Issuer, issuer)]), direct: false }
    }

    /// The kind of goods that the rule's forms are for.
    pub fn kind(&self) -> Kind {
        Kind::of_rule(&self.rule.name)
    }

    /// What is wrong: the setting, and a sentence.
    fn fault(&self) -> Option<(&'static str, &'static str)> {
        let rule = &self.rule;
        if rule.authorizer == Role::Center {
            if !self.direct {
                return Some(("direct", "a center's part goes to it directly"));
            }
            let named = self.parties.get(&Role::Center);
            if !matches!(named, Some(Designation::Identifier(_))) {
                return Some(("parties.center", "the center is designated by its identifier"));
            }
        }
        if rule.is_for_brokers() && self.direct {
            return Some(("direct", "a broker's parts go through the provider"));
        }
        let sells = rule.front == Role::Merchant;
        if self.kind() != Kind::Later {
            if rule.parts.contains_key(&Role::Carrier) {
                return Some(("parts.carrier", "what goes through the network has no carrier"));
            }
            if !sells || !rule.part(rule.front).contains(&FieldName::QUOTE) {
                return Some(("parts.merchant", "what goes through the network has a quote"));
            }
        }
        None
    }
}

/// The settings of a merchant or a door.
#[derive(Debug, Clone)]
pub struct Settings {
    /// [`Role::Merchant`] or [`Role::Door`].
    pub role: Role,
    /// What forms there are; the first is the one that is shown when none is named.
    pub rules: Vec<OfferedRule>,
    /// What is accepted.
    pub accepts: Accepts,
    /// How long a form is good for, in seconds.
    pub form_lifetime: u64,
    /// How long a quote is good for, in seconds.
    pub quote_lifetime: u64,
    /// The instructions for the carrier, such as "keep upright"; at most 1,024 bytes.
    pub instructions: String,
}

impl Settings {
    /// Refuses settings that would make no good form or no good request; the problem names the
    /// setting. For the program to call when it reads its configuration.
    pub fn check(&self) -> Result<(), Problem> {
        let bad = |field: &str, title| Err(Problem::bad_value(field, title));
        if !matches!(self.role, Role::Merchant | Role::Door) {
            return bad("role", "a front is a merchant or a door");
        }
        if self.rules.is_empty() {
            return bad("rules", "there is a rule");
        }
        let mut names = BTreeSet::new();
        for (place, offered) in self.rules.iter().enumerate() {
            let rule = &offered.rule;
            if !names.insert(&rule.name) {
                return bad(&format!("rules[{place}].name"), "the rule's name stands twice");
            }
            if rule.front != self.role {
                return bad(&format!("rules[{place}].front"), "the rule has another front");
            }
            rule.check(AtFault::Own)?;
            let parties: BTreeSet<Role> = offered.parties.keys().copied().collect();
            if !rule.parts.keys().filter(|role| **role != self.role).eq(parties.iter()) {
                let title = "every other party with a part is designated, and nobody else";
                return bad(&format!("rules[{place}].parties"), title);
            }
            if let Some((setting, title)) = offered.fault() {
                return bad(&format!("rules[{place}].{setting}"), title);
            }
        }
        if self.instructions.len() > 1024 {
            return bad("instructions", "instructions are at most 1,024 bytes");
        }
        Ok(())
    }

    /// The offered rule of this name, or the first.
    pub fn rule(&self, name: Option<&str>) -> Option<&OfferedRule> {
        match name {
            Some(name) => self.rules.iter().find(|offered| offered.rule.name == name),
            None => self.rules.first(),
        }
    }
}
