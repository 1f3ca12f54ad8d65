//! Spelling of secrets that travel in addresses: 160 bits in lower-case base 32, since mail servers
//! may fold the case of an address.

use zeroize::Zeroizing;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of a token.
pub const LENGTH: usize = 32;

/// The first 160 bits of a keyed hash, 43 characters of unpadded base64url as the store gives it. None
/// for a text that is no such hash.
pub fn of_hash(hash: &str) -> Option<Zeroizing<String>> {
    let mut bits: u64 = 0;
    let mut count = 0;
    let mut token = Zeroizing::new(String::with_capacity(LENGTH));
    for byte in hash.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u64::from(value);
        count += 6;
        while count >= 5 && token.len() < LENGTH {
            count -= 5;
            token.push(char::from(ALPHABET[(bits >> count & 31) as usize]));
        }
        bits &= 63;
    }
    (token.len() == LENGTH).then_some(token)
}

/// Random bytes as a token: five bits of each of the first 32.
pub fn of_random(random: &[u8; 32]) -> Zeroizing<String> {
    Zeroizing::new(random.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect())
}

/// A one-time code that people copy: 20 characters in groups of four, 100 bits.
pub fn code(random: &[u8; 32]) -> Zeroizing<String> {
    let text = of_random(random).to_ascii_uppercase();
    let groups: Vec<&str> =
        [0, 4, 8, 12, 16].iter().filter_map(|at| text.get(*at..at + 4)).collect();
    Zeroizing::new(groups.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_first_160_bits() {
        assert_eq!(of_hash(&"A".repeat(43)).unwrap().as_str(), "0".repeat(32));
        assert_eq!(of_hash(&"_".repeat(43)).unwrap().as_str(), "z".repeat(32));
        // 000001 000010 000011 …: five bits at a time.
        assert!(of_hash(&format!("BCD{}", "A".repeat(40))).unwrap().starts_with("0ggc"));
        let mut all = std::collections::BTreeSet::new();
        for place in 0..26 {
            let hash = format!("{}B{}", "A".repeat(place), "A".repeat(42 - place));
            assert!(all.insert(of_hash(&hash).unwrap().to_string()), "{place}");
        }
        assert_eq!(of_hash("AAAA"), None);
        assert_eq!(of_hash(&"=".repeat(43)), None);
        assert_eq!(code(&[0; 32]).as_str(), "0000-0000-0000-0000-0000");
    }
}
