//! What parties ask each other within a session: `{"op": name, "body": …}` and the answers.

use crate::Problem;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use warifu_protocol::{encode::UniqueMap, sealed::SealedOrder};
use warifu_types::{Currency, Digest, Identifier, Money, Nonce, OrderId, Role};

/// So many payment notices travel in one question at most.
pub const MAX_NOTICES: usize = 32;

/// A question as it travels.
#[derive(Serialize)]
pub(crate) struct QuestionOut<'a, B: Serialize> {
    pub op: &'a str,
    pub body: &'a B,
}

/// A question as it arrives.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuestionIn<'a> {
    pub op: &'a str,
    #[serde(borrow)]
    pub body: &'a RawValue,
}

/// An answer: the result, or a problem.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer<T> {
    /// The result.
    Ok(T),
    /// Why not.
    Problem(Problem),
}

macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* })*) => {
        $($(#[$doc])*
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$fdoc])* pub $field: $type,)* })*
    };
}

messages! {
    /// The answer to `GET /v1/form`, open to everyone: a form holds no goods.
    FormAnswer {
        /// The merchant's credential.
        credential: String,
        /// The form.
        form: String,
        /// Credentials of the parties that the form designates.
        credentials: UniqueMap<Role, String>,
    }

    /// One wish in a request for a quote.
    QuoteItem {
        /// The item number.
        number: String,
        /// How many.
        quantity: u32,
    }

    /// `quote`: holder to merchant.
    QuoteQuestion {
        /// What is wanted.
        items: Vec<QuoteItem>,
        /// The currency of the prices.
        currency: Currency,
        /// The language of the names: `en` or `ja`.
        language: String,
        /// The form that the quote is for.
        form: Digest,
    }

    /// The answer to `quote`.
    QuoteAnswer {
        /// The quote.
        quote: String,
    }

    /// `order`: holder to merchant.
    OrderQuestion {
        /// The sealed order.
        sealed: SealedOrder,
        /// The merchant's quote; none at a door.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quote: Option<String>,
    }

    /// `status`: holder to merchant.
    StatusQuestion {
        /// The order.
        order: OrderId,
    }

    /// The answer to `order` and `status`.
    StatusAnswer {
        /// The merchant's signed status.
        status: String,
    }

    /// `withdraw`: broker to issuer, where the provider is dead; answered with [`StatusAnswer`], which
    /// the issuer signs.
    WithdrawQuestion {
        /// The order.
        order: OrderId,
        /// Its identity.
        identity: Digest,
        /// The provider.
        merchant: Identifier,
    }

    /// `part`: holder to issuer, where the part goes directly (claim 1).
    PartQuestion {
        /// The sealed order with the issuer's part only.
        sealed: SealedOrder,
        /// The merchant's credential.
        front: String,
    }

    /// The answer to `part` and `notify`, and to one payment notice.
    ReceivedAnswer {
        /// The order's identity, as received.
        order: Digest,
    }

    /// `authorize`: merchant to issuer.
    AuthorizeQuestion {
        /// The sealed order: whole, or with the issuer's part only, or with none if it goes directly.
        sealed: SealedOrder,
        /// The signed request.
        request: String,
    }

    /// The answer to `authorize`.
    AuthorizeAnswer {
        /// The signed authorization, or refusal.
        authorization: String,
    }

    /// `payment_notices`: center to merchant, once prepaid orders are paid (row B9).
    PaymentNoticesQuestion {
        /// The signed authorizations, with their transaction numbers: what `authorize` answers
        /// too. At most [`MAX_NOTICES`].
        authorizations: Vec<String>,
    }

    /// The answer to `payment_notices`.
    PaymentNoticesAnswer {
        /// What became of each, in their order.
        answers: Vec<Answer<ReceivedAnswer>>,
    }

    /// `goods`: holder to merchant, after authorization: a piece of a file (row B10).
    GoodsQuestion {
        /// The order.
        order: OrderId,
        /// The item number.
        item: String,
        /// Where the piece begins, in bytes.
        offset: u64,
        /// How long it is, in bytes: 1 to [`warifu_protocol::goods::MAX_PIECE`]. The file's end
        /// may come before.
        length: u32,
    }

    /// The answer to `goods`. It travels under the session's keys only.
    GoodsAnswer {
        /// The piece: base64url.
        piece: String,
    }

    /// `goods_receipt`: holder to merchant; answered with [`StatusAnswer`].
    GoodsReceiptQuestion {
        /// The order.
        order: OrderId,
        /// The signed receipt.
        receipt: String,
    }

    /// `play`: holder to merchant: begins the use of metered goods, and keeps it up (row B10).
    PlayQuestion {
        /// The order.
        order: OrderId,
        /// The tick that runs by the holder's clock, from 1.
        tick: u32,
    }

    /// The answer to `play`.
    PlayAnswer {
        /// The ticks begun so far, by the merchant's clock.
        tick: u32,
        /// What they cost together.
        amount: Money,
    }

    /// `stop`: holder to merchant: the use of metered goods is over.
    StopQuestion {
        /// The order.
        order: OrderId,
    }

    /// The answer to `stop`.
    StopAnswer {
        /// The merchant's signed status.
        status: String,
        /// The ticks that were begun, by the merchant's clock.
        tick: u32,
        /// What they cost together.
        amount: Money,
    }

    /// `meter`: merchant to center: how far the use of metered goods has come.
    MeterQuestion {
        /// The signed request.
        request: String,
    }

    /// The answer to `meter`.
    MeterAnswer {
        /// The center's signed word on the tick.
        meter: String,
    }

    /// `settle`: merchant to issuer.
    SettleQuestion {
        /// The signed request.
        request: String,
    }

    /// The answer to `settle`.
    SettlementAnswer {
        /// The signed settlement.
        settlement: String,
    }

    /// `deliver`: merchant to carrier; `notify`: merchant to a further party.
    DeliverQuestion {
        /// The sealed order with the recipient's part only.
        sealed: SealedOrder,
        /// The signed delivery request.
        request: String,
    }

    /// `delivery_status`: merchant to carrier.
    DeliveryStatusQuestion {
        /// The order's identity.
        order: Digest,
    }

    /// The answer to `deliver` and `delivery_status`.
    DeliveryAnswer {
        /// The signed delivery receipt.
        delivery: String,
    }

    /// `share`: any party to the center: the share of a further matrix.
    ShareQuestion {
        /// The group of the service that the party wants to meet.
        group: u32,
        /// The epoch; the one in force unless said otherwise. The one before is served while its
        /// grace time runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        epoch: Option<u32>,
    }

    /// The answer to `share`.
    ShareAnswer {
        /// The shares, encrypted to the party's HPKE key.
        shares: String,
    }

    /// The answer to `GET /v1/epoch` at a center, open to everyone.
    EpochAnswer {
        /// The center's signed epoch notice.
        epoch: String,
    }

    /// `POST /v1/renew` at a center, outside of sessions: it is signed itself.
    RenewQuestion {
        /// The signed request for renewal.
        request: String,
    }

    /// `trade_key`: any party to the center, in networks where it hands keys out (row A4).
    TradeKeyQuestion {
        /// The trade.
        trade: OrderId,
        /// The other party.
        peer: Identifier,
    }

    /// The answer to `trade_key`. It travels under the session's keys only.
    TradeKeyAnswer {
        /// The key: 32 bytes, base64url.
        key: Nonce,
    }
}
