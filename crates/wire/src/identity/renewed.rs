//! Taking up what the centers answered to a request for renewal, all of it or nothing.

use super::{
    Enrolled, IDENTITY, Identity, IdentityError, KEY, REMEMBERED, SHARES, keep_shares, secrets,
    stored_shares,
};
use std::sync::Arc;
use warifu_keydist::{CenterEpoch, Share};
use warifu_ports::Unit;
use warifu_protocol::{
    AtFault, ProtocolError, Reason,
    credential::{CREDENTIAL, Credential},
    enrolment::renewal::{self, Renewal},
    hpke::HpkeSecret,
    jws,
    signer::{Signer, SigningKey},
    terminal::Terminal,
    trust::{Anchors, PinnedCenter, Trust},
};
use warifu_types::{Identifier, Role, UnixTime};

const CENTER: AtFault = AtFault::Role(Role::Center);

/// What the centers said: their notices, and the answers of those that were asked.
#[derive(Debug, Clone)]
pub struct Collected {
    /// Epoch notices.
    pub notices: Vec<String>,
    /// The answers, by center.
    pub renewals: Vec<(Identifier, Renewal)>,
}

/// A party's keys, credential, anchors and shares, as they are kept.
pub struct Held {
    changes: u64,
    signer: Arc<dyn Signer>,
    hpke: Vec<HpkeSecret>,
    credential: Arc<Credential>,
    credential_token: String,
    anchors: Anchors,
    shares: Vec<Share>,
}

impl Held {
    /// The number of the last change.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether the signature key is another one than the terminal's.
    pub fn has_other_key(&self, terminal: &Terminal) -> bool {
        self.signer.verifying_key() != terminal.signer.verifying_key()
    }

    /// Gives a running terminal what is kept. Shares that it fetched itself stay until their epoch
    /// is over.
    pub fn give_to(self, terminal: &mut Terminal, now: UnixTime) {
        if *terminal.trust.anchors() != self.anchors {
            terminal.trust = Trust::new(self.anchors, REMEMBERED);
        }
        // They are others only where others were installed.
        terminal.signer = self.signer;
        terminal.hpke = self.hpke;
        terminal.credential = self.credential;
        terminal.credential_token = self.credential_token;
        for share in self.shares {
            if let Err(error) = terminal.ring.insert(share) {
                tracing::error!(%error, "a share was not taken up");
            }
        }
        forget_ended(terminal, now);
    }
}

/// Drops the shares of epochs that are over.
pub fn forget_ended(terminal: &mut Terminal, now: UnixTime) {
    ended(terminal, now).iter().for_each(|epoch| terminal.ring.drop_epoch(epoch));
}

/// The epochs that are over and still have shares in the ring.
pub fn ended(terminal: &Terminal, now: UnixTime) -> Vec<CenterEpoch> {
    let anchors = terminal.trust.anchors();
    let mut epochs: Vec<CenterEpoch> =
        terminal.ring.shares().map(|share| share.center().clone()).collect();
    epochs.sort();
    epochs.dedup();
    epochs.retain(|epoch| renewal::is_over(anchors, epoch, now));
    epochs
}

/// What is kept, if it has changed since change number `seen`.
pub fn held_since(unit: &mut dyn Unit, seen: u64) -> Result<Option<Held>, IdentityError> {
    let identity = IDENTITY.get(unit, KEY)?.ok_or(IdentityError::Absent)?;
    if identity.changes == seen {
        return Ok(None);
    }
    let enrolled = identity.enrolled.clone().ok_or(IdentityError::NotEnrolled)?;
    Ok(Some(Held {
        changes: identity.changes,
        signer: Arc::new(SigningKey::from_seed(&identity.signing_seed.0)),
        hpke: secrets(&identity),
        // Checked when it was taken up.
        credential: Arc::new(jws::peek(CREDENTIAL, &enrolled.credential, AtFault::Own)?),
        credential_token: enrolled.credential,
        anchors: enrolled.anchors,
        shares: stored_shares(unit)?,
    }))
}

/// Checks everything that the centers said against the pinned anchors, and keeps it: the epochs, the
/// credential, the shares, in this one transaction. Of the shares held before, those stay whose
/// epoch is still accepted. Says whether anything has changed; the same again changes nothing.
pub fn take_up(
    unit: &mut dyn Unit,
    collected: &Collected,
    now: UnixTime,
) -> Result<bool, IdentityError> {
    let mut identity = IDENTITY.get(unit, KEY)?.ok_or(IdentityError::Absent)?;
    let enrolled = identity.enrolled.clone().ok_or(IdentityError::NotEnrolled)?;
    let anchors = renewal::learn(&enrolled.anchors, &collected.notices, now, CENTER)?;
    let mut credential = enrolled.credential.clone();
    let mut fresh = Vec::new();
    for (center, answer) in &collected.renewals {
        let pinned = pinned(&anchors, center)?;
        let shares = answer.open(&anchors.network, pinned, &identity.sub, &secrets(&identity))?;
        fresh.extend(shares);
        if let Some(token) = &answer.credential {
            credential = newer(&identity, &anchors, (&credential, token), now)?;
        }
    }
    let known = stored_shares(unit)?;
    let place = |share: &Share| (share.center().clone(), share.matrix());
    fresh.retain(|share| !known.iter().any(|other| place(other) == place(share)));
    keep_shares(unit, &fresh)?;
    let renewed = Enrolled { anchors, credential };
    let swept = sweep_by(unit, &renewed.anchors, now)?;
    let changed = swept || !fresh.is_empty() || renewed != enrolled;
    if changed {
        identity.enrolled = Some(renewed);
        identity.changes += 1;
        IDENTITY.put(unit, KEY, &identity)?;
    }
    Ok(changed)
}

/// Deletes the shares whose epoch is over.
pub fn sweep(unit: &mut dyn Unit, now: UnixTime) -> Result<bool, IdentityError> {
    let mut identity = IDENTITY.get(unit, KEY)?.ok_or(IdentityError::Absent)?;
    let enrolled = identity.enrolled.clone().ok_or(IdentityError::NotEnrolled)?;
    let swept = sweep_by(unit, &enrolled.anchors, now)?;
    if swept {
        identity.changes += 1;
        IDENTITY.put(unit, KEY, &identity)?;
    }
    Ok(swept)
}

fn sweep_by(unit: &mut dyn Unit, anchors: &Anchors, now: UnixTime) -> Result<bool, IdentityError> {
    let mut swept = false;
    for share in stored_shares(unit)? {
        if renewal::is_over(anchors, share.center(), now) {
            swept |= SHARES.delete(unit, &super::share_key(&share))?;
        }
    }
    Ok(swept)
}

fn pinned<'a>(
    anchors: &'a Anchors,
    center: &Identifier,
) -> Result<&'a PinnedCenter, ProtocolError> {
    let untrusted = || ProtocolError::new(CENTER, Reason::Untrusted, "grant.iss");
    anchors.centers.iter().find(|pinned| pinned.center == *center).ok_or_else(untrusted)
}

/// The later of two credentials, once the new one has proved to be this party's, of the same class,
/// for the epochs in force.
fn newer(
    identity: &Identity,
    anchors: &Anchors,
    (old, new): (&str, &str),
    now: UnixTime,
) -> Result<String, ProtocolError> {
    let refuse = |reason, field: &'static str| Err(ProtocolError::new(CENTER, reason, field));
    let known: Credential = jws::peek(CREDENTIAL, old, AtFault::Own)?;
    let claims = Trust::new(anchors.clone(), 1).credential(new, now, CENTER)?;
    if anchors.centers.first().is_none_or(|first| first.center != claims.iss) {
        return refuse(Reason::Untrusted, "credential.iss");
    }
    if claims.sub != identity.sub || claims.key != known.key || claims.class != known.class {
        return refuse(Reason::WrongParty, CREDENTIAL.word);
    }
    if claims.epochs != renewal::epochs(anchors) {
        return refuse(Reason::OldEpoch, "credential.epochs");
    }
    // An answer from before, sent again by someone else, takes nobody back.
    Ok(if claims.iat >= known.iat { new } else { old }.to_string())
}
