//! What every party needs to do its work, so that a rule of a network's own keeps it from nobody
//! (rows A7, D2).

use super::Rule;
use warifu_types::{FieldName, Role};

impl Rule {
    /// The first field that a party needs under this rule and is not given. Front and authorizer both
    /// read the amount, and how it is paid where either does: what both read must agree (row D2).
    pub(super) fn withheld_need(&self) -> Option<(Role, FieldName)> {
        self.parts.iter().find_map(|(role, fields)| {
            let missing = self.needs(*role).into_iter().find(|need| !fields.contains(need));
            missing.map(|field| (*role, field))
        })
    }

    fn needs(&self, role: Role) -> Vec<FieldName> {
        if role == self.authorizer {
            self.authorizer_needs()
        } else if role == self.front {
            match self.authorizer {
                Role::Issuer | Role::Center => vec![FieldName::AMOUNT],
                Role::CardManager => vec![FieldName::ACCESS_ZONE],
                _ => Vec::new(),
            }
        } else if role == Role::Carrier {
            vec![FieldName::DESTINATION]
        } else {
            Vec::new()
        }
    }

    /// A broker's order has its card beside it, or a reference that the rule's name demands already.
    fn authorizer_needs(&self) -> Vec<FieldName> {
        let mut needs = match self.authorizer {
            Role::Issuer => vec![FieldName::HOLDER_NAME, FieldName::AMOUNT],
            Role::CardManager => vec![FieldName::HOLDER_NAME, FieldName::ACCESS_ZONE],
            Role::Center => vec![FieldName::AMOUNT],
            _ => return Vec::new(),
        };
        if !self.is_for_brokers() {
            needs.extend([FieldName::CARD_NUMBER, FieldName::CARD_EXPIRY]);
        }
        // Otherwise the merchant sells in instalments, and the issuer bills at once.
        if self.authorizer == Role::Issuer
            && self.part(self.front).contains(&FieldName::PAYMENT_TYPE)
        {
            needs.push(FieldName::PAYMENT_TYPE);
        }
        needs
    }
}
