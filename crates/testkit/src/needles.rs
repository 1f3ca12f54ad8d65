//! The forms in which a canary is looked for directly.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use std::fmt::Write;

/// A form's name, and the value in that form.
pub(crate) type Form = (&'static str, Vec<u8>);

/// Every form of a value. The search ignores the case of ASCII letters, so hexadecimal digits and
/// `\u` escapes are here in one case only.
pub(crate) fn forms(value: &[u8]) -> Vec<Form> {
    let mut forms = vec![
        ("plain", value.to_vec()),
        ("hex", hex::encode(value).into_bytes()),
        ("byte list", byte_list(value, ", ").into_bytes()),
        ("byte list", byte_list(value, ",").into_bytes()),
    ];
    push_base64(&mut forms, value);
    // What is not UTF-8, such as a key, has no other spellings.
    if let Ok(text) = std::str::from_utf8(value) {
        push_spellings(&mut forms, text);
    }
    forms
}

/// The spellings that only text has.
fn push_spellings(forms: &mut Vec<Form>, value: &str) {
    forms.extend([
        ("json escaped", json_escaped(value, false).into_bytes()),
        ("json escaped", json_escaped(value, false).replace('/', "\\/").into_bytes()),
        ("json \\u escaped", json_escaped(value, true).into_bytes()),
        ("json \\u escaped", all_u_escaped(value).into_bytes()),
        ("utf-16le", value.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("utf-16be", value.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("percent", percent(value, unreserved).into_bytes()),
        ("percent", percent(value, |b| unreserved(b) || b"!$&'()*+,;=:@/?".contains(&b)).into()),
        ("percent", percent(value, |_| false).into_bytes()),
        ("form", percent(value, |b| unreserved(b) || b == b' ').replace(' ', "+").into_bytes()),
    ]);
    // Base64 is the one form in which another case of the value looks wholly different.
    for cased in [value.to_lowercase(), value.to_uppercase()] {
        push_base64(forms, cased.as_bytes());
    }
}

fn push_base64(forms: &mut Vec<Form>, value: &[u8]) {
    for shift in 0..3 {
        forms.push(("base64", base64_inner(&STANDARD_NO_PAD, value, shift)));
        forms.push(("base64url", base64_inner(&URL_SAFE_NO_PAD, value, shift)));
    }
}

fn json_escaped(value: &str, ascii_only: bool) -> String {
    let mut out = String::new();
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if c.is_control() || (ascii_only && !c.is_ascii()) => push_u_escape(&mut out, c),
            _ => out.push(c),
        }
    }
    out
}

fn all_u_escaped(value: &str) -> String {
    let mut out = String::new();
    value.chars().for_each(|c| push_u_escape(&mut out, c));
    out
}

fn push_u_escape(out: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        write!(out, "\\u{unit:04x}").expect("a String takes all");
    }
}

fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn percent(value: &str, keep: impl Fn(u8) -> bool) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        if keep(byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a String takes all");
        }
    }
    out
}

/// As a log prints bytes, and as JSON writes them when nobody chose an encoding.
fn byte_list(value: &[u8], separator: &str) -> String {
    value.iter().map(|byte| byte.to_string()).collect::<Vec<_>>().join(separator)
}

/// The characters of a base64 text that depend on the value alone, when the value begins `shift`
/// bytes after a group's begin.
fn base64_inner(engine: &impl Engine, value: &[u8], shift: usize) -> Vec<u8> {
    let mut shifted = vec![0; shift];
    shifted.extend_from_slice(value);
    let mut text = engine.encode(&shifted).into_bytes();
    if !(shifted.len() * 8).is_multiple_of(6) {
        text.pop();
    }
    text.drain(..(shift * 8).div_ceil(6));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inner_part_of_base64_is_in_every_encoding_of_its_alignment() {
        for before in 0..9 {
            for after in 0..4 {
                let mut text = vec![0xa7; before];
                text.extend_from_slice(b"canary-17!");
                text.extend(vec![0x5c; after]);
                let encoded = STANDARD_NO_PAD.encode(&text);
                let inner = base64_inner(&STANDARD_NO_PAD, b"canary-17!", before % 3);
                assert!(encoded.contains(std::str::from_utf8(&inner).unwrap()), "{before} {after}");
                assert!(inner.len() >= 12);
            }
        }
    }
}
