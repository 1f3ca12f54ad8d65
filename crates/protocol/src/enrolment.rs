//! Enrolment: a party asks the center for a credential and its shares (row A2). The shares are
//! encrypted to the key in the request, so that the answer may travel over any channel.

use crate::{
    derive::expand,
    encode::{b64, from_json_object, sha256, to_json, unb64},
    error::{AtFault, ProtocolError, Reason, Result},
    hpke::{self, Binding, HpkeKey, HpkeSecret},
    jwe,
    jws::{self, TokenType},
    part::{A256Gcm, Dir},
    signer::{Signer, VerifyingKey},
    suite::Suite,
    trust::Anchors,
};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use warifu_keydist::Share;
use warifu_types::{Digest, Identifier, Role, UnixTime};
use zeroize::Zeroizing;

pub mod renewal;

/// The type of a request.
pub const ENROLMENT_REQUEST: TokenType =
    TokenType { typ: "warifu-enrolment-request+jwt", word: "enrolment_request" };

/// The `typ` of the encrypted shares.
const SHARES_TYP: &str = "warifu-shares+jwe";

/// The claims of a request, signed with the very key that they name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentRequest {
    /// The identifier that is asked for.
    pub sub: Identifier,
    /// The roles that are asked for.
    pub roles: Vec<Role>,
    /// The verification key.
    pub key: VerifyingKey,
    /// HPKE keys; at least one, to receive the shares.
    #[serde(deserialize_with = "crate::encode::objects")]
    pub hpke: Vec<HpkeKey>,
    /// The suites that the party will accept.
    pub suites: Vec<Suite>,
    /// Where a service answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Issued at.
    pub iat: UnixTime,
}

impl EnrolmentRequest {
    /// Signs the request.
    pub fn sign(&self, signer: &dyn Signer) -> String {
        jws::sign(ENROLMENT_REQUEST, self, signer)
    }

    /// Verifies that the asker has the key that it names.
    pub fn verify(token: &str) -> Result<EnrolmentRequest> {
        let claimed: EnrolmentRequest = jws::peek(ENROLMENT_REQUEST, token, AtFault::Sender)?;
        let request: EnrolmentRequest =
            jws::verify(ENROLMENT_REQUEST, token, &claimed.key, AtFault::Sender)?;
        let refuse = |field: &'static str| Err(ProtocolError::sender(Reason::BadValue, field));
        if request.hpke.is_empty() || request.hpke.len() > 4 {
            return refuse("enrolment_request.hpke");
        }
        if request.roles.is_empty() || request.roles.len() > Role::ALL.len() {
            return refuse("enrolment_request.roles");
        }
        let holder = request.roles.contains(&Role::Holder);
        // A broker orders as a holder does, and is a holder with a second role (row C6).
        let others = request.roles.iter().filter(|role| !role.is_holder()).count();
        let broker = request.roles.contains(&Role::Broker);
        let alone = request.roles.len() == 1 + usize::from(broker) && others == 0;
        if (broker && !holder) || (holder && (!alone || request.url.is_some())) {
            return refuse("enrolment_request.roles");
        }
        if request.suites.is_empty() {
            return refuse("enrolment_request.suites");
        }
        if request.url.as_ref().is_some_and(|url| url.len() > 512 || !url.starts_with("http")) {
            return refuse("enrolment_request.url");
        }
        Ok(request)
    }
}

/// The center's answer: nothing in it is secret in clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// The network and its centers. The party compares the fingerprint before it believes them.
    #[serde(deserialize_with = "crate::encode::object")]
    pub anchors: Anchors,
    /// The credential.
    pub credential: String,
    /// The shares, as a compact JWE.
    pub shares: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SharesHeader {
    alg: Dir,
    enc: A256Gcm,
    typ: String,
    to: Identifier,
    kid: String,
    ek: String,
}

/// A fingerprint that people compare: the first 20 bytes of the hash of the anchors, in groups.
pub fn fingerprint(anchors: &Anchors) -> String {
    // Epochs change; the network, its centers and their keys do not.
    let pinned: Vec<_> = anchors.centers.iter().map(|c| (&c.center, &c.key)).collect();
    let Digest(hash) = sha256(&to_json(&(&anchors.network, pinned)));
    let hex: Vec<String> =
        hash[..20].chunks(2).map(|pair| format!("{:02x}{:02x}", pair[0], pair[1])).collect();
    hex.join(" ")
}

/// Encrypts shares to the first HPKE key of a request or credential.
pub fn encrypt_shares(
    to: &Identifier,
    key: &HpkeKey,
    shares: &[Share],
    rng: &mut impl CryptoRng,
) -> Result<String> {
    let binding = Binding { psk: None, info: SHARES_TYP.as_bytes() };
    let (ek, content) = hpke::encapsulate(key, &binding, rng)?;
    let header = SharesHeader {
        alg: Dir::Dir,
        enc: A256Gcm::A256Gcm,
        typ: SHARES_TYP.to_string(),
        to: to.clone(),
        kid: key.kid.clone(),
        ek: b64(&ek),
    };
    // One file after the other, each on its line.
    let mut files = Zeroizing::new(Vec::new());
    for share in shares {
        files.extend_from_slice(&share.to_file());
        files.push(b'\n');
    }
    let key = expand(&content, b"warifu/1 shares");
    let mut iv = [0; 12];
    rng.fill_bytes(&mut iv);
    Ok(jwe::encrypt(&to_json(&header), &key, &iv, files))
}

/// Decrypts shares with one of the party's own HPKE keys.
pub fn decrypt_shares(token: &str, own: &Identifier, keys: &[HpkeSecret]) -> Result<Vec<Share>> {
    let at_fault = AtFault::Role(Role::Center);
    let refuse = |reason, field: &'static str| ProtocolError::new(at_fault, reason, field);
    let pieces = jwe::split(token, at_fault, "shares")?;
    let header: SharesHeader =
        from_json_object(&unb64(pieces.header, at_fault, "shares")?, at_fault, "shares")?;
    if header.typ != SHARES_TYP {
        return Err(refuse(Reason::Malformed, "shares.typ"));
    }
    if header.to != *own {
        return Err(refuse(Reason::WrongParty, "shares.to"));
    }
    let secret = keys
        .iter()
        .find(|secret| secret.kid() == header.kid)
        .ok_or(refuse(Reason::UnknownKey, "shares.kid"))?;
    let binding = Binding { psk: None, info: SHARES_TYP.as_bytes() };
    let ek = unb64(&header.ek, at_fault, "shares.ek")?;
    let content = hpke::decapsulate(secret, &ek, &binding, at_fault, "shares.ek")?;
    let key = expand(&content, b"warifu/1 shares");
    let files = jwe::decrypt(&pieces, &key, at_fault, "shares")?;
    files
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| Share::from_file(line).map_err(|_| refuse(Reason::Malformed, "shares")))
        .collect()
}
