//! Texts that people copy from a letter or say at a counter: one alphabet without letters that are
//! taken for digits (Crockford's base 32), and a check character (Luhn mod 32), so that a slip of the
//! pen is found.

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Characters of a letter's one-time code, the check character included: 95 random bits.
pub const CODE_LENGTH: usize = 20;
/// Characters of a top-up's reference, the check character included.
pub const REFERENCE_LENGTH: usize = 8;

/// As many characters as there are random bytes, and the check character.
pub fn spell(random: &[u8]) -> String {
    let mut values: Vec<u32> = random.iter().map(|byte| u32::from(byte & 31)).collect();
    values.push(0);
    let check = (32 - sum(&values)) % 32;
    if let Some(last) = values.last_mut() {
        *last = check;
    }
    values.iter().map(|value| char::from(ALPHABET[*value as usize & 31])).collect()
}

/// What was meant by a text that a person has written; none if it cannot be right. Case, spaces and
/// hyphens do not matter, and O, I and L stand for the digits that they look like.
pub fn read(text: &str, length: usize) -> Option<String> {
    let plain: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    let value = |c: char| ALPHABET.iter().position(|known| char::from(*known) == c);
    let values: Vec<u32> =
        plain.chars().map(|c| value(c).map(|v| v as u32)).collect::<Option<_>>()?;
    (values.len() == length && sum(&values) == 0).then_some(plain)
}

/// The text in groups of four.
pub fn grouped(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let groups: Vec<String> = characters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

/// Luhn's sum in base 32; zero for a text with its check character.
fn sum(values: &[u32]) -> u32 {
    let weigh = |(place, value): (usize, &u32)| {
        let weighed = value << (place % 2);
        weighed / 32 + weighed % 32
    };
    values.iter().rev().enumerate().map(weigh).sum::<u32>() % 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slip_of_one_character_is_found() {
        let code = spell(&[7, 200, 31, 0, 15, 99, 3]);
        assert_eq!(code.len(), REFERENCE_LENGTH);
        let shown = grouped(&code).to_lowercase();
        assert_eq!(read(&format!(" {shown} "), REFERENCE_LENGTH).as_deref(), Some(code.as_str()));
        for place in 0..code.len() {
            for other in ALPHABET {
                let mut wrong = code.clone().into_bytes();
                if wrong[place] == *other {
                    continue;
                }
                wrong[place] = *other;
                let wrong = String::from_utf8(wrong).unwrap();
                assert_eq!(read(&wrong, REFERENCE_LENGTH), None, "{wrong}");
            }
        }
        assert_eq!(read(&code[1..], REFERENCE_LENGTH), None);
        assert_eq!(read("あいうえおかきく", REFERENCE_LENGTH), None);
    }

    #[test]
    fn letters_that_look_like_digits_are_digits() {
        let code = spell(&[0, 1, 1, 0]);
        let sloppy = code.replace('0', "o").replace('1', "l");
        assert_eq!(read(&sloppy, 5), Some(code));
    }
}
