//! The protected header of a part.

use super::PART_TYP;
use crate::{derive::KeySource, encode::b64_onto, suite::Suite};
use serde::{Deserialize, Serialize};
use warifu_types::{Digest, Identifier, OrderId, Role};

/// The protected header of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartHeader {
    /// `dir`.
    pub alg: Dir,
    /// `A256GCM`.
    pub enc: A256Gcm,
    /// [`PART_TYP`].
    pub typ: String,
    /// The network's name.
    pub network: String,
    /// The order's id.
    pub order: OrderId,
    /// The holder.
    pub from: Identifier,
    /// The recipient.
    pub to: Identifier,
    /// The recipient's role in this trade.
    pub role: Role,
    /// The hash of the form.
    pub form: Digest,
    /// The suite.
    pub suite: Suite,
    /// Where the pair key comes from.
    pub keys: KeySource,
    /// The recipient's HPKE key; suite `kps+hpke` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The encapsulated key, base64url; suite `kps+hpke` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ek: Option<String>,
}

/// The one key management mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dir {
    /// Direct use of a shared key (RFC 7518, section 4.5).
    #[serde(rename = "dir")]
    Dir,
}

/// The one content encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum A256Gcm {
    /// AES-256-GCM (RFC 7518, section 5.3).
    #[serde(rename = "A256GCM")]
    A256Gcm,
}

/// [`PartHeader`] as it is written, borrowed.
pub(super) struct HeaderOut<'a> {
    pub network: &'a str,
    pub order: &'a OrderId,
    pub from: &'a Identifier,
    pub to: &'a Identifier,
    pub role: Role,
    pub form: &'a Digest,
    pub suite: Suite,
    pub keys: &'a KeySource,
    pub kid: Option<&'a str>,
    pub ek: Option<String>,
}

impl HeaderOut<'_> {
    /// The header's JSON, piece by piece: an order has several headers, and serde takes as long for
    /// one as deriving its key does. A test holds this to what serde writes of [`PartHeader`].
    pub fn to_json(&self) -> Vec<u8> {
        let ek = self.ek.as_deref();
        let mut json = String::with_capacity(640 + ek.map_or(0, str::len));
        json.push_str(r#"{"alg":"dir","enc":"A256GCM","typ":""#);
        json.push_str(PART_TYP);
        json.push_str(r#"","network":"#);
        put_string(&mut json, self.network);
        json.push_str(r#","order":""#);
        b64_onto(&self.order.0, &mut json);
        json.push_str(r#"","from":"#);
        put_string(&mut json, self.from.as_str());
        json.push_str(r#","to":"#);
        put_string(&mut json, self.to.as_str());
        json.push_str(r#","role":""#);
        json.push_str(self.role.as_str());
        json.push_str(r#"","form":""#);
        b64_onto(&self.form.0, &mut json);
        json.push_str(r#"","suite":""#);
        json.push_str(self.suite.as_str());
        json.push_str(r#"","keys":"#);
        put_source(&mut json, self.keys);
        for (name, value) in [(r#","kid":"#, self.kid), (r#","ek":"#, ek)] {
            if let Some(value) = value {
                json.push_str(name);
                put_string(&mut json, value);
            }
        }
        json.push('}');
        json.into_bytes()
    }
}

fn put_source(json: &mut String, source: &KeySource) {
    let route = match source {
        KeySource::Predistributed(route) => route,
        KeySource::Agreed => return json.push_str(r#""agreed""#),
        KeySource::HandedOut => return json.push_str(r#""handed_out""#),
    };
    json.push_str(r#"{"predistributed":{"epochs":["#);
    for (n, epoch) in route.epochs.iter().enumerate() {
        json.push_str(if n == 0 { r#"{"center":"# } else { r#",{"center":"# });
        put_string(json, epoch.center.as_str());
        json.push_str(r#","epoch":"#);
        json.push_str(&epoch.epoch.to_string());
        json.push('}');
    }
    json.push_str(r#"],"matrix":""#);
    json.push_str(&route.matrix.to_string());
    json.push_str(r#""}}"#);
}

/// A JSON string. Few texts have anything to escape.
fn put_string(json: &mut String, text: &str) {
    let special = |byte: u8| (byte < 0x20) | (byte == b'"') | (byte == b'\\');
    // Without a way out in the middle the compiler looks at many bytes at once.
    if !text.bytes().fold(false, |found, byte| found | special(byte)) {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        // Writing a string to a string cannot fail.
        json.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use warifu_keydist::{CenterEpoch, Matrix, Route};

    #[test]
    fn written_as_serde_writes_it() {
        let id = |text: &str| Identifier::parse(text).unwrap();
        let center = |name: &str, epoch| CenterEpoch { center: id(name), epoch };
        let epochs = vec![center("domain:a.example", 1), center("name:中\"央\\", u32::MAX)];
        let sources = [
            KeySource::Predistributed(Route { epochs, matrix: Matrix::Holders { group: 7 } }),
            KeySource::Predistributed(Route {
                epochs: vec![center("domain:a.example", 12)],
                matrix: Matrix::between_services(0, 3),
            }),
            KeySource::Agreed,
            KeySource::HandedOut,
        ];
        for keys in sources {
            for (kid, ek) in [(None, None), (Some("k\n1"), Some("AAAA"))] {
                let header = PartHeader {
                    alg: Dir::Dir,
                    enc: A256Gcm::A256Gcm,
                    typ: PART_TYP.to_string(),
                    network: "town\t\u{7f}例".to_string(),
                    order: OrderId([250; 32]),
                    from: id("name:a\"b\\c|mail:x@example.jp"),
                    to: id("domain:shop.example"),
                    role: Role::CardManager,
                    form: Digest([9; 32]),
                    suite: if kid.is_some() { Suite::KpsHpke } else { Suite::Kps },
                    keys: keys.clone(),
                    kid: kid.map(str::to_string),
                    ek: ek.map(str::to_string),
                };
                let out = HeaderOut {
                    network: &header.network,
                    order: &header.order,
                    from: &header.from,
                    to: &header.to,
                    role: header.role,
                    form: &header.form,
                    suite: header.suite,
                    keys: &header.keys,
                    kid,
                    ek: header.ek.clone(),
                };
                let expected = serde_json::to_string(&header).unwrap();
                assert_eq!(String::from_utf8(out.to_json()).unwrap(), expected);
            }
        }
    }
}
