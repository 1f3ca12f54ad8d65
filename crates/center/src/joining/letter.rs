//! The letter to print and post (row B2): a page of its own, without anything from outside.

use super::records::Membership;
use crate::rules::codes::grouped;
use std::fmt;
use warifu_protocol::{enrolment::fingerprint, telegram::Profile, trust::Anchors};
use zeroize::Zeroizing;

const ENGLISH: &str = include_str!("letter_en.html");
const JAPANESE: &str = include_str!("letter_ja.html");

/// A letter. Its code is nowhere else: what is not printed is gone.
pub struct Letter {
    /// The page, HTML in UTF-8.
    pub page: Zeroizing<String>,
    /// The membership or store number.
    pub number: String,
    /// The one-time code in groups.
    pub code: Zeroizing<String>,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Letter({}, secret)", self.number)
    }
}

/// Fills the letter's page in.
pub(super) fn write(member: &Membership, code: &str, terms: &str, anchors: &Anchors) -> Letter {
    let (name, address) = match &member.profile {
        Profile::Member(person) => (&person.name, &person.address),
        Profile::Merchant(store) => (&store.name, &store.address),
    };
    let japanese = member.language == "ja";
    let (template, to) = match japanese {
        true => (JAPANESE, Zeroizing::new(format!("{address}\n{name} 様"))),
        false => (ENGLISH, Zeroizing::new(format!("{name}\n{address}"))),
    };
    let code = Zeroizing::new(grouped(code));
    let fingerprint = fingerprint(anchors);
    let values = [
        ("to", to.as_str()),
        ("network", &anchors.network),
        ("number", &member.number),
        ("code", &code),
        ("fingerprint", &fingerprint),
        ("terms", terms),
    ];
    let page = Zeroizing::new(fill(template, &values));
    Letter { page, number: member.number.clone(), code }
}

/// Each `{{name}}` becomes its value, once: a value that looks like a place stays as it is.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut pieces = template.split("{{");
    let mut page = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        let (name, rest) = piece.split_once("}}").unwrap_or(("", piece));
        let value = values.iter().find(|(known, _)| *known == name);
        page.push_str(&escaped(value.map_or("", |(_, value)| value)));
        page.push_str(rest);
    }
    page
}

/// Text as HTML shows it.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            other => shown.push(other),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_values() {
        let values = [("a", "<b>{{b}}</b>"), ("b", "\"&\"")];
        assert_eq!(
            fill("x{{a}}y{{b}}z{{c}}", &values),
            "x&lt;b&gt;{{b}}&lt;/b&gt;y&quot;&amp;&quot;z"
        );
    }

    #[test]
    fn letters_take_nothing_from_outside() {
        for page in [ENGLISH, JAPANESE] {
            for name in ["to", "network", "number", "code", "fingerprint", "terms"] {
                assert!(page.contains(&format!("{{{{{name}}}}}")), "{name}");
            }
            for reach in ["http:", "https:", "<script", "<link", "url(", "src="] {
                assert!(!page.contains(reach), "{reach}");
            }
        }
    }
}
