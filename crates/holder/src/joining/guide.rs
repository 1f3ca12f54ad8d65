//! The center's guide, and the application (rows B2, B3): before there is any key.

use crate::HolderError;
use std::{fmt, sync::Arc};
use warifu_protocol::{
    AtFault, ProtocolError, Reason,
    credential::Credential,
    enrolment::fingerprint,
    joining::{Application, Guide, MemberKind, Message, Reply, terms_hash},
    telegram::Profile,
    trust::{Anchors, Trust},
};
use warifu_types::{Digest, Nonce, Role, UnixTime};
use warifu_wire::{Random, TelegramSession};

/// A center's guide whose parts fit each other. Whether it is the right center's, only the
/// fingerprint tells.
pub struct CheckedGuide {
    guide: Guide,
    center: Arc<Credential>,
}

impl fmt::Debug for CheckedGuide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckedGuide({})", self.center.sub)
    }
}

impl CheckedGuide {
    /// Checks that the center's credential is signed by the very anchors that the guide names.
    pub fn new(guide: Guide, now: UnixTime) -> Result<CheckedGuide, HolderError> {
        let trust = Trust::new(guide.anchors.clone(), 4);
        let center = trust.credential(&guide.credential, now, AtFault::Sender)?;
        center.require_role(Role::Center, AtFault::Sender)?;
        Ok(CheckedGuide { guide, center })
    }

    /// The center's credential as it was shown.
    pub(super) fn token(&self) -> &str {
        &self.guide.credential
    }

    /// The network and its centers.
    pub(super) fn anchors(&self) -> &Anchors {
        &self.guide.anchors
    }

    /// The center's credential.
    pub fn center(&self) -> &Arc<Credential> {
        &self.center
    }

    /// The network's name.
    pub fn network(&self) -> &str {
        &self.guide.anchors.network
    }

    /// The fingerprint that the letter has too, if this is the right center.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.guide.anchors)
    }

    /// The terms, and the hash by which they are confirmed.
    pub fn terms(&self, kind: MemberKind) -> (&str, Digest) {
        let terms = self.guide.terms(kind);
        (terms, terms_hash(terms))
    }

    /// Compares with the letter's fingerprint, as it was typed: spaces, colons, hyphens and case do
    /// not matter.
    pub fn compare(&self, typed: &str) -> Result<(), HolderError> {
        let shown = self.fingerprint();
        let bare = |text: &str| text.replace([' ', ':', '-', '\t'], "").to_lowercase();
        match bare(typed) == bare(&shown) {
            true => Ok(()),
            false => Err(HolderError::OtherFingerprint { shown }),
        }
    }
}

/// Applies to a center: asks for a form and fills it in. Returns the form's number. What nobody can
/// have as their data is refused before anything is sent.
pub async fn apply(
    guide: &CheckedGuide,
    profile: Profile,
    language: &str,
    random: &mut Random,
) -> Result<Nonce, HolderError> {
    let kind = profile.kind();
    let language = language.to_string();
    let mut filled = Application { application: Nonce([0; 32]), profile, language };
    filled.check()?;
    let session = TelegramSession::open(guide.network(), &guide.center, random).await?;
    let Reply::Form { application, .. } = session.say(&Message::Join { kind }).await? else {
        return Err(other_reply().into());
    };
    filled.application = application;
    match session.say(&Message::Apply(Box::new(filled))).await? {
        Reply::Applied { application: taken } if taken == application => Ok(application),
        _ => Err(other_reply().into()),
    }
}

/// The center says something else than what was asked for.
fn other_reply() -> ProtocolError {
    ProtocolError::new(AtFault::Role(Role::Center), Reason::Mismatch, "reply")
}
