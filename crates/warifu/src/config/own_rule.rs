//! `[merchant.own_rules.NAME]`: a disclosure rule that the operator writes (row A7).

use serde::Deserialize;
use std::collections::BTreeMap;
use warifu_types::{FieldName, Role};

/// Which known field goes into which part. What a part may hold and must hold, every party checks
/// (`docs/protocol.md`, section 10); the program checks it when it starts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnRule {
    /// Who authorizes: the `issuer`, or the `center` for prepaid cards.
    #[serde(default = "issuer")]
    pub authorizer: Role,
    /// Whether the issuer's part goes to it from the holder directly. A center's always does.
    #[serde(default)]
    pub direct: bool,
    /// The fields of each party's part.
    pub parts: BTreeMap<Role, Vec<FieldName>>,
}

fn issuer() -> Role {
    Role::Issuer
}
