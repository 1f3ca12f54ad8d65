//! The words that a reply may consist of. Whole clauses are compared, never parts of one: so `do not
//! cancel` is neither a no nor a yes.

/// A clause that approves.
const YES: &[&str] = &[
    "yes",
    "yes please",
    "yep",
    "yeah",
    "y",
    "ok",
    "okay",
    "sure",
    "fine",
    "go ahead",
    "approve",
    "approved",
    "i approve",
    "i approve the order",
    "confirm",
    "confirmed",
    "i confirm",
    "i confirm the order",
    "agreed",
    "i agree",
    "looks good",
    "はい",
    "ハイ",
    "ﾊｲ",
    "ok です",
    "okです",
    "オーケー",
    "承認",
    "承認します",
    "承認する",
    "承認いたします",
    "承認致します",
    "承諾します",
    "了解",
    "了解です",
    "了解します",
    "了解しました",
    "了解いたしました",
    "承知しました",
    "承知いたしました",
    "確認しました",
    "注文します",
    "注文を承認します",
    "注文を確定します",
    "確定します",
    "それでお願いします",
    "これでお願いします",
];

/// A clause that cancels.
const NO: &[&str] = &[
    "no",
    "no thanks",
    "no thank you",
    "nope",
    "n",
    "cancel",
    "cancel it",
    "cancel this",
    "cancel order",
    "cancel the order",
    "cancel this order",
    "cancel my order",
    "please cancel",
    "please cancel it",
    "please cancel the order",
    "please cancel this order",
    "please cancel my order",
    "i cancel",
    "i cancel the order",
    "cancelled",
    "canceled",
    "reject",
    "decline",
    "stop",
    "いいえ",
    "いえ",
    "キャンセル",
    "ｷｬﾝｾﾙ",
    "キャンセルします",
    "キャンセルする",
    "キャンセルで",
    "キャンセルです",
    "キャンセルしてください",
    "キャンセルして下さい",
    "キャンセルお願いします",
    "キャンセルでお願いします",
    "キャンセルをお願いします",
    "注文をキャンセルします",
    "注文をキャンセルしてください",
    "取消",
    "取消し",
    "取り消し",
    "取消します",
    "取り消します",
    "取消してください",
    "取り消してください",
    "取り消して下さい",
    "注文を取り消します",
    "注文を取り消してください",
    "中止",
    "中止します",
    "中止してください",
    "中止して下さい",
    "やめます",
    "やめてください",
    "不要です",
    "承認しません",
];

/// A clause that asks to go on with whatever else is said, and approves where nothing else is.
const ASKING: &[&str] = &["お願いします", "お願いいたします", "お願い致します", "おねがいします"];

/// A clause that says neither: politeness.
const POLITE: &[&str] = &[
    "hi",
    "hello",
    "please",
    "thanks",
    "thank you",
    "thank you very much",
    "many thanks",
    "thx",
    "regards",
    "best regards",
    "kind regards",
    "best",
    "cheers",
    "こんにちは",
    "お世話になります",
    "お世話になっています",
    "お世話になっております",
    "いつもお世話になっております",
    "ありがとう",
    "ありがとうございます",
    "よろしく",
    "よろしくお願いします",
    "よろしくお願いいたします",
    "よろしくお願い致します",
    "宜しくお願いします",
    "宜しくお願いいたします",
    "宜しくお願い致します",
    "以上",
    "以上です",
    "すみません",
    "申し訳ありません",
    "sorry",
];

/// What a subject may begin with when our mail is passed on.
const FORWARDS: &[&str] = &["fwd:", "fw:", "wg:", "tr:", "転送:", "[fwd:"];
/// What a subject may begin with when our mail is answered.
const REPLIES: &[&str] = &["re:", "aw:", "sv:", "返信:", "回复:", "re："];

/// What the clauses of a text say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Yes,
    No,
    /// Both, neither, or something that is not in the lists.
    Other,
}

/// Reads a text whose quotations are cut away.
pub(super) fn verdict(text: &str) -> Verdict {
    let text = fold(text);
    // A question is no answer.
    if text.contains('?') {
        return Verdict::Other;
    }
    let (mut yes, mut no, mut asking) = (false, false, false);
    for clause in text.split(is_border).map(squeezed).filter(|clause| !clause.is_empty()) {
        if YES.contains(&clause.as_str()) {
            yes = true;
        } else if NO.contains(&clause.as_str()) {
            no = true;
        } else if ASKING.contains(&clause.as_str()) {
            asking = true;
        } else if !POLITE.contains(&clause.as_str()) {
            return Verdict::Other;
        }
    }
    match (yes, no) {
        (true, false) => Verdict::Yes,
        (false, true) => Verdict::No,
        (false, false) if asking => Verdict::Yes,
        _ => Verdict::Other,
    }
}

/// Whether a line says no and nothing else.
pub(super) fn says_no(line: &str) -> bool {
    verdict(line) == Verdict::No
}

/// Takes `Re:` and `Fwd:` from the front of a subject; `true` if one of them was a forward's.
pub(super) fn without_prefixes(subject: &str) -> (bool, String) {
    let folded = fold(subject);
    let mut rest = folded.trim();
    let mut forwarded = false;
    loop {
        let is_forward = FORWARDS.iter().find_map(|prefix| rest.strip_prefix(prefix));
        let next = is_forward.or_else(|| REPLIES.iter().find_map(|p| rest.strip_prefix(p)));
        forwarded |= is_forward.is_some();
        match next {
            Some(next) => rest = next.trim_start(),
            None => return (forwarded, rest.to_string()),
        }
    }
}

/// Lower case, full-width Latin as plain Latin, typographic apostrophes as plain ones, and no
/// characters that nobody sees.
pub(super) fn fold(text: &str) -> String {
    let plain = |c: char| match c {
        '\u{3000}' | '\u{a0}' | '\t' => Some(' '),
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0),
        '\u{2018}' | '\u{2019}' => Some('\''),
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' => None,
        '\u{feff}' | '\u{ad}' | '\r' => None,
        _ => Some(c),
    };
    text.chars().filter_map(plain).flat_map(char::to_lowercase).collect()
}

/// What stands between clauses. The middle dot and the long vowel sign are parts of words.
fn is_border(c: char) -> bool {
    matches!(
        c,
        '\n' | '.'
            | ','
            | '!'
            | ';'
            | ':'
            | '。'
            | '、'
            | '．'
            | '，'
            | '…'
            | '「'
            | '」'
            | '｡'
            | '､'
    ) || matches!(c, '"' | '(' | ')' | '*' | '\u{201c}' | '\u{201d}')
}

fn squeezed(clause: &str) -> String {
    clause.split_whitespace().collect::<Vec<_>>().join(" ")
}
