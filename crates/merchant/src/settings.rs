//! How a merchant is set up.

use std::collections::BTreeMap;
use warifu_protocol::{
    form::{Accepts, Designation},
    rule::Rule,
};
use warifu_types::Role;

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
    /// The offered rule of this name, or the first.
    pub fn rule(&self, name: Option<&str>) -> Option<&OfferedRule> {
        match name {
            Some(name) => self.rules.iter().find(|offered| offered.rule.name == name),
            None => self.rules.first(),
        }
    }
}
