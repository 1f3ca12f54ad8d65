//! A request that an issuer pays for, step by step: asked, authorized, issued, claimed (row B7, way
//! 1). Each step asks an issuer who gives the same answer twice, and records it with its money in
//! one job; after a crash the worker takes it up where it stands.

use super::{
    issue::forget,
    records::{Claimed, Credit, Stage, TOP_UPS, TopUpRecord, UNFINISHED},
};
use crate::{accounts::Code, settlement::Settlement};
use std::{pin::Pin, sync::Arc};
use warifu_ports::{
    StoreError, Unit,
    books::{AccountKind, AccountName},
};
use warifu_protocol::{
    ProtocolError, Reason,
    authorization::{Authorization, AuthorizationRequest, Decision},
    credential::Credential,
    settlement::{Action, Settlement as Settled, SettlementRequest},
};
use warifu_types::{Nonce, Role};
use warifu_wire::{
    AuthorizeAnswer, AuthorizeQuestion, CallError, Problem, SettleQuestion, SettlementAnswer,
};

/// How long a request to an issuer is good for, in seconds.
const REQUEST_LIFETIME: u64 = 300;
/// So many requests are read at once.
const PAGE: usize = 100;

/// A request on its way. Boxed as a named type, since the rest of the way begins on it.
type Driving = Pin<Box<dyn Future<Output = Result<(), Problem>> + Send>>;

impl Settlement {
    /// Takes a request as far as it goes now; `to_card` waits for the card only, and the rest goes
    /// on by itself.
    pub(crate) fn drive(self: Arc<Self>, key: String, to_card: bool) -> Driving {
        Box::pin(self.go(key, to_card))
    }

    async fn go(self: Arc<Self>, key: String, to_card: bool) -> Result<(), Problem> {
        let turn = self.turns.take(&key).await;
        loop {
            let place = key.clone();
            let load = move |unit: &mut dyn Unit| TOP_UPS.get(unit, &place);
            let Some(record) = self.store.run(load).await? else { return Ok(()) };
            let Some(credit) = record.credit.as_deref() else { return Ok(()) };
            match &record.state {
                Stage::Asked {} => self.ask_issuer(&key, &record, credit).await?,
                Stage::Authorized { .. } => self.issue_card(&key).await?,
                Stage::Issued { authorization: Some((_, id)), claimed: None, .. } if !to_card => {
                    self.claim(&key, credit, *id).await?;
                }
                Stage::Issued { claimed: None, .. } if to_card => {
                    drop(turn);
                    tokio::spawn(self.drive(key, false));
                    return Ok(());
                }
                Stage::Issued { .. } | Stage::Refused { .. } => return Ok(()),
            }
        }
    }

    /// Takes up every request that is unfinished; one that cannot go on does not hold up others.
    pub(crate) async fn drive_all(self: &Arc<Self>) -> Result<(), Problem> {
        let mut after = String::new();
        loop {
            let from = after.clone();
            let page = self.store.run(move |unit| UNFINISHED.scan(unit, &from, PAGE)).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after.clone_from(last);
            for (key, _) in page {
                if let Err(problem) = self.clone().drive(key, false).await {
                    tracing::info!(code = problem.code, "a top-up waits");
                }
            }
        }
    }

    /// Asked → authorized or refused.
    async fn ask_issuer(
        &self,
        key: &str,
        record: &TopUpRecord,
        credit: &Credit,
    ) -> Result<(), Problem> {
        let state = match self.authorization(credit).await {
            Ok((claims, token)) if claims.decision == Decision::Authorized => {
                Stage::Authorized { token, id: claims.jti }
            }
            Ok((claims, _)) => {
                let reason = claims.reason.unwrap_or_default();
                Stage::Refused { reason: plain_code(&reason) }
            }
            Err(error) => match error.definite() {
                Some(problem) => Stage::Refused { reason: plain_code(&problem.code) },
                None => return Err(error.into()),
            },
        };
        let (key, member) = (key.to_string(), record.member.clone());
        let change = move |unit: &mut dyn Unit| {
            let Some(mut record) = TOP_UPS.get(unit, &key)? else { return Ok(()) };
            if matches!(record.state, Stage::Asked {}) {
                if let Stage::Refused { .. } = state {
                    forget(unit, &key, &member)?;
                    UNFINISHED.delete(unit, &key)?;
                }
                record.state = state;
                TOP_UPS.put(unit, &key, &record)?;
            }
            Ok::<_, Problem>(())
        };
        self.store.run(change).await
    }

    async fn authorization(&self, credit: &Credit) -> Result<(Authorization, String), CallError> {
        let (issuer, url) = self.issuer(credit).await?;
        let (now, own) = (self.party.now(), self.party.id());
        let request = AuthorizationRequest {
            iss: own.clone(),
            aud: credit.issuer.clone(),
            order: credit.identity,
            digests: credit.shared.clone(),
            iat: now,
            exp: now.plus(REQUEST_LIFETIME),
        };
        let request = request.sign(self.signer().as_ref());
        let question = AuthorizeQuestion { sealed: credit.sealed.clone(), request };
        let answer: AuthorizeAnswer =
            self.ask(&issuer, &url, Role::Issuer, ("authorize", &question)).await?;
        let by = (Role::Issuer, issuer.as_ref());
        let token = answer.authorization;
        Ok((Authorization::verify(&token, by, &own, &credit.identity, self.party.now())?, token))
    }

    /// Authorized → issued: the issuer owes, the card is loaded and signed.
    async fn issue_card(&self, key: &str) -> Result<(), Problem> {
        let (key, press) = (key.to_string(), self.press());
        let work = move |unit: &mut dyn Unit| {
            let Some(mut record) = TOP_UPS.get(unit, &key)? else { return Ok(()) };
            let Stage::Authorized { token, id } = record.state.clone() else { return Ok(()) };
            let credit = record.credit.as_ref().ok_or_else(Problem::internal)?;
            let currency = record.amount.currency();
            let from = AccountName::party(AccountKind::Issuer, &credit.issuer, currency);
            let card = press.issue(unit, (&key, &record), &from, Code::Credit)?;
            let authorization = Some((token, id));
            record.state = Stage::Issued { card, authorization, claimed: None };
            TOP_UPS.put(unit, &key, &record)?;
            Ok::<_, Problem>(())
        };
        self.store.run(work).await
    }

    /// Issued → claimed.
    async fn claim(&self, key: &str, credit: &Credit, id: Nonce) -> Result<(), Problem> {
        let claim = match self.capture(credit, id).await {
            Ok(token) => Claimed::Paid(token),
            Err(error) => match error.definite() {
                Some(problem) => {
                    tracing::error!(code = problem.code, "an issuer does not pay for a card");
                    Claimed::Refused(plain_code(&problem.code))
                }
                None => return Err(error.into()),
            },
        };
        let key = key.to_string();
        let work = move |unit: &mut dyn Unit| {
            let Some(mut record) = TOP_UPS.get(unit, &key)? else { return Ok(()) };
            if let Stage::Issued { claimed, .. } = &mut record.state {
                claimed.get_or_insert(claim);
                TOP_UPS.put(unit, &key, &record)?;
                UNFINISHED.delete(unit, &key)?;
            }
            Ok::<_, StoreError>(())
        };
        Ok(self.store.run(work).await?)
    }

    async fn capture(&self, credit: &Credit, id: Nonce) -> Result<String, CallError> {
        let (issuer, url) = self.issuer(credit).await?;
        let (now, own) = (self.party.now(), self.party.id());
        let request = SettlementRequest {
            iss: own.clone(),
            aud: credit.issuer.clone(),
            order: credit.identity,
            authorization: id,
            action: Action::Capture,
            amount: None,
            iat: now,
            exp: now.plus(REQUEST_LIFETIME),
        };
        let question = SettleQuestion { request: request.sign(self.signer().as_ref()) };
        let answer: SettlementAnswer =
            self.ask(&issuer, &url, Role::Issuer, ("settle", &question)).await?;
        let token = answer.settlement;
        Settled::verify(&token, &issuer, &own, &credit.identity, Action::Capture)?;
        Ok(token)
    }

    async fn issuer(&self, credit: &Credit) -> Result<(Arc<Credential>, String), CallError> {
        let (issuer, url) = self.find(&credit.issuer, None).await?;
        if !issuer.has_role(Role::Issuer) {
            return Err(ProtocolError::sender(Reason::WrongParty, "order.parties.issuer").into());
        }
        Ok((issuer, url))
    }
}

/// A code of somebody else's: short and plain, or `refused`.
fn plain_code(code: &str) -> String {
    let plain = code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain && (1..=64).contains(&code.len()) { code.to_string() } else { "refused".to_string() }
}
