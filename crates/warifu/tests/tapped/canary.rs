//! What a canary is, and where values nobody has seen before come from.

use std::collections::BTreeSet;
use warifu_protocol::encode::sha256;

/// A value that only some parties may ever hold where it can be read.
#[derive(Clone)]
pub struct Canary {
    /// The trade and the field, or whose secret it is: `card: holder_name`.
    pub name: String,
    /// The value.
    pub value: Vec<u8>,
    /// Whose own documents may hold it. Sockets, files and logs never may.
    pub may: BTreeSet<&'static str>,
    /// Whose own documents do hold it: who can read nothing proves nothing.
    pub must: BTreeSet<&'static str>,
}

impl Canary {
    /// A value that these parties keep, and nobody else.
    pub fn of(name: &str, value: impl Into<Vec<u8>>, owners: &[&'static str]) -> Canary {
        let must: BTreeSet<_> = owners.iter().copied().collect();
        Canary { name: name.to_string(), value: value.into(), may: must.clone(), must }
    }

    /// A value that nobody keeps.
    pub fn nobodys(name: &str, value: impl Into<Vec<u8>>) -> Canary {
        Canary::of(name, value, &[])
    }

    /// Who kept it need not keep it any more.
    pub fn that_may_be_gone(mut self) -> Canary {
        self.must.clear();
        self
    }

    /// These parties may keep it, too.
    pub fn seen_by(mut self, others: &[&'static str]) -> Canary {
        self.may.extend(others);
        self
    }
}

/// Values that stand nowhere else, drawn from a seed.
pub struct Source {
    seed: Vec<u8>,
    drawn: u64,
}

impl Source {
    /// A source of its own for `what` below `seed`.
    pub fn new(seed: &[u8; 32], what: &str) -> Source {
        Source { seed: [seed, what.as_bytes()].concat(), drawn: 0 }
    }

    fn bytes(&mut self) -> [u8; 32] {
        self.drawn += 1;
        sha256(&[&self.seed, &self.drawn.to_be_bytes()[..]].concat()).0
    }

    /// So many lower-case letters, at most 32.
    pub fn letters(&mut self, count: usize) -> String {
        self.bytes()[..count].iter().map(|byte| char::from(b'a' + byte % 26)).collect()
    }

    /// So many digits, at most 32; the first is not 0.
    pub fn digits(&mut self, count: usize) -> String {
        let digits = self.bytes();
        let first = char::from(b'1' + digits[0] % 9);
        let rest = digits[1..count].iter().map(|byte| char::from(b'0' + byte % 10));
        std::iter::once(first).chain(rest).collect()
    }

    /// A card number of 16 digits with a good check digit (ISO/IEC 7812).
    pub fn card_number(&mut self) -> String {
        let body = self.digits(15);
        (0..10)
            .map(|check| format!("{body}{check}"))
            .find(|number| warifu_protocol::value::is_card_number(number))
            .unwrap()
    }
}
