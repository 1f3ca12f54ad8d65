//! The session that telegrams travel in, opened by HPKE to the center's pinned key. The terminal
//! needs no share for it, so it serves the registration telegram too; who sends is shown by each
//! telegram's signature. One exchange serves many telegrams.

use crate::{
    credential::Credential,
    encode::{b64, sha256, to_json, unb64},
    error::{AtFault, ProtocolError, Reason, Result},
    hpke::{self, Binding},
    session::{Direction, Session},
    terminal::Terminal,
};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use warifu_types::{Digest, Identifier, Nonce, Role};
use zeroize::Zeroizing;

/// The terminal's message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// The network's name.
    pub network: String,
    /// The center that is meant.
    pub center: Identifier,
    /// Which of the center's HPKE keys it is for.
    pub kid: String,
    /// The encapsulated key, base64url.
    pub ek: String,
}

/// The center's answer. Its nonce makes the keys fresh, should the terminal's message come again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// Names the session.
    pub session: Nonce,
    /// The center's nonce.
    pub nonce: Nonce,
}

/// The terminal's side, waiting for the center's answer.
pub struct ExpectOpened {
    open: Open,
    root: Zeroizing<[u8; 32]>,
}

/// Begins a session with the center whose checked credential this is.
pub fn open(
    network: &str,
    center: &Credential,
    rng: &mut impl CryptoRng,
) -> Result<(ExpectOpened, Open)> {
    center.require_role(Role::Center, AtFault::Own)?;
    let none = || ProtocolError::own(Reason::Downgrade, "credential.hpke");
    let to = center.hpke.first().ok_or_else(none)?;
    let info = info(network, &center.sub);
    let (ek, root) = hpke::encapsulate(to, &Binding { psk: None, info: &info }, rng)?;
    let open = Open {
        network: network.to_string(),
        center: center.sub.clone(),
        kid: to.kid.clone(),
        ek: b64(&ek),
    };
    Ok((ExpectOpened { open: open.clone(), root }, open))
}

impl ExpectOpened {
    /// The session. A center without the pinned key cannot read what is sent in it.
    pub fn finish(self, opened: &Opened) -> Session {
        let whole = whole(&self.open, opened);
        Session::new(opened.session, Direction::Initiator, &self.root, &whole)
    }
}

/// The center's side.
pub fn accept(
    center: &Terminal,
    open: &Open,
    rng: &mut impl CryptoRng,
) -> Result<(Session, Opened)> {
    center.trust.check_network(&open.network, AtFault::Sender, "open.network")?;
    if open.center != *center.id() {
        return Err(ProtocolError::sender(Reason::WrongParty, "open.center"));
    }
    let unknown = || ProtocolError::sender(Reason::UnknownKey, "open.kid");
    let secret = center.hpke_secret(&open.kid).ok_or_else(unknown)?;
    let ek = unb64(&open.ek, AtFault::Sender, "open.ek")?;
    let info = info(&open.network, &open.center);
    let binding = Binding { psk: None, info: &info };
    let root = hpke::decapsulate(secret, &ek, &binding, AtFault::Sender, "open.ek")?;
    let mut bytes = [[0; 32]; 2];
    bytes.iter_mut().for_each(|bytes| rng.fill_bytes(bytes));
    let opened = Opened { session: Nonce(bytes[0]), nonce: Nonce(bytes[1]) };
    let session = Session::new(opened.session, Direction::Responder, &root, &whole(open, &opened));
    Ok((session, opened))
}

/// The `info` of HPKE: every item after its length (2 bytes, big endian).
fn info(network: &str, center: &Identifier) -> Vec<u8> {
    let mut info = Vec::with_capacity(128);
    for item in ["warifu/1 telegram session", network, center.as_str()] {
        info.extend_from_slice(&(item.len().min(0xffff) as u16).to_be_bytes());
        info.extend_from_slice(item.as_bytes());
    }
    info
}

fn whole(open: &Open, opened: &Opened) -> Digest {
    sha256(&to_json(&(open, opened)))
}
