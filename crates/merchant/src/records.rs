//! What a merchant keeps, and nothing that is sealed to it: of an order its own part's fields, the
//! bundle, and the signed answers.

use crate::brokering::BrokerTrade;
use crate::rules::{
    brokering,
    catalogue::Item,
    handing::Handed,
    metering::{Tariff, Use},
    steps,
    steps::Way,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use warifu_ports::Collection;
use warifu_protocol::{
    encode::UniqueMap,
    form::Accepts,
    goods::{Content, Kind},
    sealed::SealedOrder,
    status::State,
    view::View,
};
use warifu_types::{Digest, FieldName, Identifier, Money, Nonce, OrderId, Role, UnixTime};
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
/// The ids of orders, by identity.
pub const BY_IDENTITY: Collection<OrderId> = Collection::new("merchant_orders_by_identity");
/// The file of each item that is one, by item number.
pub const FILES: Collection<Content> = Collection::new("merchant_files");
/// Where the bytes of a file are, by its hash. Kept for good: orders were paid for these bytes.
pub const CONTENTS: Collection<StoredContent> = Collection::new("merchant_contents");
/// Uploads that have not come to their end, with the time of their beginning.
pub const UPLOADS: Collection<UnixTime> = Collection::new("merchant_uploads");
/// Which bytes of a file an order's holder has, by order and the file's hash.
pub const HANDED: Collection<Handed> = Collection::new("merchant_handed");

/// A file whose bytes are all in the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredContent {
    /// The upload that has brought it.
    pub upload: String,
}

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
    /// The kind of goods that it is for.
    #[serde(default)]
    pub kind: Kind,
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
    /// The center's transaction number, where it has paid from a prepaid card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
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
    /// The files that the quote has promised, by item number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, Content>,
    /// When the last byte of the last file went out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_out: Option<UnixTime>,
    /// The holder's receipt of the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goods_receipt: Option<Evidence>,
    /// What use in real time costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tariff: Option<Tariff>,
    /// How far the use has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Use>,
    /// The center's last word on the use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter: Option<Evidence>,
    /// The authorizer's settlement.
    pub settlement: Option<Evidence>,
    /// The further parties' notices.
    pub notices: BTreeMap<Role, Notice>,
    /// Whether the operator is giving it up.
    pub cancelling: bool,
    /// What a broker's order has beside the usual (rows C6 to C8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker: Option<BrokerTrade>,
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
        let usual = steps::next(self.way, self.state(), self.cancelling);
        match &self.broker {
            Some(trade) => brokering::next(trade.waiting(), self.state(), usual),
            None => usual,
        }
    }

    /// The further parties that are to be told and were not yet.
    pub fn due_notices(&self) -> Vec<Role> {
        if !steps::is_noticed(self.state()) {
            return Vec::new();
        }
        let pending = self.notices.iter().filter(|(_, notice)| **notice == Notice::Pending {});
        pending.map(|(role, _)| *role).collect()
    }

    /// Whether it waits for a payment, of which the center gives notice by itself.
    pub fn awaits_payment(&self) -> bool {
        self.state() == State::Ordered && self.authorizer == Role::Center
    }

    /// How much the merchant claims; none for all that is held.
    pub fn owed(&self) -> Option<Money> {
        let (tariff, used) = (self.tariff.as_ref()?, self.used.as_ref()?);
        tariff.amount(used)
    }

    /// Until when the hold stands.
    pub fn hold_until(&self) -> UnixTime {
        self.authorization.as_ref().map_or(self.expires, |granted| granted.until)
    }

    /// Whether nothing more is to be done.
    pub fn is_finished(&self) -> bool {
        self.next() == steps::Next::Nothing && self.due_notices().is_empty()
    }
}
