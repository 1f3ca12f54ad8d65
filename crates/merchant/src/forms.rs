//! The signed forms: kept until they near their end, and accepted after a restart (row A5).

use crate::{
    merchant::Merchant,
    records::{FORMS, IssuedForm, SHOWN_FORMS, ShownForm},
    settings::OfferedRule,
};
use std::sync::PoisonError;
use warifu_ports::{StoreError, Unit};
use warifu_protocol::{
    AtFault,
    encode::{UniqueMap, sha256},
    form::{Accepts, Designation, FORM, Form},
    goods::Kind,
    jws,
};
use warifu_types::{Identifier, Nonce, Role, UnixTime};
use warifu_wire::{CallError, FormAnswer, Found, Problem};

impl Merchant {
    /// The form of the rule of this name (or of the first rule), with the credentials that a holder
    /// needs to seal an order.
    pub async fn form(&self, rule: Option<&str>) -> Result<FormAnswer, Problem> {
        let offered = self.settings.rule(rule).ok_or_else(|| Problem::not_found("rule"))?;
        let form = self.shown_form(offered).await?;
        let mut credentials = UniqueMap::default();
        for (role, designation) in &offered.parties {
            if let Some(found) = self.designated(designation).await? {
                found.credential.require_role(*role, AtFault::Own)?;
                credentials.as_mut().insert(*role, found.token);
            }
        }
        let credential = self.party.terminal().credential_token.clone();
        Ok(FormAnswer { credential, form, credentials })
    }

    /// Whom a designation means; none where the holder chooses.
    pub(crate) async fn designated(
        &self,
        designation: &Designation,
    ) -> Result<Option<Found>, CallError> {
        let directory = self.party.directory();
        match designation {
            Designation::Holder {} => Ok(None),
            Designation::Identifier(who) => directory.find(&self.party, who).await.map(Some),
            Designation::Name(name) => match directory.find_name(&self.party, name).await {
                Ok(found) => {
                    self.names().insert(name.clone(), found.credential.sub.clone());
                    Ok(Some(found))
                }
                Err(error) => {
                    let known = self.names().get(name).cloned();
                    match known.filter(|_| error.is_temporary()) {
                        Some(who) => directory.find(&self.party, &who).await.map(Some),
                        None => Err(error),
                    }
                }
            },
        }
    }

    async fn shown_form(&self, offered: &OfferedRule) -> Result<String, Problem> {
        let now = self.party.now();
        let wanted = self.new_form(offered, now);
        wanted.check(&wanted.network, &self.party.terminal().credential, now, AtFault::Own)?;
        let token = wanted.sign(self.party.terminal().signer.as_ref());
        let key = self.party.terminal().signer.verifying_key();
        let keep = move |unit: &mut dyn Unit| -> Result<String, StoreError> {
            if let Some(shown) = SHOWN_FORMS.get(unit, &wanted.rule.name)?
                && let Ok(form) = jws::verify::<Form>(FORM, &shown.token, &key, AtFault::Own)
                && still_good(&form, &wanted, now)
            {
                return Ok(shown.token);
            }
            let kind = Kind::of_rule(&wanted.rule.name);
            let issued = IssuedForm { accepts: wanted.accepts, kind, exp: wanted.exp };
            FORMS.put(unit, &sha256(token.as_bytes()).to_string(), &issued)?;
            SHOWN_FORMS.put(unit, &wanted.rule.name, &ShownForm { token: token.clone() })?;
            Ok(token)
        };
        Ok(self.store.run(keep).await?)
    }

    fn new_form(&self, offered: &OfferedRule, now: UnixTime) -> Form {
        let parties: UniqueMap<Role, Designation> =
            offered.parties.iter().map(|(role, who)| (*role, who.clone())).collect();
        let mut accepts: Accepts = self.settings.accepts.clone();
        if offered.rule.authorizer != Role::Issuer {
            // These are the issuers of cards, not the center that the form designates.
            accepts.issuers.clear();
        }
        Form {
            iss: self.party.id(),
            network: self.party.terminal().trust.network().to_string(),
            jti: Nonce(self.party.random32()),
            rule: offered.rule.clone(),
            parties,
            accepts,
            direct: offered.direct,
            iat: now,
            exp: now.plus(self.settings.form_lifetime),
        }
    }

    fn names(&self) -> std::sync::MutexGuard<'_, std::collections::HashMap<String, Identifier>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a form that was shown before still says what is wanted, and has a quarter of its life
/// before it.
fn still_good(shown: &Form, wanted: &Form, now: UnixTime) -> bool {
    let quarter = shown.exp.0.saturating_sub(shown.iat.0) / 4;
    let same = Form { jti: shown.jti, iat: shown.iat, exp: shown.exp, ..wanted.clone() };
    *shown == same && now.plus(quarter) < shown.exp && shown.iat <= now
}
