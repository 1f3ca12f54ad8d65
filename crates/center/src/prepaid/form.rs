//! The form by which a member orders value that an issuer pays for: the center is the front, the
//! issuer authorizes.

use crate::settlement::Settlement;
use serde::{Deserialize, Serialize};
use warifu_ports::{Collection, StoreError, Unit};
use warifu_protocol::{
    AtFault,
    encode::UniqueMap,
    form::{Accepts, Designation, FORM, Form},
    jws,
    rule::Rule,
    suite::Suite,
};
use warifu_types::{Nonce, Role};
use warifu_wire::{FormAnswer, Problem};

/// The form that is shown, under `own`.
const SHOWN: Collection<Shown> = Collection::new("center_top_up_form");
/// How long a form is good for, in seconds.
const LIFETIME: u64 = 30 * 86_400;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    token: String,
}

impl Settlement {
    /// The form for top-ups, kept until it nears its end.
    pub(crate) async fn top_up_form(&self) -> Result<FormAnswer, Problem> {
        let now = self.party.now();
        let limits = &self.settings.limits;
        let wanted = Form {
            iss: self.party.id(),
            network: self.party.terminal().trust.network().to_string(),
            jti: Nonce(self.party.random32()),
            rule: Rule::top_up(),
            parties: [(Role::Issuer, Designation::Holder {})].into_iter().collect(),
            accepts: Accepts {
                currencies: limits.iter().map(|limit| limit.card.currency()).collect(),
                instalments: self.settings.instalments,
                issuers: self.settings.issuers.clone(),
                suites: vec![Suite::KpsHpke, Suite::Kps],
            },
            direct: false,
            iat: now,
            exp: now.plus(LIFETIME),
        };
        let (signer, key) = (self.signer(), self.signer().verifying_key());
        let keep = move |unit: &mut dyn Unit| -> Result<String, StoreError> {
            if let Some(shown) = SHOWN.get(unit, "own")?
                && let Ok(form) = jws::verify::<Form>(FORM, &shown.token, &key, AtFault::Own)
            {
                let same = Form { jti: form.jti, iat: form.iat, exp: form.exp, ..wanted.clone() };
                if form == same && form.iat <= now && now.plus(LIFETIME / 4) < form.exp {
                    return Ok(shown.token);
                }
            }
            let token = wanted.sign(signer.as_ref());
            SHOWN.put(unit, "own", &Shown { token: token.clone() })?;
            Ok(token)
        };
        let form = self.store.run(keep).await?;
        let credential = self.party.terminal().credential_token.clone();
        Ok(FormAnswer { credential, form, credentials: UniqueMap::default() })
    }
}
