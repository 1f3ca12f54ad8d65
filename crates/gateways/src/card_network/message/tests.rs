#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::{Fault, MAX_MESSAGE, Message, MessageError, MessageType, fields};
use proptest::prelude::*;

/// An authorization of 19.80 EUR, by hand after ISO 8583:1987.
const GOLDEN: &str = concat!(
    "0100",
    "F224040008408000",
    "2000000000000000",
    "164111111111111111",
    "000000",
    "000000001980",
    "1121192730",
    "000042",
    "2812",
    "012",
    "R00000000017",
    "SHOP1          ",
    "978",
    "01",
);

fn golden() -> Message {
    let mut message = Message::new(MessageType::Authorization);
    for (number, text) in [
        (2, "4111111111111111"),
        (3, "000000"),
        (4, "000000001980"),
        (7, "1121192730"),
        (11, "000042"),
        (14, "2812"),
        (22, "012"),
        (37, "R00000000017"),
        (49, "978"),
        (67, "01"),
    ] {
        message.set(number, text).unwrap();
    }
    message.set_padded(42, "SHOP1").unwrap();
    message
}

#[test]
fn golden_bytes_of_an_authorization() {
    let bytes = golden().encode().unwrap();
    assert_eq!(std::str::from_utf8(&bytes).unwrap(), GOLDEN);
    assert_eq!(Message::decode(&bytes).unwrap(), golden());
    let frame = golden().frame().unwrap();
    assert_eq!(frame[..2], u16::try_from(bytes.len()).unwrap().to_be_bytes());
}

#[test]
fn debug_shows_nothing_of_the_card() {
    let shown = format!("{:?}", golden());
    assert!(shown.contains("R00000000017"), "{shown}");
    for secret in ["4111111111111111", "2812"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

/// A message of few fields, with one place changed.
fn bytes(kind: &str, map: &str, rest: &str) -> Vec<u8> {
    format!("{kind}{map}{rest}").into_bytes()
}

#[test]
fn malformed_messages_are_named_by_field_and_fault() {
    const STAN: &str = "0020000000000000";
    let vectors: Vec<(&str, Vec<u8>, u8, Fault)> = vec![
        ("empty", vec![], 0, Fault::CutOff),
        ("type_cut_off", b"010".to_vec(), 0, Fault::CutOff),
        ("type_letters", bytes("01x0", STAN, "000001"), 0, Fault::Character),
        ("type_not_in_use", bytes("0200", STAN, "000001"), 0, Fault::NotInUse),
        ("type_of_1993", bytes("1100", STAN, "000001"), 0, Fault::NotInUse),
        ("bitmap_missing", b"0100".to_vec(), 1, Fault::CutOff),
        ("bitmap_cut_off", b"0100002000000000000".to_vec(), 1, Fault::CutOff),
        ("bitmap_small_letters", bytes("0100", "f220000000000000", ""), 1, Fault::Character),
        ("bitmap_no_hex", bytes("0100", "002000000000000G", "000001"), 1, Fault::Character),
        ("bitmap_with_a_sign", bytes("0100", "+020000000000000", "000001"), 1, Fault::Character),
        ("second_bitmap_cut_off", bytes("0100", "8020000000000000", "0000"), 1, Fault::CutOff),
        (
            "second_bitmap_empty",
            bytes("0100", "80200000000000000000000000000000", "000001"),
            1,
            Fault::Value,
        ),
        ("field_not_in_use", bytes("0100", "0820000000000000", "1000001"), 5, Fault::NotInUse),
        ("track_data_refused", bytes("0100", "0020000020000000", "000001"), 35, Fault::NotInUse),
        ("pin_refused", bytes("0100", "0020000000001000", "000001"), 52, Fault::NotInUse),
        (
            "third_bitmap",
            bytes("0100", "80000000000000008000000000000000", "0000000000000000"),
            65,
            Fault::NotInUse,
        ),
        ("field_128", bytes("0100", "80000000000000000000000000000001", "0"), 128, Fault::NotInUse),
        ("stan_cut_off", bytes("0100", STAN, "00001"), 11, Fault::CutOff),
        ("stan_letters", bytes("0100", STAN, "00000a"), 11, Fault::Character),
        (
            "stan_non_ascii",
            [b"01000020000000000000".as_slice(), b"0000\xC3\xA9"].concat(),
            11,
            Fault::Character,
        ),
        ("trailing_byte", bytes("0100", STAN, "0000010"), 11, Fault::Trailing),
        ("card_length_missing", bytes("0100", "4000000000000000", "1"), 2, Fault::CutOff),
        ("card_length_letters", bytes("0100", "4000000000000000", "1x4111"), 2, Fault::Character),
        ("card_length_zero", bytes("0100", "4000000000000000", "00"), 2, Fault::Length),
        (
            "card_too_long",
            bytes("0100", "4000000000000000", "2041111111111111111111"),
            2,
            Fault::Length,
        ),
        ("card_cut_off", bytes("0100", "4000000000000000", "16411111111111111"), 2, Fault::CutOff),
        ("card_with_blanks", bytes("0100", "4000000000000000", "054111 "), 2, Fault::Character),
        ("thirteenth_month", bytes("0100", "0200000000000000", "1301000000"), 7, Fault::Value),
        ("thirty_first_of_april", bytes("0100", "0200000000000000", "0431000000"), 7, Fault::Value),
        ("hour_24", bytes("0100", "0200000000000000", "0101240000"), 7, Fault::Value),
        ("minute_60", bytes("0100", "0200000000000000", "0101006000"), 7, Fault::Value),
        ("time_of_day_second_60", bytes("0100", "0010000000000000", "000060"), 12, Fault::Value),
        ("day_zero", bytes("0100", "0008000000000000", "0100"), 13, Fault::Value),
        ("expiry_month_zero", bytes("0100", "0004000000000000", "2800"), 14, Fault::Value),
        (
            "acquirer_too_long",
            bytes("0100", "0000000100000000", "12123456789012"),
            32,
            Fault::Length,
        ),
        (
            "reference_blank",
            bytes("0100", "0000000008000000", "R0000000001 "),
            37,
            Fault::Character,
        ),
        (
            "acceptor_control",
            bytes("0100", "0000000000400000", "SHOP\t          "),
            42,
            Fault::Character,
        ),
        ("currency_letters", bytes("0100", "0000000000008000", "EUR"), 49, Fault::Character),
        ("private_data_length", bytes("0100", "0000000000010000", "000"), 48, Fault::Length),
        (
            "original_cut_off",
            bytes("0400", "80000000000000000000004000000000", "0100"),
            90,
            Fault::CutOff,
        ),
    ];
    for (name, bytes, field, fault) in vectors {
        let rejected = Message::decode(&bytes).expect_err(name);
        assert_eq!(rejected.error, MessageError { field, fault }, "{name}");
    }
}

#[test]
fn what_is_sound_of_a_faulty_message_is_kept() {
    let rejected = Message::decode(&bytes("0100", "4020000000000000", "0341x000042")).unwrap_err();
    assert_eq!(rejected.error, MessageError { field: 2, fault: Fault::Character });
    let sound = rejected.sound.unwrap();
    assert_eq!((sound.get(2), sound.get(11)), (None, Some("000042")));
}

#[test]
fn a_field_that_cannot_hold_a_text_is_not_set() {
    let mut message = Message::new(MessageType::Capture);
    for (number, text, fault) in [
        (4, "1980", Fault::Length),
        (5, "000000000000", Fault::NotInUse),
        (37, "R-0000000001", Fault::Character),
        (14, "2813", Fault::Value),
        (2, "", Fault::Length),
    ] {
        assert_eq!(message.set(number, text), Err(MessageError { field: number, fault }));
    }
    assert_eq!(message.numbers().count(), 0);
}

#[test]
fn the_longest_message_fits() {
    let mut message = Message::new(MessageType::Authorization);
    for number in 2..=128 {
        let Some(row) = fields::find(number) else { continue };
        let width = match row.length {
            fields::Length::Fixed(width) => width,
            fields::Length::TwoDigits(most) | fields::Length::ThreeDigits(most) => most,
        };
        message.set(number, "01".repeat(width.div_ceil(2))[..width].to_owned()).unwrap();
    }
    let bytes = message.encode().unwrap();
    assert!(bytes.len() <= MAX_MESSAGE, "{}", bytes.len());
    assert_eq!(Message::decode(&bytes).unwrap(), message);
}

fn any_message() -> impl Strategy<Value = Message> {
    let fields = proptest::collection::btree_map(
        prop_oneof![
            2..=4u8,
            11..=11u8,
            32..=32u8,
            37..=39u8,
            41..=43u8,
            48..=49u8,
            67..=67u8,
            70..=70u8,
            90..=90u8
        ],
        ("[0-9]{999}", 1..=999usize),
        0..16,
    );
    let kinds = proptest::sample::select(super::TYPES.map(|(kind, _)| kind).to_vec());
    (kinds, fields).prop_map(|(kind, fields)| {
        let mut message = Message::new(kind);
        for (number, (digits, length)) in fields {
            let width = match fields::find(number).unwrap().length {
                fields::Length::Fixed(width) => width,
                fields::Length::TwoDigits(most) | fields::Length::ThreeDigits(most) => {
                    length.min(most)
                }
            };
            message.set(number, &digits[..width]).unwrap();
        }
        message
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(message in any_message()) {
        let bytes = message.encode().unwrap();
        prop_assert_eq!(Message::decode(&bytes), Ok(message));
    }

    #[test]
    fn what_is_read_is_written_back(mut bytes in any_message().prop_map(|m| m.encode().unwrap().to_vec()),
        at in 0..2000usize, to in any::<u8>()) {
        let at = at % bytes.len();
        bytes[at] = to;
        if let Ok(message) = Message::decode(&bytes) {
            prop_assert_eq!(message.encode().unwrap().to_vec(), bytes);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Message::decode(&bytes);
    }
}
