//! Working keys: HKDF-SHA-256 (RFC 5869) over the pair key, one for each purpose and direction.

use crate::{jwe::ContentKey, suite::Suite};
use hkdf::HkdfExtract;
use sha2::Sha256;
use std::sync::LazyLock;
use warifu_keydist::{PairKey, Route};
use warifu_types::{Identifier, Role};
use zeroize::Zeroizing;

/// What a working key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// The content key of a part, suite `kps`.
    Part = 1,
    /// The PSK of a part's HPKE, suite `kps+hpke`.
    PartPsk = 2,
    /// The responder's proof in a meeting.
    MeetingResponder = 3,
    /// The initiator's proof in a meeting.
    MeetingInitiator = 4,
    /// The root of a session's keys.
    Session = 5,
    /// The PSK of a session's HPKE.
    SessionPsk = 6,
}

/// Where the pair key comes from (rows A2 to A4).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// Each enters the other's identifier into its share.
    Predistributed(#[serde(deserialize_with = "crate::encode::object")] Route),
    /// Agreed beforehand between the two.
    Agreed,
    /// Handed out by the center for one trade.
    HandedOut,
}

/// Everything that a working key is bound to.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The network's name.
    pub network: &'a str,
    /// Where the pair key comes from.
    pub source: &'a KeySource,
    /// The suite.
    pub suite: Suite,
    /// Who sends, in which role.
    pub sender: (&'a Identifier, Role),
    /// Who receives, in which role.
    pub recipient: (&'a Identifier, Role),
    /// The order's id, or a meeting's transcript.
    pub about: &'a [u8; 32],
}

impl Context<'_> {
    /// The `info` of HKDF and HPKE: every item after its length (2 bytes, big endian).
    pub fn info(&self, purpose: Purpose) -> Vec<u8> {
        let mut info = Vec::with_capacity(320);
        let mut put = |item: &[u8]| {
            info.extend_from_slice(&(item.len().min(0xffff) as u16).to_be_bytes());
            info.extend_from_slice(item);
        };
        put(b"warifu/1");
        put(&[purpose as u8]);
        put(self.network.as_bytes());
        match self.source {
            KeySource::Predistributed(route) => {
                put(b"predistributed");
                put(route.matrix.to_string().as_bytes());
                put(&(route.epochs.len() as u16).to_be_bytes());
                for epoch in &route.epochs {
                    put(epoch.center.as_str().as_bytes());
                    put(&epoch.epoch.to_be_bytes());
                }
            }
            KeySource::Agreed => put(b"agreed"),
            KeySource::HandedOut => put(b"handed_out"),
        }
        put(self.suite.as_str().as_bytes());
        put(self.sender.0.as_str().as_bytes());
        put(self.sender.1.as_str().as_bytes());
        put(self.recipient.0.as_str().as_bytes());
        put(self.recipient.1.as_str().as_bytes());
        put(self.about);
        info
    }

    /// A 32-byte working key.
    pub fn key(&self, pair: &PairKey, purpose: Purpose) -> ContentKey {
        expand(pair.expose(), &self.info(purpose))
    }
}

/// HKDF-SHA-256 without salt, 32 bytes out.
pub(crate) fn expand(secret: &[u8; 32], info: &[u8]) -> ContentKey {
    /// The extraction before any secret: it is the same for every key.
    static UNSALTED: LazyLock<HkdfExtract<Sha256>> = LazyLock::new(|| HkdfExtract::new(None));
    let mut extract = UNSALTED.clone();
    extract.input_ikm(secret);
    let mut key = Zeroizing::new([0; 32]);
    // 32 bytes are within HKDF's limit of 255 hashes.
    let _ = extract.finalize().1.expand(info, key.as_mut());
    key
}
