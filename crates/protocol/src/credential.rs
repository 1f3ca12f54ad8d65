//! Credentials: what the center says of a party. Verification keys, HPKE keys and suites come from
//! here and nowhere else.

use crate::{
    encode::check_times,
    error::{AtFault, ProtocolError, Reason, Result},
    hpke::HpkeKey,
    jws::{self, TokenType},
    signer::{Signer, VerifyingKey},
    suite::Suite,
};
use serde::{Deserialize, Serialize};
use warifu_keydist::{CenterEpoch, Matrix, Route};
use warifu_types::{Identifier, Role, UnixTime};

/// The token's type.
pub const CREDENTIAL: TokenType = TokenType { typ: "warifu-credential+jwt", word: "credential" };

/// Which side of the matrices a party stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Class {
    /// Joins freely.
    Holder {},
    /// Admitted, into this group; the group names its matrices.
    Service {
        /// Counts from 0; a group holds at most 255 services at the default thresholds.
        group: u32,
    },
}

/// The claims of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// The center that signs.
    pub iss: Identifier,
    /// The network's name.
    pub network: String,
    /// The party.
    pub sub: Identifier,
    /// Holder or service.
    pub class: Class,
    /// The roles that the party may have.
    pub roles: Vec<Role>,
    /// Its Ed25519 verification key.
    pub key: VerifyingKey,
    /// Its HPKE keys, the preferred first.
    #[serde(deserialize_with = "crate::encode::objects")]
    pub hpke: Vec<HpkeKey>,
    /// The suites that it accepts.
    pub suites: Vec<Suite>,
    /// The centers, in order, and the epoch of the shares that they gave the party.
    #[serde(deserialize_with = "crate::encode::objects")]
    pub epochs: Vec<CenterEpoch>,
    /// Where its service answers; none for holders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Issued at.
    pub iat: UnixTime,
    /// Expires at.
    pub exp: UnixTime,
}

impl Credential {
    /// Signs the credential; for the center.
    pub fn sign(&self, center: &dyn Signer) -> String {
        jws::sign(CREDENTIAL, self, center)
    }

    /// Whether the party may have this role.
    pub fn has_role(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Refuses a party that may not have this role.
    pub fn require_role(&self, role: Role, at_fault: AtFault) -> Result<()> {
        if self.has_role(role) {
            Ok(())
        } else {
            Err(ProtocolError::new(at_fault, Reason::WrongParty, "credential.roles"))
        }
    }

    /// Refuses a credential outside its time.
    pub fn check_time(&self, now: UnixTime, at_fault: AtFault) -> Result<()> {
        check_times(self.iat, self.exp, now, at_fault, CREDENTIAL.word)
    }

    /// The strongest suite that the party accepts.
    pub fn best_suite(&self) -> Suite {
        if self.hpke.is_empty() {
            return Suite::Kps;
        }
        self.suites.iter().copied().max().unwrap_or(Suite::Kps)
    }

    /// The matrix and epochs under which `self` and `peer` find their common key.
    ///
    /// The epochs are the service's where one side is a holder: the holder's are then checked
    /// against its shares. Two holders have no common key.
    pub fn route_to(&self, peer: &Credential) -> Result<Route> {
        let (matrix, epochs) = match (self.class, peer.class) {
            (Class::Holder {}, Class::Service { group }) => {
                (Matrix::Holders { group }, peer.epochs.clone())
            }
            (Class::Service { group }, Class::Holder {}) => {
                (Matrix::Holders { group }, self.epochs.clone())
            }
            (Class::Service { group: a }, Class::Service { group: b }) => {
                (Matrix::between_services(a, b), peer.epochs.clone())
            }
            (Class::Holder {}, Class::Holder {}) => {
                return Err(ProtocolError::sender(Reason::WrongParty, "credential.class"));
            }
        };
        Ok(Route { epochs, matrix })
    }
}
