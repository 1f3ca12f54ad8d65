//! The front asks, the authorizer decides (row A11).
//!
//! Everything of one authorization commits in one job: the record, the hold, the signed answer. The
//! same order again finds the record and gives the very same answer.

use crate::{
    Issuer,
    books::{AccountName, Code, apply, order_transfer},
    records::{
        BY_IDENTITY, CARDS, CardId, EVIDENCE, Evidence, Hold, OPEN_HOLDS, RECORDS, Record, WAITING,
        by_identity, hold_key,
    },
    rules::decide::{Asked, Refusal, decide, read},
};
use std::sync::Arc;
use warifu_ledger::{Transfer, TransferResult};
use warifu_ports::Unit;
use warifu_protocol::{
    ProtocolError, Reason,
    authorization::{Authorization, AuthorizationRequest, Decision},
    order::ORDER_LIFETIME,
    sealed::{self, OpenedOrder, SealedOrder},
    signer::Signer,
    status::State,
    view::View,
};
use warifu_types::{Digest, Identifier, Money, Nonce, Role, UnixTime};
use warifu_wire::{AuthorizeAnswer, AuthorizeQuestion, Peer, Problem};

/// The code of "the part has not come yet": the front asks again.
const PART_NOT_HERE: &str = "part_not_here";

/// What a job needs, gathered before it runs.
struct Work {
    opened: OpenedOrder,
    evidence: Evidence,
    front: Identifier,
    front_role: Role,
    own: Identifier,
    role: Role,
    authorization: Nonce,
    hold_seconds: u64,
    max_instalments: u32,
    signer: Arc<dyn Signer>,
    now: UnixTime,
}

impl Issuer {
    /// Decides on an order, once. Every retry gives the stored answer.
    pub(crate) async fn authorize(
        &self,
        peer: &Peer,
        question: AuthorizeQuestion,
    ) -> Result<AuthorizeAnswer, Problem> {
        let identity = question.sealed.identity()?;
        let work = match self.check(peer, question).await {
            Ok(work) => work,
            // An order that is over, or whose part was used, may have been answered in its time.
            Err(problem) if problem.code == "expired" || problem.code == PART_NOT_HERE => {
                let answer = self.answered(identity, peer.credential.sub.clone()).await?;
                return answer
                    .map(|authorization| AuthorizeAnswer { authorization })
                    .ok_or(problem);
            }
            Err(problem) => return Err(problem),
        };
        let authorization = self.store.run(move |unit| work.commit(unit)).await?;
        Ok(AuthorizeAnswer { authorization })
    }

    /// Opens the part and checks everything that needs no records.
    async fn check(&self, peer: &Peer, question: AuthorizeQuestion) -> Result<Work, Problem> {
        let role = self.settings.role;
        let AuthorizeQuestion { sealed, request } = question;
        let sealed = self.with_direct_part(peer, sealed).await?;
        let opened = self.party.open(&sealed, &peer.credential, role).await?;
        let rule = &opened.form.form.rule;
        if rule.authorizer != role {
            return Err(ProtocolError::sender(Reason::WrongParty, "form.rule.authorizer").into());
        }
        if rule.front != peer.role {
            return Err(Problem::forbidden("form.rule.front"));
        }
        let own = self.party.id();
        let now = self.party.now();
        AuthorizationRequest::verify(&request, &peer.credential, &own, &opened, now)?;
        let evidence = Evidence {
            order: sealed.order,
            holder_credential: sealed.credential,
            form: sealed.form,
            front_credential: peer.token.clone(),
            request,
            disclosures: opened.disclosures.clone(),
        };
        Ok(Work {
            opened,
            evidence,
            front: peer.credential.sub.clone(),
            front_role: peer.role,
            own,
            role,
            authorization: Nonce(self.party.random32()),
            hold_seconds: self.settings.hold_seconds(),
            max_instalments: self.settings.max_instalments,
            signer: Arc::clone(&self.party.terminal().signer),
            now,
        })
    }

    /// The bundle with the part that came directly, where the form says that it does.
    async fn with_direct_part(
        &self,
        peer: &Peer,
        mut bundle: SealedOrder,
    ) -> Result<SealedOrder, Problem> {
        if bundle.parts.contains_key(&self.settings.role) {
            return Ok(bundle);
        }
        let checked = {
            let now = self.party.now();
            sealed::check(&self.party.terminal(), &bundle, &peer.credential, now)?
        };
        if !checked.form.form.direct {
            return Ok(bundle);
        }
        match self.waiting_part(checked.claims.jti, checked.identity).await? {
            Some((role, part)) => {
                bundle.parts.as_mut().insert(role, part);
                Ok(bundle)
            }
            None => Err(Problem::new(
                503,
                PART_NOT_HERE,
                "the holder's part has not come yet; ask again",
                Some("sealed.parts"),
            )),
        }
    }

    /// The stored answer to an order, for the front that it was given to.
    async fn answered(
        &self,
        identity: Digest,
        front: Identifier,
    ) -> Result<Option<String>, Problem> {
        self.store
            .run(move |unit| {
                let record = by_identity(unit, &identity)?.map(|(_, record)| record);
                Ok(record.filter(|record| record.front == front).map(|record| record.answer))
            })
            .await
    }
}

impl Work {
    /// The job.
    fn commit(self, unit: &mut dyn Unit) -> Result<String, Problem> {
        let order = self.opened.claims.jti;
        let key = order.to_string();
        if let Some(record) = RECORDS.get(unit, &key)? {
            if record.identity != self.opened.identity {
                return Err(Problem::conflict("order.jti"));
            }
            return Ok(record.answer);
        }
        let decided = self.decide(unit)?;
        let lifetime =
            if self.role == Role::CardManager { ORDER_LIFETIME } else { self.hold_seconds };
        let decision = if decided.is_ok() { Decision::Authorized } else { Decision::Refused };
        let authorization = Authorization {
            iss: self.own.clone(),
            aud: self.front.clone(),
            order: self.opened.identity,
            jti: self.authorization,
            decision,
            reason: decided.as_ref().err().map(|refusal| refusal.code().to_string()),
            iat: self.now,
            exp: self.now.plus(lifetime),
        };
        let answer = authorization.sign(self.signer.as_ref());
        let state = if decided.is_ok() { State::Authorized } else { State::Refused };
        let hold = decided.unwrap_or(None);
        if hold.is_some() {
            OPEN_HOLDS.put(unit, &hold_key(authorization.exp, &order), &order)?;
        }
        let record = Record {
            identity: self.opened.identity,
            front: self.front,
            front_role: self.front_role,
            authorization: self.authorization,
            decision,
            answer: answer.clone(),
            view: View::of(&self.opened, state),
            issued: self.now,
            expires: authorization.exp,
            hold,
            settled: None,
            released: false,
        };
        RECORDS.put(unit, &key, &record)?;
        BY_IDENTITY.put(unit, &record.identity.to_string(), &order)?;
        EVIDENCE.put(unit, &key, &self.evidence)?;
        WAITING.delete(unit, &key)?;
        Ok(answer)
    }

    /// The decision, with the money held if it is good; none for a badge.
    fn decide(&self, unit: &mut dyn Unit) -> Result<Result<Option<Hold>, Refusal>, Problem> {
        let (claim, asked) = read(&self.opened, self.role).map_err(|field| {
            let field = format!("form.rule.parts.{}.{field}", self.role);
            Problem::from(ProtocolError::sender(Reason::OutsideRule, field))
        })?;
        let id = CardId::of(unit, claim.card_number);
        let card = CARDS.get(unit, id.as_str())?;
        if let Err(refusal) = decide(card.as_ref(), &claim, &asked, self.max_instalments, self.now)
        {
            return Ok(Err(refusal));
        }
        match asked {
            Asked::Access { .. } => Ok(Ok(None)),
            Asked::Purchase { amount, payments } => self.hold(unit, id, amount, payments),
        }
    }

    /// Holds the amount, within the card's limit.
    fn hold(
        &self,
        unit: &mut dyn Unit,
        card: CardId,
        amount: Money,
        payments: u32,
    ) -> Result<Result<Option<Hold>, Refusal>, Problem> {
        let from = AccountName::card(&card, amount.currency()).open(unit)?;
        let to = AccountName::merchant(&self.front, amount.currency()).open(unit)?;
        let identity = &self.opened.identity;
        let transfer = order_transfer("hold", identity, self.opened.claims.iat);
        let pending = Transfer::pending(transfer, from, to, amount)
            .with_code(Code::Purchase as u16)
            .with_user_data(warifu_ledger::AccountId::from_digest(&identity.0).0);
        match apply(unit, pending)? {
            TransferResult::ExceedsCredits => Ok(Err(Refusal::LimitExceeded)),
            result if result.is_applied() => {
                Ok(Ok(Some(Hold { transfer, card, amount, payments })))
            }
            result => {
                tracing::error!(%transfer, %result, "the ledger refused a hold");
                Err(Problem::internal())
            }
        }
    }
}
