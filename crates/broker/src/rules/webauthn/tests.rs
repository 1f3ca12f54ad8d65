//! Good passkeys, and many more bad ones.

#[path = "../../../tests/common/authenticator.rs"]
mod authenticator;

use super::*;
use authenticator::{Authenticator, attestation, map};
use ciborium::Value;
use warifu_protocol::{AtFault, encode::unb64};

const ORIGIN: &str = "https://order.example";
const HOST: &str = "order.example";
const CHALLENGE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn site() -> Site {
    Site::of(ORIGIN).unwrap()
}

fn both() -> [Authenticator; 2] {
    [Authenticator::es256(ORIGIN, HOST), Authenticator::ed25519(ORIGIN, HOST)]
}

fn make(client_data: &str, object: &[u8]) -> Result<NewPasskey, Fault> {
    made(&site(), CHALLENGE, client_data.as_bytes(), object)
}

fn assert_with(
    key: &Key,
    client_data: &str,
    authenticator_data: &[u8],
    signature: &[u8],
) -> Result<u32, Fault> {
    let client_data = client_data.as_bytes();
    let assertion = Assertion { client_data, authenticator_data, signature };
    asserted(&site(), CHALLENGE, key, &assertion)
}

#[test]
fn a_passkey_is_made_kept_and_lets_in() {
    for mut authenticator in both() {
        let client_data = authenticator.client_data("webauthn.create", CHALLENGE);
        let new = make(&client_data, &attestation(authenticator.data(true))).unwrap();
        assert_eq!((&new.id, new.counter), (&authenticator.id, 0));
        let kept = Key::from_cose(new.key.as_cose()).unwrap();
        assert_eq!(kept, new.key);
        authenticator.counter = 0x0102_0304;
        let client_data = authenticator.client_data("webauthn.get", CHALLENGE);
        let data = authenticator.data(false);
        let signature = authenticator.sign(&data, &client_data);
        assert_eq!(assert_with(&kept, &client_data, &data, &signature), Ok(0x0102_0304));
    }
}

#[test]
fn what_another_library_signs_is_taken() {
    for vector in [include_str!("tests/es256.json"), include_str!("tests/rs256.json")] {
        let vector: serde_json::Value = serde_json::from_str(vector).unwrap();
        let read =
            |name: &str| unb64(vector[name].as_str().unwrap(), AtFault::Own, "vector").unwrap();
        let key = Key::from_cose(&read("cose")).unwrap();
        let client_data = String::from_utf8(read("client_data")).unwrap();
        let (data, mut signature) = (read("authenticator_data"), read("signature"));
        assert_eq!(assert_with(&key, &client_data, &data, &signature), Ok(7));
        *signature.last_mut().unwrap() ^= 1;
        assert_eq!(assert_with(&key, &client_data, &data, &signature), Err(Fault::Signature));
    }
}

#[test]
fn extensions_and_backup_flags_are_taken() {
    let mut authenticator = Authenticator::es256(ORIGIN, HOST);
    authenticator.flags = 0x80 | 0x18 | 5;
    let client_data = authenticator.client_data("webauthn.create", CHALLENGE);
    let extensions = map(vec![("credProtect", Value::from(2))]);
    let data = [authenticator.data(true), extensions].concat();
    assert!(make(&client_data, &attestation(data)).is_ok());
}

#[test]
fn client_data_of_another_page_is_refused() {
    let authenticator = Authenticator::es256(ORIGIN, HOST);
    let good = authenticator.client_data("webauthn.create", CHALLENGE);
    let object = attestation(authenticator.data(true));
    let with = |from: &str, to: &str| {
        let bent = good.replace(from, to);
        assert_ne!(bent, good, "{from}");
        make(&bent, &object).unwrap_err()
    };
    for (from, to, fault) in [
        ("webauthn.create", "webauthn.get", Fault::Purpose),
        ("webauthn.create", "webauthn.create2", Fault::Purpose),
        ("AAAA\"", "AAAB\"", Fault::Challenge),
        ("AAAA\"", "AAAA=\"", Fault::Challenge),
        ("AAAA\"", "\"", Fault::Challenge),
        ("https://order", "http://order", Fault::Origin),
        ("order.example", "order.example:8443", Fault::Origin),
        ("order.example", "order.example.evil", Fault::Origin),
        ("order.example", "shop.order.example", Fault::Origin),
        ("order.example", "Order.example", Fault::Origin),
        ("\"crossOrigin\":false", "\"crossOrigin\":true", Fault::Framed),
        ("\"crossOrigin\":false", "\"topOrigin\":\"https://evil.example\"", Fault::Framed),
        ("\"crossOrigin\":false", "\"crossOrigin\":\"no\"", Fault::ClientData),
        ("\"type\"", "\"kind\"", Fault::ClientData),
        ("\"crossOrigin\":false", "\"type\":\"webauthn.create\"", Fault::ClientData),
        ("}", "", Fault::ClientData),
        ("}", "}}", Fault::ClientData),
        ("{", "\u{feff}{", Fault::ClientData),
    ] {
        assert_eq!(with(from, to), fault, "{from} → {to}");
    }
    let array = format!("[\"webauthn.create\",\"{CHALLENGE}\",\"{ORIGIN}\"]");
    for text in ["", "null", array.as_str()] {
        assert_eq!(make(text, &object), Err(Fault::ClientData), "{text}");
    }
    // What browsers add is taken.
    let more = good.replace('}', ",\"other_keys_can_be_added_here\":\"x\"}");
    assert!(make(&more, &object).is_ok());
}

#[test]
fn the_authenticators_data_is_read_to_the_byte() {
    let authenticator = Authenticator::es256(ORIGIN, HOST);
    let client_data = authenticator.client_data("webauthn.create", CHALLENGE);
    let good = authenticator.data(true);
    let with = |data: Vec<u8>| make(&client_data, &attestation(data)).map(|_| ());
    assert_eq!(with(good.clone()), Ok(()));
    for length in 0..good.len() {
        let fault = with(good[..length].to_vec()).unwrap_err();
        let in_key = length >= 55 + authenticator.id.len();
        assert_eq!(fault, if in_key { Fault::Key } else { Fault::AuthenticatorData }, "{length}");
    }
    let set = |at: usize, byte: u8| {
        let mut data = good.clone();
        data[at] = byte;
        with(data)
    };
    for (what, result, fault) in [
        ("another site", set(0, good[0] ^ 1), Fault::RelyingParty),
        ("nobody there", set(32, 0x44), Fault::NotPresent),
        ("not verified", set(32, 0x41), Fault::NotVerified),
        ("a copy of what has none", set(32, 0x55), Fault::AuthenticatorData),
        ("no passkey, but its bytes", set(32, 0x05), Fault::AuthenticatorData),
        ("extensions that are not there", set(32, 0xc5), Fault::AuthenticatorData),
        ("an id of no bytes", set(54, 0), Fault::AuthenticatorData),
        ("an id of 8,224 bytes", set(53, 0x20), Fault::AuthenticatorData),
        ("a byte more", with([&good[..], &[0]].concat()), Fault::AuthenticatorData),
        ("no passkey", with(authenticator.data(false)), Fault::AuthenticatorData),
    ] {
        assert_eq!(result, Err(fault), "{what}");
    }
    let mut long = Authenticator::es256(ORIGIN, HOST);
    long.id = vec![1; LONGEST_ID];
    assert_eq!(with(long.data(true)), Ok(()));
    long.id.push(1);
    assert_eq!(with(long.data(true)), Err(Fault::AuthenticatorData));
    let mut extended = good.clone();
    extended[32] |= 0x80;
    for extensions in [&b"\x01"[..], b"\xa1\x01", b"\xa0\x00", b"\xbf"] {
        let data = [&extended[..], extensions].concat();
        assert_eq!(with(data), Err(Fault::AuthenticatorData), "{extensions:?}");
    }
}

#[test]
fn an_attestation_that_nobody_asked_for_is_refused() {
    let authenticator = Authenticator::es256(ORIGIN, HOST);
    let client_data = authenticator.client_data("webauthn.create", CHALLENGE);
    let data = || Value::from(authenticator.data(true));
    let none = || Value::Map(Vec::new());
    let statement = || Value::Map(vec![("sig".into(), vec![1_u8].into())]);
    let object = |format: &str, statement: Value| {
        map(vec![("fmt", format.into()), ("attStmt", statement), ("authData", data())])
    };
    let mut twice = vec![("fmt", Value::from("none")), ("attStmt", none()), ("authData", data())];
    twice.push(("authData", data()));
    let deep = [vec![0x81; 100_000], vec![0]].concat();
    for (what, bytes) in [
        ("packed", object("packed", statement())),
        ("packed and empty", object("packed", none())),
        ("none with a statement", object("none", statement())),
        ("no statement", map(vec![("fmt", "none".into()), ("authData", data())])),
        ("a statement of text", object("none", "".into())),
        (
            "data as text",
            map(vec![("fmt", "none".into()), ("attStmt", none()), ("authData", "data".into())]),
        ),
        ("data twice", map(twice)),
        ("an array", vec![0x80]),
        ("nothing", Vec::new()),
        ("a byte more", [object("none", none()), vec![0]].concat()),
        ("arrays within arrays", deep),
        ("members without end", vec![0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ("a length without end", vec![0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ] {
        assert_eq!(make(&client_data, &bytes), Err(Fault::Attestation), "{what}");
    }
}

#[test]
fn a_key_is_of_an_offered_algorithm_and_whole() {
    let bytes = |length: usize| Value::from(vec![1_u8; length]);
    let ec = |kind: i64, algorithm: i64, curve: i64, x: Value, y: Value| {
        map(vec![(1, kind.into()), (3, algorithm.into()), (-1, curve.into()), (-2, x), (-3, y)])
    };
    let okp = |algorithm: i64, curve: i64, x: Value| {
        map(vec![(1, 1.into()), (3, algorithm.into()), (-1, curve.into()), (-2, x)])
    };
    let rsa = |n: Value, e: Value| map(vec![(1, 3.into()), (3, (-257).into()), (-1, n), (-2, e)]);
    for good in
        [ec(2, -7, 1, bytes(32), bytes(32)), okp(-8, 6, bytes(32)), rsa(bytes(256), bytes(3))]
    {
        assert!(Key::from_cose(&good).is_ok());
        assert_eq!(Key::from_cose(&[&good[..], &[0]].concat()), Err(Fault::Key));
    }
    let zero_first = Value::from([vec![0_u8], vec![1; 256]].concat());
    let private = map(vec![
        (1, 1.into()),
        (3, (-8).into()),
        (-1, 6.into()),
        (-2, bytes(32)),
        (-4, bytes(32)),
    ]);
    let twice = map(vec![
        (1, 1.into()),
        (3, (-8).into()),
        (-1, 6.into()),
        (-2, bytes(32)),
        (-2, bytes(32)),
    ]);
    for (what, bad) in [
        ("ES384", ec(2, -35, 2, bytes(32), bytes(32))),
        ("ES256 on P-384", ec(2, -7, 2, bytes(32), bytes(32))),
        ("EdDSA on P-256", ec(2, -8, 1, bytes(32), bytes(32))),
        ("ES256 of the kind OKP", ec(1, -7, 1, bytes(32), bytes(32))),
        ("a short x", ec(2, -7, 1, bytes(31), bytes(32))),
        ("a long y", ec(2, -7, 1, bytes(32), bytes(33))),
        ("a compressed point", ec(2, -7, 1, bytes(32), true.into())),
        ("Ed448", okp(-8, 7, bytes(32))),
        ("a long Ed25519 key", okp(-8, 6, bytes(57))),
        ("an RSA key of 2,040 bits", rsa(bytes(255), bytes(3))),
        ("an RSA key of 4,104 bits", rsa(bytes(513), bytes(3))),
        ("a modulus that begins with 0", rsa(zero_first, bytes(3))),
        ("no exponent", rsa(bytes(256), bytes(0))),
        ("a private key", private),
        ("x twice", twice),
        ("no algorithm", map(vec![(1, 1.into()), (-1, 6.into()), (-2, bytes(32))])),
        ("a number", vec![0x01]),
    ] {
        assert_eq!(Key::from_cose(&bad), Err(Fault::Key), "{what}");
    }
}

#[test]
fn a_signature_counts_for_all_that_it_signs() {
    for authenticator in both() {
        let key = Key::from_cose(&authenticator.cose()).unwrap();
        let client_data = authenticator.client_data("webauthn.get", CHALLENGE);
        let data = authenticator.data(false);
        let good = authenticator.sign(&data, &client_data);
        assert_eq!(assert_with(&key, &client_data, &data, &good), Ok(0));
        let spaced = client_data.replace("\":", "\": ");
        assert_eq!(assert_with(&key, &spaced, &data, &good), Err(Fault::Signature));
        let mut counted = data.clone();
        counted[36] = 9;
        assert_eq!(assert_with(&key, &client_data, &counted, &good), Err(Fault::Signature));
        let unverified = [&data[..32], &[1], &data[33..]].concat();
        let signature = authenticator.sign(&unverified, &client_data);
        let result = assert_with(&key, &client_data, &unverified, &signature);
        assert_eq!(result, Err(Fault::NotVerified));
        let created = authenticator.client_data("webauthn.create", CHALLENGE);
        let signature = authenticator.sign(&data, &created);
        assert_eq!(assert_with(&key, &created, &data, &signature), Err(Fault::Purpose));
        for length in 0..good.len() {
            let result = assert_with(&key, &client_data, &data, &good[..length]);
            assert_eq!(result, Err(Fault::Signature), "{length}");
        }
        let longer = [&good[..], &[0]].concat();
        assert_eq!(assert_with(&key, &client_data, &data, &longer), Err(Fault::Signature));
        for stranger in both() {
            if stranger.id != authenticator.id {
                let signature = stranger.sign(&data, &client_data);
                let result = assert_with(&key, &client_data, &data, &signature);
                assert_eq!(result, Err(Fault::Signature));
            }
        }
    }
}

#[test]
fn no_bit_of_what_is_signed_can_be_changed_and_no_byte_makes_it_panic() {
    let authenticator = Authenticator::es256(ORIGIN, HOST);
    let key = Key::from_cose(&authenticator.cose()).unwrap();
    let client_data = authenticator.client_data("webauthn.get", CHALLENGE);
    let data = authenticator.data(false);
    let signature = authenticator.sign(&data, &client_data);
    for bit in 0..data.len() * 8 {
        let mut bent = data.clone();
        bent[bit / 8] ^= 1 << (bit % 8);
        assert!(assert_with(&key, &client_data, &bent, &signature).is_err(), "bit {bit}");
    }
    let client_data = authenticator.client_data("webauthn.create", CHALLENGE);
    let object = attestation(authenticator.data(true));
    let taken = (0..object.len()).flat_map(|at| (0..=255).map(move |byte| (at, byte)));
    let taken = taken.filter(|(at, byte)| {
        let mut bent = object.clone();
        bent[*at] = *byte;
        make(&client_data, &bent).is_ok()
    });
    // What is taken is another AAGUID, counter, id or key: nobody vouches for these.
    assert!((1..=256 * (16 + 4 + 32 + 64 + 8)).contains(&taken.count()));
}

#[test]
fn a_counter_goes_up_or_is_always_nothing() {
    for (kept, shown) in [(0, 0), (0, 1), (1, 2), (5, u32::MAX)] {
        assert_eq!(check_counter(kept, shown), Ok(()));
    }
    for (kept, shown) in [(1, 0), (1, 1), (7, 6), (u32::MAX, 0), (u32::MAX, u32::MAX)] {
        assert_eq!(check_counter(kept, shown), Err(Fault::Counter));
    }
}
