//! A part: the disclosures for one party, padded, as a compact JWE under the key of holder and that
//! party (rows A8, A9).

mod header;

pub use header::{A256Gcm, Dir, PartHeader};

use crate::{
    credential::Credential,
    derive::{Context, Purpose},
    encode::{b64, from_json_object, sha256, unb64},
    error::{AtFault, ProtocolError, Reason, Result},
    hpke::{self, Binding},
    jwe::{self, ContentKey},
    order::Disclosure,
    suite::Suite,
    terminal::Terminal,
};
use header::HeaderOut;
use rand_core::CryptoRng;
use serde::Deserialize;
use warifu_types::{Digest, OrderId, Role, UnixTime};
use zeroize::Zeroizing;

/// Envelopes are padded to a multiple of this, so that lengths tell little.
pub const PADDING_STEP: usize = 256;

/// The `typ` of a part.
pub const PART_TYP: &str = "warifu-part+jwe";

/// A part's encoded length is at most this.
pub const MAX_PART: usize = 512 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    disclosures: Vec<Zeroizing<String>>,
    #[serde(rename = "pad")]
    _pad: String,
}

/// What a part is sealed for.
#[derive(Debug, Clone, Copy)]
pub struct Address<'a> {
    /// The order's id.
    pub order: &'a OrderId,
    /// The hash of the form.
    pub form: &'a Digest,
    /// The recipient's credential.
    pub to: &'a Credential,
    /// The recipient's role.
    pub role: Role,
}

/// Seals the disclosures for one party.
pub fn seal_part(
    terminal: &Terminal,
    address: Address<'_>,
    suite: Suite,
    disclosures: &[&Disclosure],
    now: UnixTime,
    rng: &mut impl CryptoRng,
) -> Result<String> {
    let source = terminal.source_for(address.to, now)?;
    let pair = terminal.pair_key(&source, &address.to.sub, Some(address.order))?;
    let context = Context {
        network: terminal.trust.network(),
        source: &source,
        suite,
        sender: (terminal.id(), Role::Holder),
        recipient: (&address.to.sub, address.role),
        about: &address.order.0,
    };
    let (key, kid, ek) = match suite {
        Suite::Kps => (context.key(&pair, Purpose::Part), None, None),
        Suite::KpsHpke => {
            let to = address.to.hpke.first().ok_or(ProtocolError::own(
                Reason::Downgrade,
                format!("order.parts.{}", address.role),
            ))?;
            let psk = context.key(&pair, Purpose::PartPsk);
            let info = context.info(Purpose::Part);
            let (ek, key) = hpke::encapsulate(to, &Binding { psk: Some(&psk), info: &info }, rng)?;
            (key, Some(to.kid.as_str()), Some(b64(&ek)))
        }
    };
    let header = HeaderOut {
        network: context.network,
        order: address.order,
        from: terminal.id(),
        to: &address.to.sub,
        role: address.role,
        form: address.form,
        suite,
        keys: &source,
        kid,
        ek,
    };
    let mut iv = [0; 12];
    rng.fill_bytes(&mut iv);
    Ok(jwe::encrypt(&header.to_json(), &key, &iv, envelope(disclosures)))
}

/// The plaintext: its length is a multiple of [`PADDING_STEP`]. It is written piece by piece, since
/// disclosures are base64url, where JSON has nothing to escape.
fn envelope(disclosures: &[&Disclosure]) -> Zeroizing<Vec<u8>> {
    const START: &[u8] = br#"{"disclosures":["#;
    const MIDDLE: &[u8] = br#"],"pad":""#;
    const END: &[u8] = br#""}"#;
    let quoted: usize = disclosures.iter().map(|disclosure| disclosure.text.len() + 3).sum();
    // Room for the padding too, so that the text is never copied to a larger place.
    let room = START.len() + quoted + MIDDLE.len() + PADDING_STEP;
    let mut json = Zeroizing::new(Vec::with_capacity(room));
    json.extend_from_slice(START);
    for (n, disclosure) in disclosures.iter().enumerate() {
        json.extend_from_slice(if n == 0 { b"\"" } else { b",\"" });
        json.extend_from_slice(disclosure.text.as_bytes());
        json.push(b'"');
    }
    json.extend_from_slice(MIDDLE);
    let padded = (json.len() + END.len()).next_multiple_of(PADDING_STEP) - END.len();
    json.resize(padded, b'0');
    json.extend_from_slice(END);
    json
}

/// What a recipient expects of its part.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The holder's checked credential.
    pub holder: &'a Credential,
    /// The order's id.
    pub order: &'a OrderId,
    /// The hash of the form.
    pub form: &'a Digest,
    /// This party's role.
    pub role: Role,
    /// The hash that the holder signed.
    pub hash: Digest,
    /// The weakest suite that is accepted.
    pub floor: Suite,
}

/// Opens a part and returns its disclosures, which are still to be compared with the order.
pub fn open_part(
    terminal: &Terminal,
    token: &str,
    expected: Expected<'_>,
    now: UnixTime,
) -> Result<Vec<Zeroizing<String>>> {
    let holder = AtFault::Role(Role::Holder);
    if token.len() > MAX_PART {
        return Err(ProtocolError::sender(Reason::TooLarge, "part"));
    }
    // The holder signed this very text; if it differs, it was changed since.
    if sha256(token.as_bytes()) != expected.hash {
        return Err(ProtocolError::sender(Reason::AlteredPart, "part"));
    }
    let pieces = jwe::split(token, holder, "part")?;
    let header: PartHeader =
        from_json_object(&unb64(pieces.header, holder, "part.header")?, holder, "part.header")?;
    check_header(terminal, &header, expected)?;
    terminal.check_source(&header.keys, expected.holder, now, holder, "part.keys")?;
    let key = content_key(terminal, &header, expected)?;
    let plain = jwe::decrypt(&pieces, &key, holder, "part")?;
    let envelope: Envelope = from_json_object(&plain, holder, "part")?;
    Ok(envelope.disclosures)
}

fn check_header(terminal: &Terminal, header: &PartHeader, expected: Expected<'_>) -> Result<()> {
    let refuse = |reason, field: &'static str| Err(ProtocolError::holder(reason, field));
    if header.typ != PART_TYP {
        return refuse(Reason::Malformed, "part.typ");
    }
    if header.network != terminal.trust.network() {
        return refuse(Reason::WrongNetwork, "part.network");
    }
    if header.from != expected.holder.sub {
        return refuse(Reason::WrongParty, "part.from");
    }
    if header.to != *terminal.id() {
        return refuse(Reason::WrongParty, "part.to");
    }
    if header.role != expected.role {
        return refuse(Reason::WrongParty, "part.role");
    }
    if header.order != *expected.order {
        return refuse(Reason::Mismatch, "part.order");
    }
    if header.form != *expected.form {
        return refuse(Reason::Mismatch, "part.form");
    }
    if header.suite < expected.floor {
        return refuse(Reason::Downgrade, "part.suite");
    }
    Ok(())
}

fn content_key(
    terminal: &Terminal,
    header: &PartHeader,
    expected: Expected<'_>,
) -> Result<ContentKey> {
    let holder = AtFault::Role(Role::Holder);
    let pair = terminal.pair_key(&header.keys, &header.from, Some(&header.order))?;
    let context = Context {
        network: &header.network,
        source: &header.keys,
        suite: header.suite,
        sender: (&header.from, Role::Holder),
        recipient: (terminal.id(), expected.role),
        about: &header.order.0,
    };
    match (header.suite, &header.kid, &header.ek) {
        (Suite::Kps, None, None) => Ok(context.key(&pair, Purpose::Part)),
        (Suite::KpsHpke, Some(kid), Some(ek)) => {
            let secret = terminal
                .hpke_secret(kid)
                .ok_or(ProtocolError::holder(Reason::UnknownKey, "part.kid"))?;
            let ek = unb64(ek, holder, "part.ek")?;
            let psk = context.key(&pair, Purpose::PartPsk);
            let info = context.info(Purpose::Part);
            hpke::decapsulate(
                secret,
                &ek,
                &Binding { psk: Some(&psk), info: &info },
                holder,
                "part.ek",
            )
        }
        _ => Err(ProtocolError::holder(Reason::Malformed, "part.ek")),
    }
}
