//! Bytes to Unicode, where the declared charset may be missing or wrong.

use encoding_rs::{EUC_JP, Encoding, ISO_2022_JP, SHIFT_JIS, UTF_8};

/// Labels that promise ASCII: where other bytes stand, they say nothing.
const ASCII: &[&str] = &["us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us"];

/// Decodes a text by its declared charset where that works, else by what it looks like: UTF-8, then
/// the Japanese charsets. What is wrong in all of them becomes U+FFFD.
pub(super) fn decode(bytes: &[u8], declared: Option<&str>) -> String {
    let plain = bytes.iter().all(|byte| byte.is_ascii() && *byte != 0x1b);
    if plain {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    if let Some(text) = has_escapes(bytes).then(|| strictly(bytes, ISO_2022_JP)).flatten() {
        return text;
    }
    let declared = declared.map(|label| label.trim().to_ascii_lowercase());
    let declared = declared.filter(|label| !ASCII.contains(&label.as_str()));
    let declared = declared.and_then(|label| Encoding::for_label(label.as_bytes()));
    let by_label = declared.and_then(|encoding| strictly(bytes, encoding));
    let utf8 = std::str::from_utf8(bytes).ok();
    match (declared, by_label, utf8) {
        // A single-byte charset decodes anything, so it proves nothing.
        (Some(encoding), _, Some(utf8)) if encoding.is_single_byte() => utf8.to_string(),
        (_, Some(_), Some(utf8)) if utf8.chars().any(is_east_asian) => utf8.to_string(),
        (_, Some(text), _) => text,
        (_, None, Some(utf8)) => utf8.to_string(),
        (_, None, None) => japanese(bytes)
            .unwrap_or_else(|| UTF_8.decode_without_bom_handling(bytes).0.into_owned()),
    }
}

fn strictly(bytes: &[u8], encoding: &'static Encoding) -> Option<String> {
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(|text| text.strip_prefix('\u{feff}').unwrap_or(&text).to_string())
}

/// Of Shift_JIS and EUC-JP the one with fewer half-width katakana, which are what EUC-JP looks like
/// when it is read as Shift_JIS.
fn japanese(bytes: &[u8]) -> Option<String> {
    let candidates = [SHIFT_JIS, EUC_JP].into_iter().filter_map(|c| strictly(bytes, c));
    candidates.min_by_key(|text| text.chars().filter(|c| is_odd(*c)).count())
}

/// ISO-2022-JP is known by its escape sequences, which no other charset here has.
fn has_escapes(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| matches!(pair, [0x1b, b'$' | b'(']))
}

fn is_odd(c: char) -> bool {
    matches!(c, '\u{ff61}'..='\u{ff9f}' | '\u{e000}'..='\u{f8ff}' | '\u{80}'..='\u{9f}')
}

fn is_east_asian(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "はい、承認します。よろしくお願いいたします。";

    #[test]
    fn a_text_is_read_under_every_label_that_it_may_carry() {
        for written in [UTF_8, SHIFT_JIS, ISO_2022_JP, EUC_JP] {
            let (bytes, _, _) = written.encode(TEXT);
            for label in [
                None,
                Some("utf-8"),
                Some("UTF-8"),
                Some("us-ascii"),
                Some("iso-2022-jp"),
                Some("shift_jis"),
                Some("euc-jp"),
                Some("no-such-charset"),
                Some(""),
            ] {
                // A double-byte charset may read another one's bytes without an error.
                let fits = label.and_then(|l| Encoding::for_label(l.as_bytes()));
                let misread = fits.is_some_and(|fits| {
                    fits != written
                        && fits != encoding_rs::WINDOWS_1252
                        && written != UTF_8
                        && strictly(&bytes, fits).is_some()
                });
                assert!(
                    misread || decode(&bytes, label) == TEXT,
                    "{} as {label:?}",
                    written.name()
                );
            }
        }
    }

    #[test]
    fn a_short_answer_of_an_old_telephone_is_read() {
        for text in ["はい", "ﾊｲ", "承認", "取消"] {
            let (bytes, _, _) = SHIFT_JIS.encode(text);
            assert_eq!(decode(&bytes, Some("shift_jis")), text);
        }
        for text in ["はい", "承認"] {
            let (bytes, _, _) = SHIFT_JIS.encode(text);
            assert_eq!(decode(&bytes, Some("utf-8")), text);
            assert_eq!(decode(text.as_bytes(), Some("iso-8859-1")), text);
        }
    }

    #[test]
    fn western_text_stays_western() {
        assert_eq!(decode(b"caf\xe9", Some("iso-8859-1")), "café");
        assert_eq!(decode("café".as_bytes(), Some("iso-8859-1")), "café");
        assert_eq!(decode("café".as_bytes(), None), "café");
    }

    #[test]
    fn what_is_no_text_is_marked_and_nothing_fails() {
        assert!(decode(&[0xff, 0xfe, 0x00, 0x80], None).contains(|c: char| !c.is_ascii()));
        for byte in 0..=255u8 {
            decode(&[byte; 7], Some("iso-2022-jp"));
            decode(&[0x1b, b'$', byte, byte], None);
        }
    }
}
