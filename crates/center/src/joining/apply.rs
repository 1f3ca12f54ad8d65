//! The guide, the form, the application: before there is any key.

use super::records::{APPLICATIONS, ApplicationRecord, ApplicationState, FORMS, FormRecord, TERMS};
use crate::{Terms, settlement::Settlement};
use warifu_ports::{StoreError, Unit};
use warifu_protocol::joining::{Application, Guide, MemberKind, Reply};
use warifu_types::{Nonce, UnixTime};
use warifu_wire::Problem;

/// How long a form can be used, in seconds.
const FORM_LIFETIME: u64 = 86_400;
/// So many forms are looked at in one job.
const BATCH: usize = 200;

/// The terms in force.
pub(super) fn terms(unit: &mut dyn Unit) -> Result<Terms, StoreError> {
    let known = TERMS.get(unit, "own")?;
    let known = known.map(|known| Terms { member: known.member, merchant: known.merchant });
    Ok(known.unwrap_or_default())
}

impl Settlement {
    /// What everyone may read before joining.
    pub async fn guide(&self) -> Result<Guide, Problem> {
        let terms = self.store.run(terms).await?;
        let terminal = self.party.terminal();
        Ok(Guide {
            anchors: terminal.trust.anchors().clone(),
            credential: terminal.credential_token.clone(),
            member_terms: terms.member,
            merchant_terms: terms.merchant,
        })
    }

    /// Hands out a form.
    pub(crate) async fn join(&self, kind: MemberKind) -> Result<Reply, Problem> {
        let application = Nonce(self.party.random32());
        let until = self.party.now().plus(FORM_LIFETIME);
        let form = FormRecord { kind, until };
        let keep = move |unit: &mut dyn Unit| FORMS.put(unit, &application.to_string(), &form);
        self.store.run(keep).await?;
        Ok(Reply::Form { application, until })
    }

    /// Takes an application for the operator. The same one again changes nothing.
    pub(crate) async fn apply(&self, application: Application) -> Result<Reply, Problem> {
        application.check()?;
        let now = self.party.now();
        let number = application.application;
        self.store.run(move |unit| keep(unit, application, now)).await?;
        Ok(Reply::Applied { application: number })
    }

    /// Forgets forms that nobody has filled in.
    pub(crate) async fn forget_forms(&self) -> Result<(), Problem> {
        let now = self.party.now();
        let mut after = String::new();
        loop {
            let from = after.clone();
            let work = move |unit: &mut dyn Unit| {
                let page = FORMS.scan(unit, &from, BATCH)?;
                for (key, _) in page.iter().filter(|(_, form)| form.until <= now) {
                    FORMS.delete(unit, key)?;
                }
                Ok::<_, StoreError>(page.last().map(|(key, _)| key.clone()))
            };
            match self.store.run(work).await? {
                Some(last) => after = last,
                None => return Ok(()),
            }
        }
    }
}

fn keep(unit: &mut dyn Unit, application: Application, now: UnixTime) -> Result<(), Problem> {
    let key = application.application.to_string();
    if let Some(known) = APPLICATIONS.get(unit, &key)? {
        let same = known.application == application;
        return if same { Ok(()) } else { Err(Problem::conflict("application")) };
    }
    let form = FORMS.get(unit, &key)?.filter(|form| now < form.until);
    let form = form.ok_or_else(|| Problem::not_found("application.application"))?;
    if form.kind != application.profile.kind() {
        return Err(Problem::bad_value("application.profile", "the form is for the other kind"));
    }
    FORMS.delete(unit, &key)?;
    let state = ApplicationState::Waiting {};
    Ok(APPLICATIONS.put(unit, &key, &ApplicationRecord { application, at: now, state })?)
}
