//! The letters in English.

use super::{Labels, Occasion, Phrases};

pub(super) const LABELS: Labels = Labels {
    order: "Order",
    service: "What",
    provider: "Provider",
    quantity: "How many",
    price: "Price in all",
    place: "Where",
    date: "When",
    link: "To approve or cancel on a page instead",
    until: "Open until",
    colon: ": ",
};

const HOW_TO_ANSWER: &[&str] = &[
    "To approve the order, send this mail back as it is: press reply and send.",
    "If you do not want it, reply with the single word cancel. If you do nothing, nothing is ordered.",
];

pub(super) fn phrases(occasion: &Occasion<'_>) -> Phrases {
    let (subject, news, advice): (_, _, &[&str]) = match occasion {
        Occasion::Confirmation(_) => (
            "Please confirm your order",
            "You have ordered the following. It is passed to the provider only when you approve it.",
            HOW_TO_ANSWER,
        ),
        Occasion::Reminder(_) => (
            "Reminder: your order waits for you",
            "The following order still waits for your approval.",
            HOW_TO_ANSWER,
        ),
        Occasion::AskedAgain(_) => (
            "Please answer once more",
            "We could not tell from your reply whether you approve this order. Nothing has been ordered yet.",
            HOW_TO_ANSWER,
        ),
        Occasion::Expired => (
            "Your order has lapsed",
            "We had no answer from you in time. Nothing was ordered and nothing is charged.",
            &["You are welcome to order again."],
        ),
        Occasion::Approved => (
            "You have approved your order",
            "Your approval has arrived, and the order goes to the provider.",
            &["If you did not approve this order, write to us at once."],
        ),
        Occasion::Cancelled => (
            "Your order is cancelled",
            "As you wished, the order is cancelled. Nothing is charged.",
            &[],
        ),
        Occasion::CardRefused => (
            "Your order cannot be taken",
            "The card that is registered for you was not accepted. Nothing was ordered and nothing is charged.",
            &["Please look after your registration, and order again."],
        ),
        Occasion::OurFault => (
            "Your order could not be handled",
            "A service of ours did not answer in time, so the order has lapsed. Your card was not refused. Nothing was ordered and nothing is charged.",
            &["We are sorry. You are welcome to order again."],
        ),
        Occasion::SoldOut => (
            "Your order came too late: sold out",
            "When you approved the order, there was none left for that day: somebody was faster. Nothing was ordered and nothing is charged.",
            &["You are welcome to choose another day."],
        ),
        Occasion::Declined => (
            "The provider has declined your order",
            "The provider cannot take the order. Nothing is charged.",
            &["You are welcome to order elsewhere."],
        ),
        Occasion::Silent => (
            "Your order is closed without an answer",
            "The provider did not answer in time, so the order is closed. Nothing is charged.",
            &["You are welcome to order elsewhere."],
        ),
        Occasion::Served => (
            "Your order is served",
            "The provider tells us that it has served you. The price will stand on your statement.",
            &["If something is wrong with it, write to us."],
        ),
    };
    Phrases { subject, news, advice }
}
