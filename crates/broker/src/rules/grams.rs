//! The pieces by which texts are found, so that typing errors are forgiven and Japanese needs no
//! dictionary: pairs of characters of Japanese, threes of everything else.

use unicode_normalization::UnicodeNormalization;

/// Marks the ends of a word, so that short words have pieces too, and a whole word one of its own. It
/// is no ASCII character: the index takes those as parts of a piece.
const EDGE: char = '·';
/// Marks a whole word.
const WHOLE: char = '§';
/// The longest text that is looked at, in characters.
const MOST: usize = 20_000;

/// One spelling for one text: NFKC, lower case, hiragana for katakana, Latin letters without their
/// accents.
pub fn folded(text: &str) -> String {
    text.nfkc().take(MOST).flat_map(char::to_lowercase).map(plain).collect()
}

fn plain(character: char) -> char {
    match character {
        // Katakana lie 96 code points above their hiragana (Unicode, 3040 to 30FF).
        'ァ'..='ヶ' => char::from_u32(u32::from(character) - 0x60).unwrap_or(character),
        '\u{c0}'..='\u{24f}' => {
            std::iter::once(character).nfd().next().filter(char::is_ascii).unwrap_or(character)
        }
        other => other,
    }
}

/// The pieces of a text that is to be found, each once, in order of their code points.
pub fn grams(text: &str) -> Vec<String> {
    split(text, true)
}

/// The pieces of what is looked for. A single Japanese character is one only where it stands alone:
/// within a word it would find too much.
pub fn wanted(text: &str) -> Vec<String> {
    split(text, false)
}

fn split(text: &str, singles: bool) -> Vec<String> {
    let folded = folded(text);
    let mut found = Vec::new();
    let mut run = String::new();
    let mut japanese = false;
    for character in folded.chars().chain([' ']) {
        let kind = kind(character);
        if kind != Some(japanese) && !run.is_empty() {
            pieces(&run, japanese, singles, &mut found);
            run.clear();
        }
        if let Some(of) = kind {
            japanese = of;
            run.push(character);
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether a character is Japanese, another letter or digit, or neither.
fn kind(character: char) -> Option<bool> {
    match character {
        // Hiragana, katakana and their marks, ideographs.
        '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => {
            (character.is_alphanumeric() || character == 'ー').then_some(true)
        }
        other => other.is_alphanumeric().then_some(false),
    }
}

fn pieces(run: &str, japanese: bool, singles: bool, found: &mut Vec<String>) {
    let mut characters: Vec<char> = run.chars().collect();
    let size = if japanese { 2 } else { 3 };
    if japanese && characters.len() < size {
        found.push(run.to_string());
        return;
    }
    if !japanese {
        found.push(format!("{WHOLE}{run}"));
        characters.insert(0, EDGE);
        characters.push(EDGE);
    }
    found.extend(characters.windows(size).map(|piece| piece.iter().collect::<String>()));
    if japanese && singles {
        found.extend(characters.iter().map(ToString::to_string));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_both_scripts() {
        assert_eq!(grams("Tea!"), ["ea·", "tea", "§tea", "·te"]);
        assert_eq!(grams("温泉"), ["泉", "温", "温泉"]);
        assert_eq!((wanted("温泉"), wanted("湯")), (vec!["温泉".to_string()], grams("湯")));
        assert_eq!(grams("ｺｰﾋｰ"), grams("こーひー"));
        assert_eq!(grams("Café"), grams("CAFE"));
        assert_eq!(grams("　、 !\" "), Vec::<String>::new());
        assert!(grams("A-1泊2食").contains(&"§1".to_string()));
    }

    #[test]
    fn a_slip_leaves_pieces_in_common() {
        for (right, slip) in [("concert", "concrt"), ("温泉旅館", "温泉旅舘"), ("tea", "tee")]
        {
            let right = grams(right);
            assert!(grams(slip).iter().any(|gram| right.contains(gram)), "{slip}");
        }
    }
}
