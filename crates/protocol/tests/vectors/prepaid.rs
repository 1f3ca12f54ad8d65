//! Prepaid cards, and what is said of goods that go through the network.
use crate::{
    case::Case,
    common::{NETWORK, NOW, forge},
    decisions::{MERCHANT, ZERO, changed},
    network::{Made, kps},
    orders::HOLDER,
    renewals::CENTER,
};
use serde_json::json;
use warifu_protocol::{
    CLOCK_SKEW, Reason,
    goods::{GoodsReceipt, ReceivedFile},
    metering::{Meter, MeterRequest},
    prepaid::PrepaidCard,
    terminal::Terminal,
};
use warifu_types::{Currency, Digest, Money};

pub fn cases() -> Vec<Case> {
    let made = kps();
    let center = made.terminal("center");
    [cards(&made, &center), receipts(&made), requests(&made, &center), meters(&made, &center)]
        .into_iter()
        .flatten()
        .collect()
}

const ORDER: Digest = Digest([7; 32]);

fn yen(minor: u64) -> Money {
    Money::new(minor, Currency::JPY).unwrap()
}

pub fn card(made: &Made, center: &Terminal) -> String {
    PrepaidCard {
        iss: center.id().clone(),
        network: NETWORK.to_string(),
        sub: made.cast.holder.id().clone(),
        number: "4111111111111111".into(),
        expiry: "2030-12".into(),
        loaded: yen(10_000),
        serial: 1,
        iat: NOW,
        exp: NOW.plus(86_400),
    }
    .sign(center.signer.as_ref())
}

fn cards(made: &Made, center: &Terminal) -> Vec<Case> {
    let case = |name: &str, about: &str, token: String| {
        let input = json!({"token": token, "center": center.credential_token});
        Case::new("prepaid_card", name, about, ("kps", "merchant"), input)
    };
    let honest = card(made, center);
    use Reason::*;
    let wrongs = [
        (
            "issuer_another",
            "In another center's name.",
            "iss",
            json!("domain:center2.example"),
            WrongParty,
            "iss",
        ),
        (
            "network_another",
            "Of another network.",
            "network",
            json!("other.example"),
            WrongNetwork,
            "network",
        ),
        (
            "number_check_digit",
            "A number whose check digit is wrong.",
            "number",
            json!("4111111111111112"),
            BadValue,
            "number",
        ),
        (
            "number_grouped",
            "A number with spaces.",
            "number",
            json!("4111 1111 1111 1111"),
            BadValue,
            "number",
        ),
        ("expiry_month", "The month 13.", "expiry", json!("2030-13"), BadValue, "expiry"),
        ("expired", "Past its end.", "exp", json!(NOW.0 - CLOCK_SKEW), Expired, "exp"),
        (
            "from_the_future",
            "Dated beyond the clocks' difference.",
            "iat",
            json!(NOW.0 + CLOCK_SKEW + 1),
            NotYetValid,
            "iat",
        ),
        (
            "loaded_negative",
            "Less than nothing.",
            "loaded",
            json!({"minor": -1, "currency": "JPY"}),
            Malformed,
            "loaded.minor",
        ),
        (
            "loaded_as_array",
            "The amount is an array of its values.",
            "loaded",
            json!([10_000, "JPY"]),
            Malformed,
            "loaded",
        ),
        ("serial_text", "A serial as a string.", "serial", json!("1"), Malformed, "serial"),
        (
            "balance_in_clear",
            "A claim that the format does not know.",
            "balance",
            json!(1),
            Malformed,
            "balance",
        ),
    ];
    let issuer = &made.cast.issuer;
    let signers = (center.signer.as_ref(), issuer.signer.as_ref());
    let mut cases = changed(&honest, signers, &wrongs, (CENTER, "prepaid_card"), &case);
    let by_issuer =
        forge::resigned(&honest, signers.1, |card| card["iss"] = json!("domain:card.example"));
    let mut stranger = case("by_no_center", "Of a party that has not the role.", by_issuer);
    stranger.input["center"] = json!(issuer.credential_token);
    cases.push(stranger.refused(WrongParty, CENTER, "credential.roles"));
    let accepted = json!({"number": "4111111111111111", "loaded": yen(10_000), "serial": 1});
    cases.push(case("good", "A card with 10,000 yen.", honest).accepted(accepted));
    cases
}

fn receipts(made: &Made) -> Vec<Case> {
    let cast = &made.cast;
    let file = |number: &str, byte: u8| {
        let sha256 = Digest([byte; 32]);
        ReceivedFile { number: number.into(), sha256 }
    };
    let promised = [file("D-1", 1), file("D-2", 2)];
    let case = |name: &str, about: &str, token: String| {
        let input = json!({
            "token": token, "holder": cast.holder.credential_token, "order": ORDER,
            "promised": promised,
        });
        Case::new("goods_receipt", name, about, ("kps", "merchant"), input)
    };
    let honest = GoodsReceipt {
        iss: cast.holder.id().clone(),
        aud: cast.merchant.id().clone(),
        order: ORDER,
        files: promised.to_vec(),
        iat: NOW,
    }
    .sign(cast.holder.signer.as_ref());
    use Reason::*;
    let files = |files: &[ReceivedFile]| json!(files);
    let wrongs = [
        (
            "issuer_another",
            "In another holder's name.",
            "iss",
            json!("mail:mallory@example.net"),
            WrongParty,
            "iss",
        ),
        (
            "audience_another",
            "For another merchant.",
            "aud",
            json!("domain:other-shop.example"),
            WrongParty,
            "aud",
        ),
        ("order_another", "Of another order.", "order", json!(ZERO), Mismatch, "order"),
        ("file_missing", "One file of two.", "files", files(&promised[..1]), Mismatch, "files"),
        (
            "file_extra",
            "A file that was not promised.",
            "files",
            files(&[promised[0].clone(), promised[1].clone(), file("D-3", 3)]),
            Mismatch,
            "files",
        ),
        (
            "files_exchanged",
            "The files in another order.",
            "files",
            files(&[promised[1].clone(), promised[0].clone()]),
            Mismatch,
            "files",
        ),
        (
            "hash_another",
            "A file that is not what was promised.",
            "files",
            files(&[promised[0].clone(), file("D-2", 9)]),
            Mismatch,
            "files[1].sha256",
        ),
        (
            "file_as_array",
            "A file is an array of its values.",
            "files",
            json!([["D-1", ZERO]]),
            Malformed,
            "files[0]",
        ),
    ];
    let other = made.terminal("other_holder");
    let signers = (cast.holder.signer.as_ref(), other.signer.as_ref());
    let mut cases = changed(&honest, signers, &wrongs, (HOLDER, "goods_receipt"), &case);
    cases.push(case("good", "Both files have arrived.", honest).accepted(json!({})));
    cases
}

fn request(made: &Made, center: &Terminal) -> MeterRequest {
    MeterRequest {
        iss: made.cast.merchant.id().clone(),
        aud: center.id().clone(),
        order: ORDER,
        tick: 3,
        amount: yen(30),
        iat: NOW,
        exp: NOW.plus(300),
    }
}

fn requests(made: &Made, center: &Terminal) -> Vec<Case> {
    let merchant = &made.cast.merchant;
    let case = |name: &str, about: &str, token: String| {
        let input = json!({"token": token, "front": merchant.credential_token});
        Case::new("meter_request", name, about, ("kps", "center"), input)
    };
    use Reason::*;
    let wrongs = [
        (
            "issuer_another",
            "In another merchant's name.",
            "iss",
            json!("domain:other-shop.example"),
            WrongParty,
            "iss",
        ),
        (
            "audience_another",
            "To another center.",
            "aud",
            json!("domain:center2.example"),
            WrongParty,
            "aud",
        ),
        ("tick_none", "No tick was begun.", "tick", json!(0), BadValue, "tick"),
        (
            "amount_none",
            "It costs nothing.",
            "amount",
            json!({"minor": 0, "currency": "JPY"}),
            BadValue,
            "amount",
        ),
        (
            "amount_fraction",
            "Half a yen.",
            "amount",
            json!({"minor": 0.5, "currency": "JPY"}),
            Malformed,
            "amount.minor",
        ),
        ("expired", "Past its end.", "exp", json!(NOW.0 - CLOCK_SKEW), Expired, "exp"),
        (
            "from_the_future",
            "Dated beyond the clocks' difference.",
            "iat",
            json!(NOW.0 + CLOCK_SKEW + 1),
            NotYetValid,
            "iat",
        ),
    ];
    let honest = request(made, center).sign(merchant.signer.as_ref());
    let signers = (merchant.signer.as_ref(), made.cast.carrier.signer.as_ref());
    let mut cases = changed(&honest, signers, &wrongs, (MERCHANT, "meter_request"), &case);
    let accepted = json!({"tick": 3, "amount": yen(30)});
    cases.push(case("good", "Three ticks.", honest).accepted(accepted));
    cases
}

fn meters(made: &Made, center: &Terminal) -> Vec<Case> {
    let asked = request(made, center);
    let case = |name: &str, about: &str, token: String| {
        let input = json!({"token": token, "center": center.credential_token, "request": asked});
        Case::new("meter", name, about, ("kps", "merchant"), input)
    };
    let honest = Meter {
        iss: asked.aud.clone(),
        aud: asked.iss.clone(),
        order: ORDER,
        tick: asked.tick,
        amount: asked.amount,
        iat: NOW,
    }
    .sign(center.signer.as_ref());
    use Reason::*;
    let wrongs = [
        (
            "issuer_another",
            "In another center's name.",
            "iss",
            json!("domain:center2.example"),
            WrongParty,
            "iss",
        ),
        (
            "audience_another",
            "For another merchant.",
            "aud",
            json!("domain:other-shop.example"),
            WrongParty,
            "aud",
        ),
        ("order_another", "Of another order.", "order", json!(ZERO), Mismatch, "order"),
        ("tick_another", "An earlier tick.", "tick", json!(2), Mismatch, "tick"),
        (
            "amount_another",
            "Another amount.",
            "amount",
            json!({"minor": 31, "currency": "JPY"}),
            Mismatch,
            "amount",
        ),
        (
            "currency_another",
            "Another currency.",
            "amount",
            json!({"minor": 30, "currency": "USD"}),
            Mismatch,
            "amount",
        ),
    ];
    let signers = (center.signer.as_ref(), made.cast.merchant.signer.as_ref());
    let mut cases = changed(&honest, signers, &wrongs, (CENTER, "meter"), &case);
    cases.push(case("good", "The center has taken note.", honest).accepted(json!({})));
    cases
}
