//! Public identifiers in one canonical form (row A3).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};
use unicode_normalization::UnicodeNormalization;

/// What a part of an identifier is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// The name of a person or a shop.
    Name = 1,
    /// A postal address.
    Address = 2,
    /// A mail address.
    Mail = 3,
    /// A domain name.
    Domain = 4,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Name, Kind::Address, Kind::Mail, Kind::Domain];

    fn word(self) -> &'static str {
        match self {
            Kind::Name => "name",
            Kind::Address => "address",
            Kind::Mail => "mail",
            Kind::Domain => "domain",
        }
    }
}

/// What is wrong with an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierError {
    /// A part does not begin with `name:`, `address:`, `mail:` or `domain:`.
    #[error("an identifier's part begins with name:, address:, mail: or domain:")]
    UnknownKind,
    /// The same kind stands twice.
    #[error("an identifier has at most one part of each kind")]
    RepeatedKind,
    /// A part is empty, over 256 bytes, or holds a control character or `|`.
    #[error("an identifier's part is 1 to 256 bytes without control characters and |")]
    BadPart,
    /// The mail address is not `local@domain`.
    #[error("not a mail address")]
    BadMail,
    /// The domain is not valid under UTS #46.
    #[error("not a domain name")]
    BadDomain,
    /// The text means an identifier, but is not its canonical form.
    #[error("the identifier is not in canonical form")]
    NotCanonical,
}

/// A public identifier: a name, a postal address, a mail address, a domain name, or a combination,
/// in canonical form.
///
/// As text, parts are `kind:value` in the order of [`Kind`], joined by `|`:
/// `mail:hanako@example.jp`, `name:山田花子|address:東京都港区1-2-3`. Values are NFKC (the Unicode
/// version is that of the pinned normalization crate), white space is one space, mail addresses and
/// domains are lower case, domains are in their ASCII form (UTS #46).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier {
    text: String,
}

impl Identifier {
    /// From any spelling to the canonical form.
    pub fn parse(text: &str) -> Result<Identifier, IdentifierError> {
        let mut parts: Vec<(Kind, String)> = Vec::new();
        for part in text.split('|') {
            let (word, value) = part.split_once(':').ok_or(IdentifierError::UnknownKind)?;
            let kind = Kind::ALL
                .into_iter()
                .find(|kind| kind.word() == word.trim())
                .ok_or(IdentifierError::UnknownKind)?;
            if parts.iter().any(|(other, _)| *other == kind) {
                return Err(IdentifierError::RepeatedKind);
            }
            parts.push((kind, canonical_value(kind, value)?));
        }
        parts.sort();
        let texts: Vec<String> =
            parts.iter().map(|(kind, value)| format!("{}:{value}", kind.word())).collect();
        Ok(Identifier { text: texts.join("|") })
    }

    /// As [`Identifier::parse`], but refuses a text that is not canonical already. Messages carry
    /// canonical identifiers only, so that there is one spelling on the wire.
    pub fn parse_canonical(text: &str) -> Result<Identifier, IdentifierError> {
        if is_plain(text) {
            return Ok(Identifier { text: text.to_string() });
        }
        let parsed = Identifier::parse(text)?;
        if parsed.text == text { Ok(parsed) } else { Err(IdentifierError::NotCanonical) }
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parts, in canonical order.
    pub fn parts(&self) -> impl Iterator<Item = (Kind, &str)> {
        self.text.split('|').filter_map(|part| {
            let (word, value) = part.split_once(':')?;
            let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word)?;
            Some((kind, value))
        })
    }

    /// Appends the bytes that points are hashed from: for each part its kind (1 byte), its length
    /// (4 bytes, big endian) and its UTF-8.
    pub fn write_canonical(&self, out: &mut Vec<u8>) {
        for (kind, value) in self.parts() {
            out.push(kind as u8);
            out.extend_from_slice(&(value.len() as u32).to_be_bytes());
            out.extend_from_slice(value.as_bytes());
        }
    }

    /// The shape that a person sees: two identifiers of one skeleton look alike (UTS #39), and the
    /// center issues only the first.
    pub fn skeleton(&self) -> String {
        let shape: Vec<String> = self
            .parts()
            .map(|(kind, value)| {
                let shown = match kind {
                    Kind::Domain => idna::domain_to_unicode(value).0,
                    Kind::Mail => match value.split_once('@') {
                        Some((local, domain)) => {
                            format!("{local}@{}", idna::domain_to_unicode(domain).0)
                        }
                        None => value.to_string(),
                    },
                    Kind::Name | Kind::Address => value.to_string(),
                };
                let folded = shown.to_lowercase().replace(' ', "");
                let skeleton: String =
                    unicode_security::confusable_detection::skeleton(&folded).collect();
                format!("{}:{}", kind.word(), skeleton.to_lowercase())
            })
            .collect();
        shape.join("|")
    }
}

/// Whether a text is a domain or a mail address, alone and of plain lower case letters, figures and
/// hyphens: most are, and those that are stand in canonical form.
fn is_plain(text: &str) -> bool {
    match text.split_once(':') {
        Some(("domain", domain)) => is_plain_domain(domain),
        Some(("mail", mail)) => {
            mail.len() <= 256 && mail.split_once('@').is_some_and(is_plain_mail)
        }
        _ => false,
    }
}

fn is_plain_mail((local, domain): (&str, &str)) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.';
    !local.is_empty() && local.bytes().all(plain) && is_plain_domain(domain)
}

/// UTS #46 has more to say of labels with hyphens in the third and fourth place, as `xn--` has.
fn is_plain_domain(domain: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    domain.len() <= 253
        && domain.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(plain)
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.get(2..4) != Some("--")
        })
}

fn canonical_value(kind: Kind, value: &str) -> Result<String, IdentifierError> {
    let spaced = normal(value.to_string()).split_whitespace().collect::<Vec<_>>().join(" ");
    let canonical = match kind {
        Kind::Name | Kind::Address => spaced,
        Kind::Domain => canonical_domain(&spaced)?,
        Kind::Mail => {
            let (local, domain) = spaced.rsplit_once('@').ok_or(IdentifierError::BadMail)?;
            let plain = !local.is_empty()
                && !local.contains(|c: char| c.is_whitespace() || "@\"()<>[],;:\\".contains(c));
            if !plain {
                return Err(IdentifierError::BadMail);
            }
            format!("{}@{}", local.to_lowercase(), canonical_domain(domain)?)
        }
    };
    // Lower case may undo the normal form, so it is taken once more.
    let canonical = normal(canonical);
    let good = (1..=256).contains(&canonical.len())
        && !canonical.contains(|c: char| c.is_control() || c == '|');
    if good { Ok(canonical) } else { Err(IdentifierError::BadPart) }
}

/// In normal form NFKC; ASCII is, as it stands, and most identifiers are ASCII.
fn normal(text: String) -> String {
    if text.is_ascii() { text } else { text.nfkc().collect() }
}

fn canonical_domain(text: &str) -> Result<String, IdentifierError> {
    let ascii = idna::domain_to_ascii_strict(text.trim_end_matches('.'))
        .map_err(|_| IdentifierError::BadDomain)?;
    if ascii.is_empty() { Err(IdentifierError::BadDomain) } else { Ok(ascii) }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifier({})", self.text)
    }
}

impl FromStr for Identifier {
    type Err = IdentifierError;
    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        Identifier::parse(text)
    }
}

impl Serialize for Identifier {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Identifier {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Identifier::parse_canonical(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(text: &str) -> Identifier {
        Identifier::parse(text).unwrap()
    }

    #[test]
    fn one_form_for_one_identifier() {
        for (spelling, canonical) in [
            ("mail:Hanako@Example.JP", "mail:hanako@example.jp"),
            ("domain:SHOP.Example.", "domain:shop.example"),
            ("domain:日本.jp", "domain:xn--wgv71a.jp"),
            ("name:山田\u{3000}花子", "name:山田 花子"),
            ("address:東京都港区芝１－２－３", "address:東京都港区芝1-2-3"),
            ("name:ﾔﾏﾀﾞ", "name:ヤマダ"),
            ("address:1 High St|name: Ann  Lee", "name:Ann Lee|address:1 High St"),
        ] {
            assert_eq!(id(spelling).as_str(), canonical);
            assert_eq!(id(canonical), id(spelling));
        }
    }

    #[test]
    fn bad_identifiers_are_named() {
        use IdentifierError::*;
        for (text, error) in [
            ("hanako", UnknownKind),
            ("phone:1", UnknownKind),
            ("name:a|name:b", RepeatedKind),
            ("name:", BadPart),
            ("name:a\u{7}", BadPart),
            ("mail:nobody", BadMail),
            ("mail:@example.jp", BadMail),
            ("domain:a..b", BadDomain),
            ("domain:-", BadDomain),
        ] {
            assert_eq!(Identifier::parse(text), Err(error), "{text}");
        }
        assert_eq!(Identifier::parse_canonical("mail:A@b.jp"), Err(NotCanonical));
    }

    #[test]
    fn look_alikes_share_a_skeleton() {
        assert_eq!(id("domain:раураl.example").skeleton(), id("domain:paypal.example").skeleton());
        assert_eq!(id("name:カ一ド").skeleton(), id("name:カード").skeleton());
        assert_ne!(id("name:佐藤").skeleton(), id("name:加藤").skeleton());
    }

    #[test]
    fn parts_cannot_be_shifted_between_kinds() {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        id("name:ab|address:c").write_canonical(&mut a);
        id("name:a|address:bc").write_canonical(&mut b);
        assert_ne!(a, b);
    }

    /// What [`Identifier::parse_canonical`] takes without a closer look, the closer look takes too.
    fn agrees(text: &str) -> bool {
        !is_plain(text) || Identifier::parse(text).is_ok_and(|parsed| parsed.text == text)
    }

    #[test]
    fn what_is_plain_is_canonical() {
        for text in ["domain:shop.example", "mail:hanako.1@a-b.example", "domain:7.8", "domain:a"] {
            assert!(is_plain(text) && agrees(text), "{text}");
        }
        let long = format!("domain:{}", ["a"; 127].join("."));
        assert!(is_plain(&long) && agrees(&long));
        for text in [
            "domain:xn--wgv71a.jp",
            "domain:-a",
            "domain:a-",
            "domain:a.",
            "domain:A",
            "domain:ab--c",
            "domain:a.b|mail:c@d",
            "mail:a b@c",
            "mail:a@b@c",
            "mail:@a",
            "name:a",
            &format!("domain:{}", ["a"; 128].join(".")),
            &format!("domain:{}", "a".repeat(64)),
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn plain_is_canonical(text in "(domain:|mail:[a-z0-9.]{0,3}@)[a-z0-9.@-]{0,9}(xn--[a-z0-9]{2})?") {
            prop_assert!(agrees(&text), "{text}");
        }

        #[test]
        fn canonical_form_is_stable(text in "(name|address|mail|domain):\\PC{1,40}") {
            if let Ok(first) = Identifier::parse(&text) {
                prop_assert_eq!(Identifier::parse_canonical(first.as_str()), Ok(first.clone()));
            }
        }
    }
}
