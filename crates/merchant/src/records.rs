//! What a merchant keeps, and nothing that is sealed to it: of an order its own part's fields, the
//! bundle, and the signed answers.

use crate::rules::{catalogue::Item, steps, steps::Way};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use warifu_ports::Collection;
use warifu_protocol::{
    encode::UniqueMap, form::Accepts, sealed::SealedOrder, status::State, view::View,
};
use warifu_types::{Digest, FieldName, Identifier, Nonce, OrderId, Role, UnixTime};
use zeroize::Zeroizing;

/// The catalogue, by item number.
pub const ITEMS: Collection<Item> = Collection::new("merchant_items");
/// How many of each item were laid in and taken, by item number.
pub const STOCK: Collection<Stock> = Collection::new("merchant_stock");
/// Every form that was issued, by hash. Kept for good: orders are accepted on these alone.
pub const FORMS: Collection<IssuedForm> = Collection::new("merchant_forms");
/// The form that is shown now, by the rule's name.
pub const SHOWN_FORMS: Collection<ShownForm> = Collection::new("merchant_shown_forms");
/// Orders, by id. Kept for good, so that an id never counts twice.
pub const ORDERS: Collection<OrderRecord> = Collection::new("merchant_orders");
/// The ids of orders that are not at their end.
pub const UNFINISHED: Collection<bool> = Collection::new("merchant_unfinished");

/// The stock of an item.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stock {
    /// Laid in altogether, as the catalogue says.
    pub listed: u64,
    /// Taken by orders that stand.
    pub taken: u64,
}

impl Stock {
    /// How many are left.
    pub fn left(self) -> u64 {
        self.listed.saturating_sub(self.taken)
    }
}

/// A form that was issued.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuedForm {
    /// What it accepts.
    pub accepts: Accepts,
    /// Until when it is good.
    pub exp: UnixTime,
}

/// The form that is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownForm {
    /// The signed form.
    pub token: String,
}

/// Why an order stands still, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trouble {
    /// The party that was asked.
    pub party: Role,
    /// The stable code, such as `unreachable`.
    pub code: String,
    /// The field at fault, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// How far a further party's notice has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Notice {
    /// To be sent.
    Pending {},
    /// The party has it.
    Received {},
    /// The party does not want it, for this reason.
    Refused {
        /// The stable code.
        code: String,
    },
}

/// An authorization that was verified.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Granted {
    /// As the authorizer signed it.
    pub token: String,
    /// Its id.
    pub id: Nonce,
    /// Until when the hold stands.
    pub until: UnixTime,
    /// The authorizer's credential at the time, for evidence.
    pub credential: String,
}

/// A signed answer, with the signer's credential at the time, for evidence.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The answer.
    pub token: String,
    /// The credential.
    pub credential: String,
}

/// An order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderRecord {
    /// The order's identity.
    pub identity: Digest,
    /// The holder.
    pub holder: Identifier,
    /// Which way the order goes.
    pub way: Way,
    /// Who authorizes.
    pub authorizer: Role,
    /// Whether the authorizer's part goes directly.
    pub direct: bool,
    /// Every party with a part.
    pub parties: UniqueMap<Role, Identifier>,
    /// The digests of the fields that merchant and authorizer both see.
    pub shared: UniqueMap<FieldName, Digest>,
    /// Until when the order is good.
    pub expires: UnixTime,
    /// The own part's fields, and how far the order has come.
    pub view: View,
    /// The own part's disclosures, for evidence.
    pub disclosures: Vec<Zeroizing<String>>,
    /// The bundle as received.
    pub sealed: SealedOrder,
    /// The quote.
    pub quote: Option<String>,
    /// What it takes from the stock.
    pub taken: BTreeMap<String, u64>,
    /// Why it was refused.
    pub reason: Option<String>,
    /// The authorizer's answer.
    pub authorization: Option<Granted>,
    /// Whether the carrier was asked, so that it may have the order although no answer came.
    pub carrier_asked: bool,
    /// The carrier's last answer.
    pub delivery: Option<Evidence>,
    /// The authorizer's settlement.
    pub settlement: Option<Evidence>,
    /// The further parties' notices.
    pub notices: BTreeMap<Role, Notice>,
    /// Whether the operator is giving it up.
    pub cancelling: bool,
    /// Why it stands still.
    pub trouble: Option<Trouble>,
    /// When it came.
    pub placed: UnixTime,
    /// When its state last changed.
    pub changed: UnixTime,
}

impl OrderRecord {
    /// The order's id.
    pub fn id(&self) -> OrderId {
        self.view.order
    }

    /// How far it has come.
    pub fn state(&self) -> State {
        self.view.state
    }

    /// What comes next.
    pub fn next(&self) -> steps::Next {
        steps::next(self.way, self.state(), self.cancelling)
    }

    /// The further parties that are to be told and were not yet.
    pub fn due_notices(&self) -> Vec<Role> {
        if !steps::is_noticed(self.state()) {
            return Vec::new();
        }
        let pending = self.notices.iter().filter(|(_, notice)| **notice == Notice::Pending {});
        pending.map(|(role, _)| *role).collect()
    }

    /// Whether nothing more is to be done.
    pub fn is_finished(&self) -> bool {
        self.next() == steps::Next::Nothing && self.due_notices().is_empty()
    }
}
