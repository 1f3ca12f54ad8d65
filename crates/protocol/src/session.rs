//! A session: everything between a pair that has met, each direction under its own key, each message
//! with a number that counts once.

use crate::{
    encode::{from_json_object, to_json, unb64},
    error::{AtFault, ProtocolError, Reason, Result},
    jwe::{self, ContentKey},
    meeting::direction_key,
    part::{A256Gcm, Dir},
};
use serde::{Deserialize, Serialize};
use std::fmt;
use warifu_types::{Digest, Nonce};
use zeroize::Zeroizing;

/// The `typ` of a session's message.
pub const SESSION_TYP: &str = "warifu-session+jwe";

/// Which side of the session this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Began the meeting; asks.
    Initiator,
    /// Answered it; answers.
    Responder,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: Dir,
    enc: A256Gcm,
    typ: String,
    sid: Nonce,
    seq: u64,
}

/// One side of a session.
pub struct Session {
    id: Nonce,
    outward: ContentKey,
    inward: ContentKey,
    next: u64,
    window: Window,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({})", self.id)
    }
}

impl Session {
    pub(crate) fn new(id: Nonce, side: Direction, root: &[u8; 32], whole: &Digest) -> Session {
        let asks = direction_key(root, whole, b"warifu/1 session initiator");
        let answers = direction_key(root, whole, b"warifu/1 session responder");
        let (outward, inward) = match side {
            Direction::Initiator => (asks, answers),
            Direction::Responder => (answers, asks),
        };
        Session { id, outward, inward, next: 0, window: Window::default() }
    }

    /// The session's name on the wire.
    pub fn id(&self) -> Nonce {
        self.id
    }

    /// Encrypts a question; returns its number.
    pub fn ask(&mut self, plaintext: Zeroizing<Vec<u8>>) -> (u64, String) {
        let seq = self.next;
        self.next += 1;
        (seq, self.encrypt(seq, plaintext))
    }

    /// Decrypts a question; each number is accepted once.
    pub fn hear(&mut self, token: &str) -> Result<(u64, Zeroizing<Vec<u8>>)> {
        let (seq, plaintext) = self.decrypt(token)?;
        if !self.window.accept(seq) {
            return Err(ProtocolError::sender(Reason::Replayed, "session.seq"));
        }
        Ok((seq, plaintext))
    }

    /// Encrypts the answer to question `seq`. Each question is answered once.
    pub fn answer(&self, seq: u64, plaintext: Zeroizing<Vec<u8>>) -> String {
        self.encrypt(seq, plaintext)
    }

    /// Decrypts the answer to question `seq`.
    pub fn hear_answer(&self, seq: u64, token: &str) -> Result<Zeroizing<Vec<u8>>> {
        let (answered, plaintext) = self.decrypt(token)?;
        if answered != seq {
            return Err(ProtocolError::sender(Reason::Replayed, "session.seq"));
        }
        Ok(plaintext)
    }

    fn encrypt(&self, seq: u64, plaintext: Zeroizing<Vec<u8>>) -> String {
        let header = Header {
            alg: Dir::Dir,
            enc: A256Gcm::A256Gcm,
            typ: SESSION_TYP.to_string(),
            sid: self.id,
            seq,
        };
        jwe::encrypt(&to_json(&header), &self.outward, &iv(seq), plaintext)
    }

    fn decrypt(&self, token: &str) -> Result<(u64, Zeroizing<Vec<u8>>)> {
        let at_fault = AtFault::Sender;
        let pieces = jwe::split(token, at_fault, "session")?;
        let header: Header =
            from_json_object(&unb64(pieces.header, at_fault, "session")?, at_fault, "session")?;
        if header.typ != SESSION_TYP || header.sid != self.id {
            return Err(ProtocolError::sender(Reason::Mismatch, "session.sid"));
        }
        let plaintext = jwe::decrypt(&pieces, &self.inward, at_fault, "session")?;
        Ok((header.seq, plaintext))
    }
}

/// The session that a message belongs to, read from its header before the keys are found.
pub fn session_of(token: &str) -> Result<Nonce> {
    let at_fault = AtFault::Sender;
    let pieces = jwe::split(token, at_fault, "session")?;
    let header: Header =
        from_json_object(&unb64(pieces.header, at_fault, "session")?, at_fault, "session")?;
    Ok(header.sid)
}

/// The number is the IV: a key sees each number once.
fn iv(seq: u64) -> [u8; 12] {
    let mut iv = [0; 12];
    iv[4..].copy_from_slice(&seq.to_be_bytes());
    iv
}

/// The numbers seen: the greatest, and the 127 before it (RFC 4303's window).
#[derive(Debug, Default)]
struct Window {
    top: Option<u64>,
    seen: u128,
}

impl Window {
    fn accept(&mut self, seq: u64) -> bool {
        match self.top {
            None => {
                self.top = Some(seq);
                self.seen = 1;
                true
            }
            Some(top) if seq > top => {
                let shift = u32::try_from(seq - top).unwrap_or(u32::MAX);
                self.seen = self.seen.checked_shl(shift).unwrap_or(0) | 1;
                self.top = Some(seq);
                true
            }
            Some(top) => {
                let age = top - seq;
                if age >= 128 || self.seen >> age & 1 == 1 {
                    return false;
                }
                self.seen |= 1 << age;
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_counts_once() {
        let mut window = Window::default();
        for seq in [0, 2, 1, 200, 73, 199] {
            assert!(window.accept(seq), "{seq}");
            assert!(!window.accept(seq), "{seq} again");
        }
        assert!(!window.accept(72), "too old");
        assert!(window.accept(u64::MAX));
        assert!(!window.accept(200));
    }
}
