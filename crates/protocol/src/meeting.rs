//! Meeting first (row A14): before anything is sent, both prove that they have the common key, and
//! get session keys bound to everything that was said. An impostor gets no data, and whoever relays
//! the challenge gains nothing, since all that follows is under those keys.
//!
//! hello → challenge (with the responder's proof) → confirm (with the initiator's proof).

use crate::{
    credential::Credential,
    derive::{Context, KeySource, Purpose, expand},
    encode::{b64, sha256, to_json, unb64},
    error::{AtFault, ProtocolError, Reason, Result},
    hpke::{self, Binding},
    session::{Direction, Session},
    suite::Suite,
    terminal::Terminal,
};
use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::sync::Arc;
use warifu_types::{Digest, Nonce, OrderId, Role, UnixTime};
use zeroize::Zeroizing;

/// The initiator's first message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The network's name.
    pub network: String,
    /// The initiator's credential.
    pub credential: String,
    /// The initiator's role.
    pub role: Role,
    /// The role that the responder is to have.
    pub to_role: Role,
    /// The initiator's nonce.
    pub nonce: Nonce,
    /// The hash of the form that the meeting is about, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Digest>,
    /// The trade whose key the center handed out; only in networks that work so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trade: Option<OrderId>,
}

/// The responder's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// Names the session to come.
    pub session: Nonce,
    /// The responder's credential.
    pub credential: String,
    /// The responder's nonce.
    pub nonce: Nonce,
    /// The source of the common key.
    pub keys: KeySource,
    /// The suite of the session.
    pub suite: Suite,
    /// Proof that the responder has the common key: HMAC-SHA-256, base64url.
    pub proof: Digest,
}

/// The initiator's proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    /// The session.
    pub session: Nonce,
    /// The encapsulated key, base64url; suite `kps+hpke` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ek: Option<String>,
    /// Which of the responder's HPKE keys it is for; suite `kps+hpke` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// Proof that the initiator has the common key: HMAC-SHA-256, base64url.
    pub proof: Digest,
}

/// The suite that two parties use with each other: the strongest that both accept.
fn session_suite(a: &Credential, b: &Credential) -> Suite {
    a.best_suite().min(b.best_suite())
}

/// A proof is over both identifiers and roles (by the context), both nonces and the form's hash (by
/// the transcript).
fn proof(key: &[u8; 32], transcript: &Digest) -> Hmac<Sha256> {
    // HMAC fills a key up to the hash's block with zeros (RFC 2104).
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(key);
    let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
    mac.update(&transcript.0);
    mac
}

fn tag(mac: Hmac<Sha256>) -> Digest {
    Digest(mac.finalize().into_bytes().into())
}

/// Everything said before the responder's proof.
fn transcript(hello: &Hello, challenge: &Challenge) -> Digest {
    let unproved = Challenge { proof: Digest([0; 32]), ..challenge.clone() };
    sha256(&to_json(&(hello, unproved)))
}

/// The initiator's side, waiting for the challenge.
pub struct ExpectChallenge {
    hello: Hello,
}

/// Begins a meeting.
pub fn begin(
    terminal: &Terminal,
    role: Role,
    to_role: Role,
    form: Option<Digest>,
    trade: Option<OrderId>,
    rng: &mut impl CryptoRng,
) -> (ExpectChallenge, Hello) {
    let hello = Hello {
        network: terminal.trust.network().to_string(),
        credential: terminal.credential_token.clone(),
        role,
        to_role,
        nonce: Nonce(random32(rng)),
        form,
        trade,
    };
    (ExpectChallenge { hello: hello.clone() }, hello)
}

/// A meeting that came to its end: the peer is who its credential says.
#[derive(Debug)]
pub struct Met {
    /// The peer's checked credential.
    pub peer: Arc<Credential>,
    /// The peer's credential as it was shown.
    pub peer_token: String,
    /// The peer's role.
    pub peer_role: Role,
    /// The form that the meeting is about.
    pub form: Option<Digest>,
    /// The session's keys.
    pub session: Session,
}

impl ExpectChallenge {
    /// Checks the responder's credential and proof, and proves the initiator in turn.
    ///
    /// `expected` is whom the initiator means to meet; anyone else is an impostor.
    pub fn finish(
        self,
        terminal: &Terminal,
        challenge: &Challenge,
        expected: Option<&warifu_types::Identifier>,
        now: UnixTime,
        rng: &mut impl CryptoRng,
    ) -> Result<(Met, Confirm)> {
        let impostor = |field| ProtocolError::sender(Reason::Impostor, field);
        let peer = terminal.trust.credential(&challenge.credential, now, AtFault::Sender)?;
        if expected.is_some_and(|expected| *expected != peer.sub) || peer.sub == *terminal.id() {
            return Err(impostor("challenge.credential"));
        }
        peer.require_role(self.hello.to_role, AtFault::Sender)?;
        terminal.check_source(&challenge.keys, &peer, now, AtFault::Sender, "challenge.keys")?;
        if challenge.suite != session_suite(&terminal.credential, &peer)
            || challenge.suite < terminal.floor.general
        {
            return Err(ProtocolError::sender(Reason::Downgrade, "challenge.suite"));
        }
        let pair = terminal.pair_key(&challenge.keys, &peer.sub, self.hello.trade.as_ref())?;
        let transcript = transcript(&self.hello, challenge);
        let me = (terminal.id(), self.hello.role);
        let them = (&peer.sub, self.hello.to_role);
        let inward = context(terminal, challenge, them, me, &transcript);
        let key = inward.key(&pair, Purpose::MeetingResponder);
        proof(&key, &transcript)
            .verify((&challenge.proof.0).into())
            .map_err(|_| impostor("challenge.proof"))?;
        let outward = context(terminal, challenge, me, them, &transcript);
        let (root, kid, ek) = match challenge.suite {
            Suite::Kps => (outward.key(&pair, Purpose::Session), None, None),
            Suite::KpsHpke => {
                let to = peer.hpke.first().ok_or(impostor("credential.hpke"))?;
                let psk = outward.key(&pair, Purpose::SessionPsk);
                let info = outward.info(Purpose::Session);
                let (ek, root) =
                    hpke::encapsulate(to, &Binding { psk: Some(&psk), info: &info }, rng)?;
                (root, Some(to.kid.clone()), Some(b64(&ek)))
            }
        };
        let mut confirm = Confirm { session: challenge.session, ek, kid, proof: Digest([0; 32]) };
        let whole = whole(&transcript, &confirm);
        confirm.proof = tag(proof(&outward.key(&pair, Purpose::MeetingInitiator), &whole));
        let met = Met {
            peer,
            peer_token: challenge.credential.clone(),
            peer_role: self.hello.to_role,
            form: self.hello.form,
            session: Session::new(challenge.session, Direction::Initiator, &root, &whole),
        };
        Ok((met, confirm))
    }
}

/// The responder's side, waiting for the confirmation.
pub struct ExpectConfirm {
    hello: Hello,
    challenge: Challenge,
    peer: Arc<Credential>,
    begun: UnixTime,
}

/// How long a responder waits for the confirmation, in seconds.
pub const CONFIRM_WITHIN: u64 = 60;

/// Answers a hello with a challenge and the responder's proof.
pub fn respond(
    terminal: &Terminal,
    hello: &Hello,
    now: UnixTime,
    rng: &mut impl CryptoRng,
) -> Result<(ExpectConfirm, Challenge)> {
    terminal.trust.check_network(&hello.network, AtFault::Sender, "hello.network")?;
    let peer = terminal.trust.credential(&hello.credential, now, AtFault::Sender)?;
    if peer.sub == *terminal.id() {
        return Err(ProtocolError::sender(Reason::Impostor, "hello.credential"));
    }
    peer.require_role(hello.role, AtFault::Sender)?;
    if !terminal.credential.has_role(hello.to_role) {
        return Err(ProtocolError::sender(Reason::WrongParty, "hello.to_role"));
    }
    let keys = terminal.source_for(&peer, now)?;
    let suite = session_suite(&terminal.credential, &peer);
    if suite < terminal.floor.general {
        return Err(ProtocolError::sender(Reason::Downgrade, "hello.credential.suites"));
    }
    let pair = terminal.pair_key(&keys, &peer.sub, hello.trade.as_ref())?;
    let mut challenge = Challenge {
        session: Nonce(random32(rng)),
        credential: terminal.credential_token.clone(),
        nonce: Nonce(random32(rng)),
        keys,
        suite,
        proof: Digest([0; 32]),
    };
    let transcript = transcript(hello, &challenge);
    let me = (terminal.id(), hello.to_role);
    let them = (&peer.sub, hello.role);
    let outward = context(terminal, &challenge, me, them, &transcript);
    let key = outward.key(&pair, Purpose::MeetingResponder);
    challenge.proof = tag(proof(&key, &transcript));
    let waiting =
        ExpectConfirm { hello: hello.clone(), challenge: challenge.clone(), peer, begun: now };
    Ok((waiting, challenge))
}

impl ExpectConfirm {
    /// When the responder began to wait.
    pub fn begun(&self) -> UnixTime {
        self.begun
    }

    /// Checks the initiator's proof.
    pub fn finish(self, terminal: &Terminal, confirm: &Confirm, now: UnixTime) -> Result<Met> {
        let impostor = |field| ProtocolError::sender(Reason::Impostor, field);
        if confirm.session != self.challenge.session {
            return Err(impostor("confirm.session"));
        }
        if self.begun.plus(CONFIRM_WITHIN) < now {
            return Err(ProtocolError::sender(Reason::Expired, "confirm"));
        }
        let pair =
            terminal.pair_key(&self.challenge.keys, &self.peer.sub, self.hello.trade.as_ref())?;
        let transcript = transcript(&self.hello, &self.challenge);
        let me = (terminal.id(), self.hello.to_role);
        let them = (&self.peer.sub, self.hello.role);
        let inward = context(terminal, &self.challenge, them, me, &transcript);
        let whole = whole(&transcript, confirm);
        proof(&inward.key(&pair, Purpose::MeetingInitiator), &whole)
            .verify((&confirm.proof.0).into())
            .map_err(|_| impostor("confirm.proof"))?;
        let root = match (self.challenge.suite, &confirm.kid, &confirm.ek) {
            (Suite::Kps, None, None) => inward.key(&pair, Purpose::Session),
            (Suite::KpsHpke, Some(kid), Some(ek)) => {
                let secret = terminal.hpke_secret(kid).ok_or(impostor("confirm.kid"))?;
                let ek = unb64(ek, AtFault::Sender, "confirm.ek")?;
                let psk = inward.key(&pair, Purpose::SessionPsk);
                let info = inward.info(Purpose::Session);
                let binding = Binding { psk: Some(&psk), info: &info };
                hpke::decapsulate(secret, &ek, &binding, AtFault::Sender, "confirm.ek")?
            }
            _ => return Err(impostor("confirm.ek")),
        };
        Ok(Met {
            session: Session::new(self.challenge.session, Direction::Responder, &root, &whole),
            peer_token: self.hello.credential,
            peer: self.peer,
            peer_role: self.hello.role,
            form: self.hello.form,
        })
    }
}

fn context<'a>(
    terminal: &'a Terminal,
    challenge: &'a Challenge,
    sender: (&'a warifu_types::Identifier, Role),
    recipient: (&'a warifu_types::Identifier, Role),
    transcript: &'a Digest,
) -> Context<'a> {
    Context {
        network: terminal.trust.network(),
        source: &challenge.keys,
        suite: challenge.suite,
        sender,
        recipient,
        about: &transcript.0,
    }
}

/// The transcript with the confirmation's encapsulated key.
fn whole(transcript: &Digest, confirm: &Confirm) -> Digest {
    sha256(&to_json(&(transcript, &confirm.ek, &confirm.kid)))
}

fn random32(rng: &mut impl CryptoRng) -> [u8; 32] {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// The keys of the two directions, from the session's root.
pub(crate) fn direction_key(root: &[u8; 32], whole: &Digest, label: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut info = Vec::with_capacity(64);
    info.extend_from_slice(label);
    info.extend_from_slice(&whole.0);
    expand(root, &info)
}
