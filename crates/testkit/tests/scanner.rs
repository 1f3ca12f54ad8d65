//! A planted leak of each kind is found, and nothing is found where nothing is.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use flate2::{Compression, write};
use std::{io::Write, time::Instant};
use warifu_testkit::{INCOMPLETE, Scanner};

const CARD: &str = "5105105105105100";
const ADDRESS: &str = "東京都港区\"芝\" 1/2 🍵";
const NAME: &str = "Hanako Kanaria";

fn scanner() -> Scanner {
    Scanner::new([("card", CARD), ("address", ADDRESS), ("name", NAME)])
}

/// The ways in which the canary was found.
fn ways(canary: &str, data: &[u8]) -> Vec<String> {
    let found = scanner().find("here", data);
    assert!(found.iter().all(|finding| finding.label == "here"));
    found.into_iter().filter(|f| f.canary == canary).map(|f| f.how).collect()
}

#[track_caller]
fn assert_found(canary: &str, how: &str, data: impl AsRef<[u8]>) {
    let ways = ways(canary, data.as_ref());
    assert!(ways.iter().any(|way| way == how), "{how} is not among {ways:?}");
}

fn noise(length: usize, mut seed: u64) -> Vec<u8> {
    std::iter::repeat_with(|| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 32) as u8
    })
    .take(length)
    .collect()
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = write::GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = write::ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = write::DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn plain_in_any_case() {
    assert_found("card", "plain", format!("log: card={CARD};"));
    assert_found("name", "plain", "hello hanako KANARIA");
    assert_found("address", "plain", ADDRESS);
}

#[test]
fn json_escapes() {
    assert_found("address", "json escaped", serde_json_like(ADDRESS));
    let units: Vec<u16> = ADDRESS.encode_utf16().collect();
    let lower: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
    let upper: String = units.iter().map(|unit| format!("\\u{unit:04X}")).collect();
    assert_found("address", "json \\u escaped", &lower);
    assert_found("address", "json \\u escaped", &upper);
    // A mixture that no fixed form foresees.
    assert_found("card", "unescaped > plain", r#"{"pan":"51\u00305105105105\u00310\u0030"}"#);
    assert_found(
        "address",
        "unescaped > plain",
        "\\u6771京都港\\u533A\\\"芝\\\" 1\\/2 \\ud83c\\udf75",
    );
    assert_found("name", "unescaped > plain", r"\x48anako\u{20}Kanaria");
}

fn serde_json_like(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\\\""))
}

#[test]
fn utf_16() {
    let little: Vec<u8> = ADDRESS.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = CARD.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_found("address", "utf-16le", little);
    assert_found("card", "utf-16be", big);
}

#[test]
fn percent_encoding() {
    assert_found("name", "percent", "name=hanako%20kanaria&x=1");
    assert_found("name", "form", "name=Hanako+Kanaria&x=1");
    let every: String = ADDRESS.bytes().map(|byte| format!("%{byte:02x}")).collect();
    assert_found("address", "percent", every);
    assert_found("card", "percent-decoded > plain", "c=5105%31051%305105100");
    assert_found("name", "form-decoded > plain", "n=%48anako+Kanaria");
}

#[test]
fn hexadecimal() {
    assert_found("card", "hex", hex::encode(CARD));
    assert_found("address", "hex", format!("x'f{}'", hex::encode_upper(ADDRESS)));
    assert_found("name", "hex > plain", format!("f{}", hex::encode("to HANAKO KANARIA")));
}

#[test]
fn lists_of_bytes() {
    assert_found("card", "byte list", format!("{:?}", CARD.as_bytes()));
    assert_found("card", "byte list", format!("{:?}", CARD.as_bytes()).replace(' ', ""));
}

#[test]
fn base64_at_every_alignment() {
    for before in 0..4 {
        for after in 0..4 {
            let mut text = noise(before, 7);
            text.extend_from_slice(ADDRESS.as_bytes());
            text.extend(noise(after, 9));
            assert_found("address", "base64", format!("\"{}\"", STANDARD.encode(&text)));
            assert_found("address", "base64 > plain", STANDARD.encode(&text));
            let url = URL_SAFE_NO_PAD.encode(&text);
            assert!(!ways("address", url.as_bytes()).is_empty());
            // With other characters of the alphabet before it.
            assert_found("address", "base64 > plain", format!("{}{url}", &"/ab"[..before.min(3)]));
        }
    }
    assert_found("name", "base64 > plain", STANDARD.encode("x=hAnAkO kAnArIa"));
}

#[test]
fn base64_folded_into_lines() {
    let mut text = noise(100, 3);
    text.extend_from_slice(NAME.as_bytes());
    text.extend(noise(200, 4));
    let mut url = URL_SAFE_NO_PAD.encode(gzip(&text));
    for width in [64, 76] {
        let lines: Vec<_> =
            url.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let mail = format!("Subject: x\r\n\r\n{}\r\n--end", lines.join("\r\n"));
        assert_found("name", "base64 > gzip > plain", mail);
    }
    url.truncate(20);
    assert!(ways("name", url.as_bytes()).is_empty());
}

#[test]
fn compressed_streams() {
    let text = format!("some text before, {ADDRESS} and after").repeat(3);
    let mut shifted = noise(33, 5);
    shifted.extend(gzip(text.as_bytes()));
    shifted.extend(noise(10, 6));
    assert_found("address", "gzip > plain", shifted);
    let mut shifted = noise(33, 5);
    shifted.extend(zlib(text.as_bytes()));
    assert_found("address", "zlib > plain", shifted);
    assert_found("address", "deflate > plain", deflate(text.as_bytes()));
    let mut http = b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n".to_vec();
    http.extend(deflate(text.as_bytes()));
    assert_found("address", "deflate > plain", http);
    // Cut off in the middle, after the value.
    let mut tail = text.clone().into_bytes();
    tail.extend(noise(500, 8));
    let cut = gzip(&tail);
    assert_found("address", "gzip > plain", &cut[..cut.len() - 100]);
}

#[test]
fn tokens() {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let claims = URL_SAFE_NO_PAD.encode(format!(r#"{{"iss":"a","pan":"{CARD}"}}"#));
    let disclosure = URL_SAFE_NO_PAD.encode(r#"["c2FsdA","name","hanako \u004banaria"]"#);
    let token = format!("{header}.{claims}.c2ln~{disclosure}~");
    assert_found("card", "base64 > plain", &token);
    assert_found("name", "base64 > unescaped > plain", &token);
}

#[test]
fn chunks_that_split_a_value() {
    let http = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
                8\r\n51051051\r\n4;x=y\r\n0510\r\n4\r\n5100\r\n0\r\n\r\n";
    assert_found("card", "chunked > plain", http);
    let encoded = hex::encode(NAME);
    let (one, two) = encoded.split_at(11);
    let body = format!("x\r\n\r\nb\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n", two.len());
    assert_found("name", "chunked > hex", body);
}

#[test]
fn one_inside_the_other() {
    let json = format!(r#"{{"a":"{}"}}"#, STANDARD.encode(format!("card {CARD}")));
    let nested = URL_SAFE_NO_PAD.encode(gzip(json.as_bytes()));
    assert_found("card", "base64 > gzip > base64", &nested);
    assert_found("card", "base64 > gzip > base64 > plain", &nested);
    let deep = hex::encode(zlib(format!("{nested} {nested} {nested}").as_bytes()));
    assert_found("card", "hex > zlib > base64 > gzip > base64", format!("row {deep} end"));
    let json_in_json = r#""{\"inner\":\"{\\\"n\\\":\\\"Hanako\\u0020Kanaria\\\"}\"}""#;
    assert_found("name", "unescaped > unescaped > plain", json_in_json);
    let raw = STANDARD.encode(deflate(format!("x {NAME} {NAME} y").as_bytes()));
    assert_found("name", "base64 > deflate > plain", raw);
}

#[test]
fn nothing_is_found_where_nothing_is() {
    for seed in 1..4 {
        let random = noise(500_000, seed);
        assert_eq!(scanner().find("noise", &random), []);
        assert_eq!(scanner().find("base64", STANDARD.encode(&random).as_bytes()), []);
        assert_eq!(scanner().find("hex", hex::encode(&random).as_bytes()), []);
    }
    assert_eq!(scanner().find("other", b"5105105105105101 Hanako Kanari"), []);
    assert_eq!(scanner().find("empty", b""), []);
}

#[test]
fn a_bomb_is_reported_not_passed() {
    let bomb = gzip(&vec![b'.'; 80 << 20]);
    let found = scanner().find("bomb", &bomb);
    assert!(found.iter().any(|finding| finding.canary == INCOMPLETE));
}

#[test]
#[should_panic(expected = "shorter than 8 bytes")]
fn a_short_canary_is_refused() {
    Scanner::new([("amount", "1234")]);
}

/// Ten megabytes of the traffic that a test records: tokens, JSON, noise, with many canaries.
#[test]
fn fast_enough() {
    let canaries = (0..300).map(|n| (format!("c{n}"), format!("canary-{n:06}-{:x}", n * 7919)));
    let scanner = Scanner::new(canaries);
    let mut data = Vec::new();
    let mut seed = 11;
    while data.len() < 10 << 20 {
        seed += 1;
        let token = URL_SAFE_NO_PAD.encode(noise(1500, seed));
        data.extend_from_slice(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n");
        data.extend(format!(r#"{{"part":"{token}","t":"a \"b\" \u5c71 100%25"}}"#).bytes());
        data.extend(noise(1000, seed + 1));
    }
    let begin = Instant::now();
    assert_eq!(scanner.find("traffic", &data), []);
    let took = begin.elapsed();
    println!("{} bytes in {took:?}", data.len());
    assert!(took.as_secs() < 20, "{took:?}");
}

#[test]
fn keys_that_are_no_text() {
    let key = noise(16, 21);
    assert!(std::str::from_utf8(&key).is_err());
    let scanner = Scanner::new([("key", &key)]);
    let ways = |data: &[u8]| -> Vec<String> {
        scanner.find("here", data).into_iter().map(|finding| finding.how).collect()
    };
    for before in 0..3 {
        let mut data = noise(before, 5);
        data.extend_from_slice(&key);
        data.extend(noise(40, 6));
        assert_eq!(ways(&data), ["plain"]);
        assert!(ways(hex::encode(&data).as_bytes()).contains(&"hex".to_string()));
        for text in [STANDARD.encode(&data), URL_SAFE_NO_PAD.encode(&data)] {
            assert!(ways(text.as_bytes()).contains(&"base64 > plain".to_string()));
        }
    }
    assert!(ways(format!("{key:?}").as_bytes()).contains(&"byte list".to_string()));
    assert!(ways(&noise(5000, 77)).is_empty());
}
