//! Renewal: a center begins a new epoch and says so in a signed notice; each party asks its centers
//! for what is new, and gets new shares and a new credential (rows A2 and D6).
//!
//! Nothing here needs a meeting: the party proves itself by its signature key, the center by its
//! pinned one, and the shares are encrypted to the party's HPKE key. So a party that has slept
//! through a whole epoch, or has no share of a center yet, is served in the same way.

use super::decrypt_shares;
use crate::{
    credential::Credential,
    encode::{check_times, sha256},
    error::{AtFault, ProtocolError, Reason, Result},
    hpke::HpkeSecret,
    jws::{self, TokenType},
    signer::{Signer, VerifyingKey},
    trust::{Anchors, PinnedCenter},
};
use serde::{Deserialize, Serialize};
use warifu_keydist::{CenterEpoch, MAX_CENTERS, Share};
use warifu_types::{Digest, Identifier, Role, UnixTime};

/// The type of an epoch notice.
pub const EPOCH: TokenType = TokenType { typ: "warifu-epoch+jwt", word: "epoch" };
/// The type of a request for renewal.
pub const RENEWAL_REQUEST: TokenType =
    TokenType { typ: "warifu-renewal-request+jwt", word: "renewal_request" };
/// The type of a grant.
pub const GRANT: TokenType = TokenType { typ: "warifu-grant+jwt", word: "grant" };

/// How long a request for renewal is good, in seconds.
pub const REQUEST_LIFETIME: u64 = 300;

/// The claims of an epoch notice: a center's word on its epoch, for everyone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochNotice {
    /// The center.
    pub iss: Identifier,
    /// The network's name.
    pub network: String,
    /// The epoch in force.
    pub epoch: u32,
    /// Until when the epoch before is still accepted.
    pub grace_until: UnixTime,
    /// When the epoch began.
    pub iat: UnixTime,
}

impl EpochNotice {
    /// Signs the notice.
    pub fn sign(&self, center: &dyn Signer) -> String {
        jws::sign(EPOCH, self, center)
    }
}

/// The anchors with what the centers say in these notices. A notice of the known epoch changes
/// nothing; one of an earlier epoch is refused (`old_epoch` in `epoch.epoch`), so that nobody is
/// taken back to an epoch that is over.
pub fn learn(
    anchors: &Anchors,
    notices: &[String],
    now: UnixTime,
    at_fault: AtFault,
) -> Result<Anchors> {
    let refuse = |reason, field: &'static str| Err(ProtocolError::new(at_fault, reason, field));
    let mut learnt = anchors.clone();
    for token in notices {
        let claimed: EpochNotice = jws::peek(EPOCH, token, at_fault)?;
        let Some(pinned) = learnt.centers.iter_mut().find(|c| c.center == claimed.iss) else {
            return refuse(Reason::Untrusted, "epoch.iss");
        };
        let notice: EpochNotice = jws::verify(EPOCH, token, &pinned.key, at_fault)?;
        if notice.network != anchors.network {
            return refuse(Reason::WrongNetwork, "epoch.network");
        }
        check_times(notice.iat, UnixTime(u64::MAX), now, at_fault, EPOCH.word)?;
        if notice.epoch < pinned.epoch {
            return refuse(Reason::OldEpoch, "epoch.epoch");
        }
        if notice.epoch > pinned.epoch {
            pinned.epoch = notice.epoch;
            pinned.grace_until = notice.grace_until;
        }
    }
    Ok(learnt)
}

/// The epochs in force, in the network's order.
pub fn epochs(anchors: &Anchors) -> Vec<CenterEpoch> {
    let epoch = |c: &PinnedCenter| CenterEpoch { center: c.center.clone(), epoch: c.epoch };
    anchors.centers.iter().map(epoch).collect()
}

/// Whether this epoch of this center is no longer accepted, and its shares can be forgotten. The
/// epochs of a center that is not pinned, and later ones, are not over.
pub fn is_over(anchors: &Anchors, of: &CenterEpoch, now: UnixTime) -> bool {
    anchors.centers.iter().filter(|pinned| pinned.center == of.center).any(|pinned| {
        let before = of.epoch.saturating_add(1);
        before < pinned.epoch || (before == pinned.epoch && pinned.grace_until <= now)
    })
}

/// Whether a credential is in the last tenth of its life, and a new one is due.
pub fn is_due(credential: &Credential, now: UnixTime) -> bool {
    let tenth = credential.exp.0.saturating_sub(credential.iat.0) / 10;
    now.plus(tenth) >= credential.exp
}

/// The claims of a request for renewal, signed with the party's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenewalRequest {
    /// The party.
    pub iss: Identifier,
    /// The center that is asked.
    pub aud: Identifier,
    /// The network's name.
    pub network: String,
    /// The party's credential, as it is.
    pub credential: String,
    /// The epoch notices of the network's centers, from which a center learns of the others'
    /// epochs; 1 to 16.
    pub notices: Vec<String>,
    /// Issued at.
    pub iat: UnixTime,
    /// Expires at: at most 300 seconds later.
    pub exp: UnixTime,
}

impl RenewalRequest {
    /// Signs the request.
    pub fn sign(&self, party: &dyn Signer) -> String {
        jws::sign(RENEWAL_REQUEST, self, party)
    }

    /// Reads the claims to find whose key to verify with. They prove nothing.
    pub fn peek(token: &str) -> Result<RenewalRequest> {
        jws::peek(RENEWAL_REQUEST, token, AtFault::Sender)
    }

    /// Verifies that the party `sub` with this key asks this center, now.
    pub fn verify(
        token: &str,
        (sub, key): (&Identifier, &VerifyingKey),
        (network, center): (&str, &Identifier),
        now: UnixTime,
    ) -> Result<RenewalRequest> {
        let request: RenewalRequest = jws::verify(RENEWAL_REQUEST, token, key, AtFault::Sender)?;
        let refuse = |reason, field: &'static str| Err(ProtocolError::sender(reason, field));
        if request.iss != *sub {
            return refuse(Reason::WrongParty, "renewal_request.iss");
        }
        if request.aud != *center {
            return refuse(Reason::WrongParty, "renewal_request.aud");
        }
        if request.network != network {
            return refuse(Reason::WrongNetwork, "renewal_request.network");
        }
        if request.notices.is_empty() || request.notices.len() > MAX_CENTERS {
            return refuse(Reason::BadValue, "renewal_request.notices");
        }
        if request.exp > request.iat.plus(REQUEST_LIFETIME) {
            return refuse(Reason::BadValue, "renewal_request.exp");
        }
        check_times(request.iat, request.exp, now, AtFault::Sender, RENEWAL_REQUEST.word)?;
        Ok(request)
    }
}

/// The claims of a grant: the center's signature over the shares that it gives a party. It names no
/// time, so that the same question has the same answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The center.
    pub iss: Identifier,
    /// The network's name.
    pub network: String,
    /// The party.
    pub sub: Identifier,
    /// The epoch of the shares.
    pub epoch: u32,
    /// The hash of the encrypted shares, as they stand.
    pub shares: Digest,
}

impl Grant {
    /// Signs the grant.
    pub fn sign(&self, center: &dyn Signer) -> String {
        jws::sign(GRANT, self, center)
    }
}

/// A center's answer to a request for renewal: nothing in it is secret in clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renewal {
    /// The grant.
    pub grant: String,
    /// The party's credential; from the network's first center alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The shares, encrypted as at enrolment.
    pub shares: String,
}

impl Renewal {
    /// Checks the grant by the center as it is pinned, and decrypts the shares: those of this
    /// party, from this center, in the epoch in force. At fault is the center.
    pub fn open(
        &self,
        network: &str,
        center: &PinnedCenter,
        own: &Identifier,
        keys: &[HpkeSecret],
    ) -> Result<Vec<Share>> {
        let at_fault = AtFault::Role(Role::Center);
        let refuse = |reason, field: &'static str| Err(ProtocolError::new(at_fault, reason, field));
        let grant: Grant = jws::verify(GRANT, &self.grant, &center.key, at_fault)?;
        if grant.iss != center.center {
            return refuse(Reason::WrongParty, "grant.iss");
        }
        if grant.network != network {
            return refuse(Reason::WrongNetwork, "grant.network");
        }
        if grant.sub != *own {
            return refuse(Reason::WrongParty, "grant.sub");
        }
        if grant.epoch != center.epoch {
            return refuse(Reason::OldEpoch, "grant.epoch");
        }
        if grant.shares != sha256(self.shares.as_bytes()) {
            return refuse(Reason::Mismatch, "grant.shares");
        }
        let shares = decrypt_shares(&self.shares, own, keys)?;
        let from = CenterEpoch { center: center.center.clone(), epoch: center.epoch };
        let good = |share: &Share| {
            !share.is_sum()
                && *share.center() == from
                && share.network() == network
                && share.owner() == own
        };
        if shares.is_empty() || !shares.iter().all(good) {
            return refuse(Reason::WrongParty, "shares");
        }
        Ok(shares)
    }
}

#[cfg(test)]
mod tests;
