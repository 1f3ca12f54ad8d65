//! Attacks (row A17): each is refused with its reason, the fault and the field named, and nothing
//! of the card gets out. A file for each kind of attacker.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]
#![allow(missing_docs, reason = "read by nobody but the tests beside it")]

#[path = "../common/mod.rs"]
mod common;

mod altering;
mod decisions;
mod dishonest;
mod epochs;
mod impostors;
mod listening;
mod meetings;
mod rules;
mod stolen;
mod suites;
mod swapping;
mod times;
mod tokens;

use common::{Cast, NOW, Net, values};
use std::fmt::Debug;
use warifu_protocol::{
    AtFault, ProtocolError, Reason,
    error::Result,
    rule::Rule,
    sealed::{self, OpenedOrder, Sealed, SealedOrder},
    terminal::Terminal,
    value::FieldValue,
};
use warifu_types::{FieldName, Role};

pub const HOLDER: AtFault = AtFault::Role(Role::Holder);
pub const MERCHANT: AtFault = AtFault::Role(Role::Merchant);
pub const ISSUER: AtFault = AtFault::Role(Role::Issuer);
pub const SENDER: AtFault = AtFault::Sender;

/// A purchase that went well so far.
pub struct Purchase {
    pub cast: Cast,
    pub sealed: Sealed,
}

impl Purchase {
    pub fn on(net: Net) -> Purchase {
        let cast = Cast::new(net);
        let sealed = cast.order(Rule::classic());
        Purchase { cast, sealed }
    }

    pub fn bundle(&self) -> &SealedOrder {
        &self.sealed.bundle
    }

    pub fn terminal(&self, role: Role) -> &Terminal {
        match role {
            Role::Holder => &self.cast.holder,
            Role::Merchant => &self.cast.merchant,
            Role::Issuer => &self.cast.issuer,
            _ => &self.cast.carrier,
        }
    }

    /// The party with this role opens a bundle.
    pub fn open(&self, bundle: &SealedOrder, role: Role) -> Result<OpenedOrder> {
        let front = &self.cast.merchant.credential;
        sealed::open(self.terminal(role), bundle, front, role, NOW)
    }
}

/// The parties that open a part.
pub const OPENERS: [Role; 3] = [Role::Merchant, Role::Issuer, Role::Carrier];

/// Asserts the exact error, and that it gives no value away.
#[track_caller]
pub fn refused<T: Debug>(
    result: Result<T>,
    reason: Reason,
    at_fault: AtFault,
    field: &str,
) -> ProtocolError {
    let error = result.expect_err("must be refused");
    assert_eq!((error.reason, error.at_fault, error.field.as_ref()), (reason, at_fault, field));
    let shown = format!("{error} {error:?}");
    for (name, value) in values("") {
        if let FieldValue::Text(text) = &value
            && text.len() > 3
        {
            assert!(!shown.contains(text.as_str()), "{name} stands in the error");
        }
    }
    error
}

/// How far a loop steps: 1 when `WARIFU_LONG` is set, otherwise `usual`. Printed, so that a failure
/// can be run again.
pub fn step(what: &str, usual: usize) -> usize {
    let step = if std::env::var_os("WARIFU_LONG").is_some() { 1 } else { usual };
    println!("{what}: every {step}. byte");
    step
}

#[test]
fn the_purchase_is_good_before_it_is_attacked() {
    for net in [Net::kps(), Net::new()] {
        let purchase = Purchase::on(net);
        for role in OPENERS {
            let opened = purchase.open(purchase.bundle(), role).unwrap();
            assert_eq!(opened.fields.contains_key(&FieldName::CARD_NUMBER), role == Role::Issuer);
        }
    }
}
