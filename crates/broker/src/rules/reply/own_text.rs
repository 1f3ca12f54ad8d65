//! What the author of a reply has written, without what the mail program put around it.

use super::words::fold;

/// A text, cut up.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cut {
    /// The author's own lines.
    pub(super) own: String,
    /// Lines that were taken for a quotation or a signature by what stood above them, not by a mark
    /// of their own: an answer may hide among them.
    pub(super) hidden: Vec<String>,
    /// Whether the text passes a mail on.
    pub(super) forwarded: bool,
}

/// Lines that programs put below a mail by themselves, folded.
const FOOTERS: &[&str] = &[
    "sent from my ",
    "sent from mail for ",
    "sent from outlook",
    "sent from yahoo",
    "sent from gmail",
    "sent with proton",
    "get outlook for ",
    "iphoneから送信",
    "ipadから送信",
    "androidから送信",
    "私のiphoneから送信",
    "outlook for ios",
    "outlook for android",
];

/// What stands above a mail that is passed on, folded and without rulers.
const FORWARDED: &[&str] = &[
    "forwarded message",
    "begin forwarded message",
    "転送メッセージ",
    "転送されたメッセージ",
    "転送メール",
    "以下、転送",
];

/// What stands above an original mail that is not marked line by line, folded, without rulers.
const ORIGINAL: &[&str] = &[
    "original message",
    "元のメッセージ",
    "元のメール",
    "オリジナルメッセージ",
    "original appointment",
];

/// How a line ends that says who wrote what follows, folded, without a colon.
const WROTE: &[&str] = &[
    "wrote",
    "さんは書きました",
    "さんが書きました",
    "は書きました",
    "が書きました",
    "さんの投稿",
    "のメール",
    "からのメール",
    "のメッセージ",
    "からのメッセージ",
    "より",
    "schrieb",
    "a écrit",
];

/// The first header of a copied mail, and those that may follow it, folded.
const FROM: &[&str] = &["from:", "差出人:", "送信者:", "送信元:", "*from:*"];
const AFTER_FROM: &[&str] =
    &["sent:", "date:", "to:", "subject:", "送信日時:", "日時:", "日付:", "宛先:", "件名:"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    Own,
    /// Below the delimiter of a signature: until a quotation begins.
    Signature,
    /// Below something that says that all the rest is a quotation.
    Quotation,
}

/// Cuts quotations, signatures and footers away.
pub(super) fn cut(text: &str) -> Cut {
    let lines: Vec<&str> = text.lines().collect();
    let folded: Vec<String> = lines.iter().map(|line| fold(line).trim().to_string()).collect();
    let mut cut = Cut::default();
    let mut at = Where::Own;
    let mut i = 0;
    while let (Some(line), Some(plain)) = (lines.get(i), folded.get(i)) {
        let mut taken = 1;
        if is_quoted(plain) {
            // Whoever writes below a quotation writes something of their own.
            at = Where::Own;
        } else if at == Where::Own {
            if begins_with_title(plain, FORWARDED) {
                cut.forwarded = true;
                at = Where::Quotation;
            } else if begins_with_title(plain, ORIGINAL) || is_copied_header(&folded, i) {
                at = Where::Quotation;
            } else if let Some(many) = attribution(&folded, i) {
                taken = many;
                let below = folded.iter().skip(i + many).find(|line| !line.is_empty());
                at = match below {
                    Some(below) if is_quoted(below) => Where::Own,
                    _ => Where::Quotation,
                };
            } else if is_signature(line) {
                at = Where::Signature;
            } else if !is_footer(plain) {
                cut.own.push_str(line);
                cut.own.push('\n');
            }
        } else {
            cut.forwarded |= begins_with_title(plain, FORWARDED);
            cut.hidden.push((*line).to_string());
        }
        i += taken;
    }
    cut
}

fn is_quoted(folded: &str) -> bool {
    // The full-width sign is folded to the plain one. Some Japanese programs put initials in front.
    let mark = folded.find('>');
    mark == Some(0)
        || mark.is_some_and(|i| i <= 3 && folded.chars().take(i).all(char::is_alphabetic))
}

/// Whether a line is one of the titles, perhaps between rulers.
fn begins_with_title(folded: &str, titles: &[&str]) -> bool {
    let bare = folded.trim_start_matches(is_ruler).trim_end_matches([':', ' ']);
    let bare = bare.trim_end_matches(is_ruler).trim_end_matches(':');
    titles.contains(&bare)
}

fn is_ruler(c: char) -> bool {
    matches!(c, '-' | '_' | '=' | '*' | '~' | '+' | '#' | ' ' | '|')
        || matches!(c, '─' | '━' | '―' | '—' | '–' | '＿' | '◆' | '◇' | '■' | '□' | '☆' | '★')
        || matches!(c, '‐' | 'ー' | '∞' | '･' | '・' | '┌' | '┐' | '└' | '┘')
}

/// RFC 3676's delimiter `-- `, also without its space, and the rulers of Japanese signatures.
fn is_signature(line: &str) -> bool {
    let line = line.trim();
    line == "--" || line.chars().count() >= 5 && line.chars().all(is_ruler)
}

fn is_footer(folded: &str) -> bool {
    FOOTERS.iter().any(|footer| folded.starts_with(footer))
}

fn starts_with_any(folded: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| folded.starts_with(start))
}

/// A block of headers, as some programs copy it above the original.
fn is_copied_header(folded: &[String], i: usize) -> bool {
    folded.get(i).is_some_and(|line| starts_with_any(line, FROM))
        && folded.iter().skip(i + 1).take(4).any(|line| starts_with_any(line, AFTER_FROM))
}

/// How many lines from `i` on say who wrote what follows: `On Sat, 21 Nov 2026 … wrote:`, which
/// programs break into up to three, or a date and an address before a colon.
fn attribution(folded: &[String], i: usize) -> Option<usize> {
    for many in 1..=3 {
        let lines = folded.get(i..i + many)?;
        if lines.iter().any(String::is_empty) {
            return None;
        }
        let joined = lines.join(" ");
        let Some(before) = joined.strip_suffix(':') else {
            if many == 1 && WROTE.iter().skip(1).take(4).any(|end| joined.ends_with(end)) {
                return Some(1);
            }
            continue;
        };
        let names_time = before.chars().any(|c| c.is_ascii_digit());
        let says_wrote = WROTE.iter().any(|end| before.trim_end().ends_with(end));
        let names_author = before.contains('@') || says_wrote;
        if names_author && (names_time || says_wrote) {
            return Some(many);
        }
    }
    None
}
