//! Goods that go through the network (row B10): the kinds, what a quote promises of a file, and the
//! holder's receipt.

use crate::{
    credential::Credential,
    error::{AtFault, ProtocolError, Reason, Result},
    jws::{self, TokenType},
    signer::Signer,
};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use warifu_types::{Digest, Identifier, Role, UnixTime};

/// The type of a receipt.
pub const GOODS_RECEIPT: TokenType =
    TokenType { typ: "warifu-goods-receipt+jwt", word: "goods_receipt" };

/// One `goods` question brings at most this many bytes.
pub const MAX_PIECE: u32 = 256 * 1024;
/// The largest file, in bytes: 4 GiB.
pub const MAX_FILE: u64 = 4 << 30;
/// The longest tick, in seconds: four minutes, so that a center which settles after a quarter of an
/// hour without a tick hears of three missed ones in time.
pub const MAX_TICK: u32 = 240;

const MAX_TYPE: usize = 128;

/// How goods come to the holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Delivered later, by a carrier or over the counter.
    #[default]
    Later,
    /// Files, handed over at once through the network.
    Download,
    /// Used in real time and paid by the tick.
    Metered,
}

impl Kind {
    /// The kind that a form of this rule is for: the last word of the rule's name says it, as in
    /// `prepaid-download` and `prepaid-metered`; every other rule is for goods delivered later.
    pub fn of_rule(name: &str) -> Kind {
        match name.rsplit('-').next() {
            Some("download") => Kind::Download,
            Some("metered") => Kind::Metered,
            _ => Kind::Later,
        }
    }

    /// The word in formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Later => "later",
            Kind::Download => "download",
            Kind::Metered => "metered",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A file, as its merchant promises it before it is paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// The media type, such as `application/pdf` (RFC 6838): 1 to 128 visible ASCII characters.
    #[serde(rename = "type")]
    pub media_type: String,
    /// The length in bytes: 1 to [`MAX_FILE`].
    pub size: u64,
    /// SHA-256 of the whole file.
    pub sha256: Digest,
}

impl Content {
    /// Whether there can be such a file.
    pub fn is_good(&self) -> bool {
        is_media_type(&self.media_type) && (1..=MAX_FILE).contains(&self.size)
    }
}

/// Whether a text may stand as a media type.
pub fn is_media_type(text: &str) -> bool {
    (1..=MAX_TYPE).contains(&text.len())
        && text.contains('/')
        && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
}

/// For `deserialize_with`, beside `default`: content that stands as an object, or not at all.
pub(crate) fn promised<'de, D: Deserializer<'de>>(
    d: D,
) -> std::result::Result<Option<Content>, D::Error> {
    crate::encode::object(d).map(Some)
}

/// SHA-256 of a file that is read piece by piece.
#[derive(Clone, Default)]
pub struct FileHash(Sha256);

impl FileHash {
    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The hash of all pieces.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// One file that has arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceivedFile {
    /// The item number.
    pub number: String,
    /// SHA-256 of the file, as the holder computed it.
    pub sha256: Digest,
}

/// The claims of a receipt: the holder's word that the goods have arrived whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoodsReceipt {
    /// The holder.
    pub iss: Identifier,
    /// The merchant.
    pub aud: Identifier,
    /// The order's identity.
    pub order: Digest,
    /// Every file of the order, in the order of the item numbers.
    #[serde(deserialize_with = "crate::encode::objects")]
    pub files: Vec<ReceivedFile>,
    /// Issued at.
    pub iat: UnixTime,
}

impl GoodsReceipt {
    /// Signs the receipt.
    pub fn sign(&self, holder: &dyn Signer) -> String {
        jws::sign(GOODS_RECEIPT, self, holder)
    }

    /// Verifies a receipt by `holder` for `merchant` of the files that were promised with `order`:
    /// item numbers and hashes, by number. At fault: the holder.
    pub fn verify<'a>(
        token: &str,
        holder: &Credential,
        merchant: &Identifier,
        order: &Digest,
        promised: impl IntoIterator<Item = (&'a str, &'a Digest)>,
    ) -> Result<GoodsReceipt> {
        let at_fault = AtFault::Role(Role::Holder);
        let receipt: GoodsReceipt = jws::verify(GOODS_RECEIPT, token, &holder.key, at_fault)?;
        let refuse = |reason, field: String| Err(ProtocolError::new(at_fault, reason, field));
        if receipt.iss != holder.sub {
            return refuse(Reason::WrongParty, "goods_receipt.iss".into());
        }
        if receipt.aud != *merchant {
            return refuse(Reason::WrongParty, "goods_receipt.aud".into());
        }
        if receipt.order != *order {
            return refuse(Reason::Mismatch, "goods_receipt.order".into());
        }
        let mut count = 0;
        for (place, (number, sha256)) in promised.into_iter().enumerate() {
            let file = receipt.files.get(place).filter(|file| file.number == number);
            let Some(file) = file else {
                return refuse(Reason::Mismatch, "goods_receipt.files".into());
            };
            if file.sha256 != *sha256 {
                return refuse(Reason::Mismatch, format!("goods_receipt.files[{place}].sha256"));
            }
            count += 1;
        }
        if receipt.files.len() != count {
            return refuse(Reason::Mismatch, "goods_receipt.files".into());
        }
        Ok(receipt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_name_says_the_kind() {
        for (name, kind) in [
            ("prepaid", Kind::Later),
            ("minimal", Kind::Later),
            ("", Kind::Later),
            ("download-only", Kind::Later),
            ("prepaid-download", Kind::Download),
            ("prepaid-metered", Kind::Metered),
        ] {
            assert_eq!(Kind::of_rule(name), kind, "{name}");
        }
    }

    #[test]
    fn pieces_give_the_hash_of_the_whole() {
        let mut hash = FileHash::default();
        hash.update(b"wari");
        hash.update(b"");
        hash.update(b"fu");
        assert_eq!(hash.finish(), crate::encode::sha256(b"warifu"));
    }

    #[test]
    fn content_that_cannot_be() {
        let good = Content { media_type: "text/plain".into(), size: 1, sha256: Digest([0; 32]) };
        assert!(good.is_good());
        for bad in [
            Content { size: 0, ..good.clone() },
            Content { size: MAX_FILE + 1, ..good.clone() },
            Content { media_type: "text".into(), ..good.clone() },
            Content { media_type: "text/\nplain".into(), ..good.clone() },
            Content { media_type: format!("a/{}", "b".repeat(127)), ..good },
        ] {
            assert!(!bad.is_good(), "{bad:?}");
        }
    }
}
