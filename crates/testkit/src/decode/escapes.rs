//! Backslash escapes, as in JSON strings and in debug output, and percent-encoding. Stretches of
//! text are decoded as a whole, so that any mixture of escaped and plain characters is found.

use super::{Sink, text::runs};

pub(super) fn decode(data: &[u8], sink: &mut dyn Sink) {
    for text in runs(data, 8, &|b| b >= 0x20 && b != 0x7f || b"\t\r\n".contains(&b)) {
        if text.contains(&b'\\') {
            decode_with(text, "unescaped", b'\\', &backslash, sink);
        }
        if text.contains(&b'%') {
            decode_with(text, "percent-decoded", b'%', &percent, sink);
            if text.contains(&b'+') {
                let spaced: Vec<u8> =
                    text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
                decode_with(&spaced, "form-decoded", b'%', &percent, sink);
            }
        }
    }
}

/// Decodes the escape at a text's begin: appends what it means, and gives its length.
type Escape = dyn Fn(&[u8], &mut Vec<u8>) -> Option<usize>;

fn decode_with(text: &[u8], kind: &'static str, mark: u8, escape: &Escape, sink: &mut dyn Sink) {
    let mut out = Vec::with_capacity(text.len());
    let (mut at, mut changed) = (0, false);
    while at < text.len() {
        let length = if text[at] == mark { escape(&text[at..], &mut out) } else { None };
        match length {
            Some(length) => {
                at += length;
                changed = true;
            }
            None => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    if changed {
        sink.inside(kind, &out);
    }
}

fn percent(text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    out.push(u8::try_from(number(text.get(1..3)?)?).ok()?);
    Some(3)
}

fn backslash(text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let plain = match text.get(1)? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        b'0' => 0,
        byte @ (b'"' | b'\\' | b'/' | b'\'') => *byte,
        b'x' => {
            out.push(u8::try_from(number(text.get(2..4)?)?).ok()?);
            return Some(4);
        }
        b'u' => return unicode(text, out),
        _ => return None,
    };
    out.push(plain);
    Some(2)
}

/// `\uXXXX`, two of them for a character outside the basic plane, or Rust's `\u{X…}`.
fn unicode(text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let (code, length) = if text.get(2)? == &b'{' {
        let digits = text[3..].iter().take(7).position(|byte| *byte == b'}')?;
        (number(&text[3..3 + digits])?, digits + 4)
    } else {
        let first = number(text.get(2..6)?)?;
        let second = text
            .get(6..12)
            .filter(|pair| pair.starts_with(b"\\u"))
            .and_then(|pair| number(&pair[2..]));
        match (first, second) {
            (0xd800..0xdc00, Some(second @ 0xdc00..0xe000)) => {
                (0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00), 12)
            }
            _ => (first, 6),
        }
    };
    let character = char::from_u32(code)?;
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Some(length)
}

fn number(digits: &[u8]) -> Option<u32> {
    let all = digits.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(digits).ok()?;
    if all { u32::from_str_radix(text, 16).ok() } else { None }
}
