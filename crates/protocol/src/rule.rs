//! Disclosure rules: which field goes to which party (rows A5, A7, A15, A16).

mod needed;

use crate::{
    encode::UniqueMap,
    error::{AtFault, ProtocolError, Reason, Result},
    order::{BROKER_ORDER_LIFETIME, ORDER_LIFETIME},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use warifu_types::{FieldName, Role};

/// A rule: the fields of every part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `classic`, `minimal`, or the network's own name for it.
    pub name: String,
    /// Who receives the sealed order: the merchant, a door, or a center that sells prepaid value.
    pub front: Role,
    /// Who authorizes: the issuer, the card manager, or the center.
    pub authorizer: Role,
    /// The fields of each party's part, in the order of its disclosures.
    pub parts: UniqueMap<Role, Vec<FieldName>>,
}

const MAX_FIELDS: usize = 64;

/// The name of [`Rule::broker`]. No other rule may have it.
pub const BROKER: &str = "broker";
/// The name of [`Rule::broker_reference`]. No other rule may have it.
pub const BROKER_REFERENCE: &str = "broker-reference";

impl Rule {
    /// The rule of row A7.
    pub fn classic() -> Rule {
        use FieldName as F;
        Rule {
            name: "classic".to_string(),
            front: Role::Merchant,
            authorizer: Role::Issuer,
            parts: [
                (
                    Role::Merchant,
                    vec![
                        F::HOLDER_NAME,
                        F::HOLDER_ADDRESS,
                        F::HOLDER_TELEPHONE,
                        F::HOLDER_FAX,
                        F::ITEM_NUMBERS,
                        F::ITEMS,
                        F::AMOUNT,
                        F::PAYMENT_TYPE,
                        F::QUOTE,
                    ],
                ),
                (
                    Role::Issuer,
                    vec![
                        F::HOLDER_NAME,
                        F::HOLDER_ADDRESS,
                        F::HOLDER_TELEPHONE,
                        F::HOLDER_FAX,
                        F::CARD_NUMBER,
                        F::CARD_EXPIRY,
                        F::ITEM_NUMBERS,
                        F::AMOUNT,
                        F::PAYMENT_TYPE,
                    ],
                ),
                (
                    Role::Carrier,
                    vec![F::HOLDER_NAME, F::HOLDER_TELEPHONE, F::HOLDER_FAX, F::DESTINATION],
                ),
            ]
            .into_iter()
            .collect(),
        }
    }

    /// `classic` without the holder's address for anyone; the default for new forms.
    pub fn minimal() -> Rule {
        Rule { name: "minimal".to_string(), ..Rule::classic().without(&FieldName::HOLDER_ADDRESS) }
    }

    /// An access badge: a door and a card manager (row A16).
    pub fn badge() -> Rule {
        use FieldName as F;
        Rule {
            name: "badge".to_string(),
            front: Role::Door,
            authorizer: Role::CardManager,
            parts: [
                (Role::Door, vec![F::ACCESS_ZONE]),
                (
                    Role::CardManager,
                    vec![F::HOLDER_NAME, F::CARD_NUMBER, F::CARD_EXPIRY, F::ACCESS_ZONE],
                ),
            ]
            .into_iter()
            .collect(),
        }
    }

    /// A purchase with a prepaid card: the center stands where the issuer stands, and learns the card
    /// and the amount alone (row B9).
    pub fn prepaid() -> Rule {
        use FieldName as F;
        let minimal = Rule::minimal();
        let mut parts = minimal.parts;
        parts.as_mut().remove(&Role::Issuer);
        parts.as_mut().insert(Role::Center, vec![F::CARD_NUMBER, F::CARD_EXPIRY, F::AMOUNT]);
        Rule { name: "prepaid".to_string(), front: Role::Merchant, authorizer: Role::Center, parts }
            .withheld(Role::Merchant, &F::PAYMENT_TYPE)
    }

    /// A prepaid card that an issuer pays for: the center sells, and never sees the card (row B7,
    /// way 1).
    pub fn top_up() -> Rule {
        use FieldName as F;
        let mut parts = Rule::minimal().parts;
        parts.as_mut().retain(|role, _| *role == Role::Issuer);
        parts.as_mut().insert(Role::Center, vec![F::ITEM_NUMBERS, F::AMOUNT, F::PAYMENT_TYPE]);
        Rule { name: "top-up".to_string(), front: Role::Center, authorizer: Role::Issuer, parts }
    }

    /// A broker's order (rows C6, C7): the provider learns who comes and where, and the issuer gets
    /// the card beside the order, from the provider, to whom it came by another channel.
    pub fn broker() -> Rule {
        use FieldName as F;
        Rule {
            name: BROKER.to_string(),
            front: Role::Merchant,
            authorizer: Role::Issuer,
            parts: [
                (
                    Role::Merchant,
                    vec![
                        F::HOLDER_NAME,
                        F::HOLDER_TELEPHONE,
                        F::ITEM_NUMBERS,
                        F::ITEMS,
                        F::AMOUNT,
                        F::PAYMENT_TYPE,
                        F::DESTINATION,
                        F::QUOTE,
                    ],
                ),
                (Role::Issuer, vec![F::HOLDER_NAME, F::ITEM_NUMBERS, F::AMOUNT, F::PAYMENT_TYPE]),
            ]
            .into_iter()
            .collect(),
        }
    }

    /// A broker's order whose card the provider never sees: the issuer asks the registry for what
    /// the reference names (row C7).
    pub fn broker_reference() -> Rule {
        Rule::broker().also(Role::Issuer, FieldName::CARD_REFERENCE).named(BROKER_REFERENCE)
    }

    /// Whether the rule is for orders of brokers, and of nobody else.
    pub fn is_for_brokers(&self) -> bool {
        [BROKER, BROKER_REFERENCE].contains(&self.name.as_str())
    }

    /// How long an order under this rule may be good for, in seconds. A broker's waits until the
    /// provider has accepted it and has the card.
    pub fn order_lifetime(&self) -> u64 {
        if self.is_for_brokers() { BROKER_ORDER_LIFETIME } else { ORDER_LIFETIME }
    }

    /// This rule with the field for nobody (a fax for nobody, say).
    pub fn without(mut self, field: &FieldName) -> Rule {
        for fields in self.parts.as_mut().values_mut() {
            fields.retain(|other| other != field);
        }
        self
    }

    /// This rule with the field withheld from one party (no item number for the issuer, say).
    pub fn withheld(mut self, role: Role, field: &FieldName) -> Rule {
        if let Some(fields) = self.parts.as_mut().get_mut(&role) {
            fields.retain(|other| other != field);
        }
        self
    }

    /// This rule with the field for one more party, which may be a further one (row A15).
    pub fn also(mut self, role: Role, field: FieldName) -> Rule {
        let fields = self.parts.as_mut().entry(role).or_default();
        if !fields.contains(&field) {
            fields.push(field);
        }
        self
    }

    /// This rule without a party (no carrier, say).
    pub fn without_party(mut self, role: Role) -> Rule {
        self.parts.as_mut().remove(&role);
        self
    }

    /// This rule under another name.
    pub fn named(mut self, name: &str) -> Rule {
        self.name = name.to_string();
        self
    }

    /// Every field of any part.
    pub fn fields(&self) -> BTreeSet<&FieldName> {
        self.parts.values().flatten().collect()
    }

    /// The fields of one party's part.
    pub fn part(&self, role: Role) -> &[FieldName] {
        self.parts.get(&role).map_or(&[], Vec::as_slice)
    }

    /// Refuses rules that no party may follow: card data for anyone but the authorizer, a part for
    /// the holder, a field twice, no part for front or authorizer, a quote for anyone but the front,
    /// a broker's rule that is not one of the two (which may only withhold fields), a field kept from
    /// a party that cannot do its work without.
    pub fn check(&self, at_fault: AtFault) -> Result<()> {
        let refuse = |reason, field: String| Err(ProtocolError::new(at_fault, reason, field));
        if self.fields().len() > MAX_FIELDS || self.name.len() > 64 {
            return refuse(Reason::TooLarge, "form.rule".to_string());
        }
        for role in [self.front, self.authorizer] {
            if !self.parts.contains_key(&role) {
                return refuse(Reason::OutsideRule, format!("form.rule.parts.{role}"));
            }
        }
        for (role, fields) in self.parts.iter() {
            let distinct: BTreeSet<_> = fields.iter().collect();
            if *role == Role::Holder || distinct.len() != fields.len() || fields.is_empty() {
                return refuse(Reason::OutsideRule, format!("form.rule.parts.{role}"));
            }
            for field in fields {
                let card = [FieldName::CARD_NUMBER, FieldName::CARD_EXPIRY].contains(field);
                let unsafe_here = (card && *role != self.authorizer)
                    || (*field == FieldName::QUOTE && *role != self.front);
                if unsafe_here {
                    return refuse(Reason::UnsafeRule, format!("form.rule.parts.{role}.{field}"));
                }
            }
        }
        if self.front == self.authorizer {
            return refuse(Reason::UnsafeRule, "form.rule.authorizer".to_string());
        }
        self.check_brokers(at_fault)?;
        match self.withheld_need() {
            Some((role, field)) => {
                refuse(Reason::OutsideRule, format!("form.rule.parts.{role}.{field}"))
            }
            None => Ok(()),
        }
    }

    /// A name says how the card goes, so a rule of that name gives nobody more than the rule that
    /// is specified; a card's reference is for the issuer, and stands in no other rule.
    fn check_brokers(&self, at_fault: AtFault) -> Result<()> {
        let refuse = |field: String| {
            Err(ProtocolError::new(at_fault, Reason::UnsafeRule, format!("form.rule.{field}")))
        };
        let shipped = match self.name.as_str() {
            BROKER => Some(Rule::broker()),
            BROKER_REFERENCE => Some(Rule::broker_reference()),
            _ => None,
        };
        for (role, fields) in self.parts.iter() {
            for field in fields {
                let known = shipped.as_ref().map_or(*field != FieldName::CARD_REFERENCE, |rule| {
                    rule.part(*role).contains(field)
                });
                if !known {
                    return refuse(format!("parts.{role}.{field}"));
                }
            }
        }
        let Some(shipped) = shipped else { return Ok(()) };
        if (self.front, self.authorizer) != (shipped.front, shipped.authorizer) {
            return refuse("authorizer".to_string());
        }
        let by_reference = self.part(self.authorizer).contains(&FieldName::CARD_REFERENCE);
        if by_reference != (self.name == BROKER_REFERENCE) {
            return refuse("parts.issuer.card_reference".to_string());
        }
        Ok(())
    }

    /// What this rule gives beyond `minimal` and the further parties' own parts, for the holder to
    /// accept or refuse: pairs such as merchant and destination. The brokers' rules are not usual
    /// here: they are for a broker's own orders, and no plain holder's purchase goes by them.
    pub fn beyond_minimal(&self) -> Vec<(Role, FieldName)> {
        let usual = [Rule::minimal(), Rule::badge(), Rule::prepaid(), Rule::top_up()];
        let expected = |role: &Role, field: &FieldName| {
            usual.iter().any(|rule| rule.part(*role).contains(field))
        };
        self.parts
            .iter()
            .flat_map(|(role, fields)| fields.iter().map(move |field| (*role, field.clone())))
            .filter(|(role, field)| !expected(role, field))
            .collect()
    }
}
