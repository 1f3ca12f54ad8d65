//! Everything that parties say to each other outside of the protocol's own messages: questions and
//! answers within a session, problems, what is open to everyone, the private line, a broker's API.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use warifu_broker::{FoundPage, Login, OrderWish, ProviderApplication};
use warifu_merchant::CatalogueAnswer;
use warifu_protocol::presented::CardQuestion;
use warifu_wire::{
    Answer, AuthorizeAnswer, AuthorizeQuestion, DeliverQuestion, DeliveryAnswer,
    DeliveryStatusQuestion, DirectoryAnswer, EpochAnswer, FormAnswer, GoodsAnswer, GoodsQuestion,
    GoodsReceiptQuestion, MeterAnswer, MeterQuestion, OrderQuestion, PartQuestion,
    PaymentNoticesAnswer, PaymentNoticesQuestion, PlayAnswer, PlayQuestion, Problem, QuoteAnswer,
    QuoteQuestion, ReceivedAnswer, RenewQuestion, SettleQuestion, SettlementAnswer, ShareAnswer,
    ShareQuestion, StatusAnswer, StatusQuestion, StopQuestion, TradeKeyAnswer, TradeKeyQuestion,
    private_line::{
        AuthenticateAnswer, AuthenticateQuestion, CardAnswer, CardPost, CardRegistration,
        CodeQuestion, DispatchAnswer, DispatchQuestion, NumberQuestion, RegisteredAnswer,
        ResolveQuestion, VoidAnswer,
    },
    read_body, read_question,
};

type Reader = fn(&[u8]) -> bool;

/// What is no question within a session.
const READERS: &[Reader] = &[
    stable::<Problem>,
    stable::<Answer<QuoteAnswer>>,
    stable::<Answer<StatusAnswer>>,
    stable::<Answer<ReceivedAnswer>>,
    stable::<Answer<AuthorizeAnswer>>,
    stable::<Answer<PaymentNoticesAnswer>>,
    stable::<Answer<GoodsAnswer>>,
    stable::<Answer<PlayAnswer>>,
    stable::<Answer<MeterAnswer>>,
    stable::<Answer<SettlementAnswer>>,
    stable::<Answer<DeliveryAnswer>>,
    stable::<Answer<ShareAnswer>>,
    stable::<Answer<TradeKeyAnswer>>,
    stable::<Answer<RegisteredAnswer>>,
    stable::<FormAnswer>,
    stable::<CatalogueAnswer>,
    stable::<DirectoryAnswer>,
    stable::<EpochAnswer>,
    stable::<RenewQuestion>,
    stable::<CodeQuestion>,
    stable::<AuthenticateQuestion>,
    stable::<AuthenticateAnswer>,
    stable::<DispatchQuestion>,
    stable::<DispatchAnswer>,
    stable::<NumberQuestion>,
    stable::<VoidAnswer>,
    stable::<ResolveQuestion>,
    stable::<CardAnswer>,
    stable::<CardPost>,
    stable::<OrderWish>,
    stable::<ProviderApplication>,
    stable::<Login>,
    stable::<FoundPage>,
];

/// What is read is written in a form that reads as the same.
fn stable<T: DeserializeOwned + Serialize>(data: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<T>(data) else { return false };
    let written = serde_json::to_vec(&value).unwrap();
    let again: T = serde_json::from_slice(&written).unwrap();
    assert_eq!(serde_json::to_vec(&again).unwrap(), written);
    true
}

/// A question within a session, or anything else that is said between services.
pub fn wire(data: &[u8]) -> bool {
    let question = read_question(data).is_ok_and(|(op, body)| is_asked(op, body));
    READERS.iter().fold(question, |read, reader| read | reader(data))
}

/// Whether an operation has such a body.
fn is_asked(op: &str, body: &RawValue) -> bool {
    fn is<T: DeserializeOwned + Serialize>(body: &RawValue) -> bool {
        let read = read_body::<T>(body).is_ok();
        assert!(!read || stable::<T>(body.get().as_bytes()));
        read
    }
    match op {
        "quote" => is::<QuoteQuestion>(body),
        "order" => is::<OrderQuestion>(body),
        "status" => is::<StatusQuestion>(body),
        "part" => is::<PartQuestion>(body),
        // A center takes no card beside an order.
        "authorize" => is::<CardQuestion>(body) | is::<AuthorizeQuestion>(body),
        "settle" => is::<SettleQuestion>(body),
        "payment_notices" => is::<PaymentNoticesQuestion>(body),
        "goods" => is::<GoodsQuestion>(body),
        "goods_receipt" => is::<GoodsReceiptQuestion>(body),
        "play" => is::<PlayQuestion>(body),
        "stop" => is::<StopQuestion>(body),
        "meter" => is::<MeterQuestion>(body),
        "deliver" | "notify" => is::<DeliverQuestion>(body),
        "delivery_status" => is::<DeliveryStatusQuestion>(body),
        "share" => is::<ShareQuestion>(body),
        "trade_key" => is::<TradeKeyQuestion>(body),
        "register_card" => is::<CardRegistration>(body),
        _ => false,
    }
}
