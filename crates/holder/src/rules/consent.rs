//! Which disclosures a person must agree to before an order is sealed.

use crate::HolderError;
use warifu_protocol::rule::Rule;
use warifu_types::{FieldName, Role};

/// Refuses a rule that gives a party more than the minimal rule does, unless the person has agreed to
/// just that, or the rule is `classic` as row A7 has it and the person chose it.
pub fn check(rule: &Rule, chosen: &str, allowed: &[(Role, FieldName)]) -> Result<(), HolderError> {
    if rule.name != chosen {
        return Err(HolderError::BadInput {
            field: "rule",
            problem: "the merchant's form has another rule than the one asked for",
        });
    }
    match asked(rule, chosen).into_iter().find(|wanted| !allowed.contains(wanted)) {
        Some((role, field)) => Err(HolderError::NotAllowed { role, field }),
        None => Ok(()),
    }
}

/// What the person has to agree to before an order is sealed under a rule that was chosen by name.
pub fn asked(rule: &Rule, chosen: &str) -> Vec<(Role, FieldName)> {
    let classic = Rule::classic();
    let mut beyond = rule.beyond_minimal();
    beyond.retain(|(role, field)| {
        let by_choice = chosen == "classic" && classic.part(*role).contains(field);
        // A further party exists only in rules that the person chose by name; it gets no address.
        let further = matches!(role, Role::Gateway | Role::Certifier)
            && [FieldName::HOLDER_NAME, FieldName::HOLDER_TELEPHONE].contains(field);
        !by_choice && !further
    });
    beyond
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_for_the_merchant_needs_consent() {
        let rule = Rule::minimal().also(Role::Merchant, FieldName::DESTINATION);
        let refused = check(&rule, "minimal", &[]);
        assert!(matches!(
            refused,
            Err(HolderError::NotAllowed { role: Role::Merchant, ref field })
                if *field == FieldName::DESTINATION
        ));
        assert!(check(&rule, "minimal", &[(Role::Merchant, FieldName::DESTINATION)]).is_ok());
    }

    #[test]
    fn classic_is_accepted_only_by_name() {
        assert!(check(&Rule::classic(), "classic", &[]).is_ok());
        assert!(check(&Rule::classic(), "minimal", &[]).is_err());
        let dressed = Rule::classic().named("minimal");
        assert!(check(&dressed, "minimal", &[]).is_err());
    }
}
