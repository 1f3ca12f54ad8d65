//! The share file: how a share is handed over and stored.

use crate::{
    CenterEpoch, KeyError, MAX_CENTERS, Matrix, Share, Side, Thresholds,
    coefficients::{Coefficients, bytes, bytes_mut},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};
use std::{borrow::Cow, fmt};
use warifu_types::Identifier;
use zeroize::Zeroizing;

/// The value of a share file's `format` field.
pub const FORMAT: &str = "warifu-share/1";

const FIELDS: [&str; 8] =
    ["format", "network", "epochs", "matrix", "side", "thresholds", "owner", "coefficients"];

impl Share {
    /// The share file, secret like the share. One line of JSON (UTF-8, no white space, no line
    /// end), with these fields in this order:
    ///
    /// | field | |
    /// |---|---|
    /// | `format` | `"warifu-share/1"` |
    /// | `network` | the network's name |
    /// | `epochs` | `[{"center": identifier, "epoch": number}]`; of a sum all centers, in the order of their identifiers, in one epoch number |
    /// | `matrix` | `"h3"`, `"s0-2"` |
    /// | `side` | `"rows"` or `"columns"`; in a square `"rows"` |
    /// | `thresholds` | `{"holders": N, "services": M}` |
    /// | `owner` | the owner's identifier |
    /// | `coefficients` | for instances 0 and 1, base64url without padding of 16 bytes for each coefficient, the highest power first; N coefficients for a service towards holders, otherwise M |
    ///
    /// In strings only `"`, `\` and control characters are escaped, in the shortest form.
    pub fn to_file(&self) -> Zeroizing<Vec<u8>> {
        let text = |text: &str| Value::from(text).to_string();
        let epochs: Vec<String> = self
            .epochs()
            .iter()
            .map(|e| format!(r#"{{"center":{},"epoch":{}}}"#, text(e.center.as_str()), e.epoch))
            .collect();
        let head = format!(
            concat!(
                r#"{{"format":"{}","network":{},"epochs":[{}],"matrix":"{}","side":"{}","#,
                r#""thresholds":{{"holders":{},"services":{}}},"owner":{},"coefficients":[""#
            ),
            FORMAT,
            text(&self.network),
            epochs.join(","),
            self.matrix,
            self.side.word(),
            self.thresholds.holders(),
            self.thresholds.services(),
            text(self.owner.as_str()),
        );
        let [first, second] = self.coefficients.instances();
        // Enough room from the start: a string that grows leaves copies of the secret behind.
        let room = head.len() + 2 * (16 * first.len()).div_ceil(3) * 4 + 8;
        let mut file = String::with_capacity(room);
        file.push_str(&head);
        URL_SAFE_NO_PAD.encode_string(bytes(first), &mut file);
        file.push_str(r#"",""#);
        URL_SAFE_NO_PAD.encode_string(bytes(second), &mut file);
        file.push_str(r#""]}"#);
        Zeroizing::new(file.into_bytes())
    }

    /// Reads a share file. Only the bytes that [`Share::to_file`] writes are accepted; the error
    /// names the field.
    pub fn from_file(file: &[u8]) -> Result<Share, KeyError> {
        let fields = Fields::read(file)?;
        if fields.get::<Cow<'_, str>>("format")? != FORMAT {
            return Err(KeyError::Malformed { field: "format" });
        }
        let network = fields.get("network")?;
        let (center, further) = fields.centers()?;
        let matrix: Matrix = fields.get("matrix")?;
        let side: Side = fields.get("side")?;
        if matrix.is_square() && side == Side::Columns {
            return Err(KeyError::Malformed { field: "side" });
        }
        let thresholds: Thresholds = fields.get("thresholds")?;
        let owner = fields.get("owner")?;
        let coefficients = fields.coefficients(Share::length(matrix, side, thresholds))?;
        let share =
            Share { network, center, further, matrix, side, thresholds, owner, coefficients };
        // Everything is understood; what is left is another spelling of the same share.
        if *share.to_file() == file {
            Ok(share)
        } else {
            Err(KeyError::Malformed { field: "file" })
        }
    }
}

/// The top level of a share file, borrowed from it: nothing secret is copied.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    fn read(file: &'a [u8]) -> Result<Fields<'a>, KeyError> {
        let fields: Fields<'a> =
            serde_json::from_slice(file).map_err(|_| KeyError::Malformed { field: "file" })?;
        for (name, _) in &fields.0 {
            if !FIELDS.contains(&name.as_ref()) {
                return Err(KeyError::UnknownField { field: name.chars().take(64).collect() });
            }
        }
        for field in FIELDS {
            match fields.0.iter().filter(|(name, _)| name == field).count() {
                0 => return Err(KeyError::MissingField { field }),
                1 => {}
                _ => return Err(KeyError::RepeatedField { field }),
            }
        }
        Ok(fields)
    }

    fn get<T: Deserialize<'a>>(&self, field: &'static str) -> Result<T, KeyError> {
        let found = self.0.iter().find(|(name, _)| name == field);
        let (_, value) = found.ok_or(KeyError::MissingField { field })?;
        serde_json::from_str(value.get()).map_err(|_| KeyError::Malformed { field })
    }

    fn centers(&self) -> Result<(CenterEpoch, Vec<Identifier>), KeyError> {
        let epochs: Vec<CenterEpoch> = self.get("epochs")?;
        let in_order = epochs
            .windows(2)
            .all(|pair| pair[0].center < pair[1].center && pair[0].epoch == pair[1].epoch);
        if !in_order || epochs.len() > MAX_CENTERS {
            return Err(KeyError::Malformed { field: "epochs" });
        }
        let mut epochs = epochs.into_iter();
        let first = epochs.next().ok_or(KeyError::Malformed { field: "epochs" })?;
        Ok((first, epochs.map(|epoch| epoch.center).collect()))
    }

    fn coefficients(&self, length: usize) -> Result<Coefficients, KeyError> {
        let malformed = KeyError::Malformed { field: "coefficients" };
        let texts: [&str; 2] = self.get("coefficients")?;
        // Before memory is set aside: the thresholds came from the file too.
        if texts.iter().any(|text| text.len() != (length * 16 * 4).div_ceil(3)) {
            return Err(malformed);
        }
        let mut coefficients = Coefficients::zeros(length);
        for (text, blocks) in texts.into_iter().zip(coefficients.instances_mut()) {
            match URL_SAFE_NO_PAD.decode_slice(text, bytes_mut(blocks)) {
                Ok(read) if read == 16 * length => {}
                _ => return Err(malformed),
            }
        }
        // Keys from such a share would be zero, whoever the peer is.
        if coefficients.same(&Coefficients::zeros(length)) {
            return Err(malformed);
        }
        Ok(coefficients)
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_map(AllFields)
    }
}

/// Keeps every field, so that second and unknown ones can be named.
struct AllFields;

impl<'de> Visitor<'de> for AllFields {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}
