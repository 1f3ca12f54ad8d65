//! The front asks, the authorizer decides (row A11).
//!
//! Everything of one authorization commits in one job: the record, the hold, the signed answer. The
//! same order again finds the record and gives the very same answer.

use crate::{
    Issuer,
    books::Code,
    presented::Shown,
    records::{CARDS, HOLDS, SALTS, WAITING, WITHDRAWN},
    rules::decide::{Asked, Refusal, decide, read},
};
use warifu_ports::{
    Unit,
    holds::{CardId, Evidence, Hold, HoldWish, Tokens, Verdict},
};
use warifu_protocol::{
    ProtocolError, Reason,
    authorization::AuthorizationRequest,
    jws::Unsigned,
    order::ORDER_LIFETIME,
    presented::CardQuestion,
    sealed::{self, OpenedOrder, SealedOrder},
};
use warifu_types::{Digest, Identifier, Money, Nonce, Role, UnixTime};
use warifu_wire::{AuthorizeAnswer, Peer, Problem};

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
    card: Shown,
    hold_seconds: u64,
    max_instalments: u32,
    now: UnixTime,
}

impl Issuer {
    /// Decides on an order, once. Every retry gives the stored answer.
    pub(crate) async fn authorize(
        &self,
        peer: &Peer,
        question: CardQuestion,
    ) -> Result<AuthorizeAnswer, Problem> {
        let identity = question.sealed.identity()?;
        let work = match self.check(peer, question).await {
            Ok(work) => work,
            // An order that is over, or whose part was used, may have been answered in its time.
            Err(problem) if problem.code == "expired" || problem.code == PART_NOT_HERE => {
                let answer = self.answered(identity, peer.credential.sub.clone()).await?;
                return answer.map(|token| self.authorized(token)).ok_or(problem);
            }
            Err(problem) => return Err(problem),
        };
        let answer = self.store.run(move |unit| work.commit(unit)).await?;
        Ok(self.authorized(answer))
    }

    fn authorized(&self, answer: Unsigned) -> AuthorizeAnswer {
        AuthorizeAnswer { authorization: self.party.signed(answer) }
    }

    /// Opens the part and checks everything that needs no records.
    async fn check(&self, peer: &Peer, question: CardQuestion) -> Result<Work, Problem> {
        let role = self.settings.role;
        let CardQuestion { sealed, request, card } = question;
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
        let by = (&*peer.credential, &own);
        AuthorizationRequest::verify_with(&request, by, &opened, card.as_ref(), now)?;
        let card = self.card_of(&opened, card.as_ref()).await?;
        let evidence = Evidence::Tokens(Box::new(Tokens {
            order: sealed.order,
            holder_credential: sealed.credential,
            form: sealed.form,
            front_credential: peer.token.clone(),
            request,
            disclosures: opened.disclosures.clone(),
        }));
        Ok(Work {
            opened,
            evidence,
            front: peer.credential.sub.clone(),
            front_role: peer.role,
            own,
            role,
            authorization: Nonce(self.party.random32()),
            card,
            hold_seconds: self.settings.hold_seconds(),
            max_instalments: self.settings.max_instalments,
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
    ) -> Result<Option<Unsigned>, Problem> {
        self.store
            .run(move |unit| {
                let record = HOLDS.find(unit, &identity)?.map(|(_, record)| record);
                Ok(record.filter(|record| record.front == front).and_then(|record| record.answer))
            })
            .await
    }
}

impl Work {
    /// The job.
    fn commit(self, unit: &mut dyn Unit) -> Result<Unsigned, Problem> {
        let key = self.opened.claims.jti.to_string();
        if let Some(record) = HOLDS.records.get(unit, &key)? {
            if record.identity != self.opened.identity {
                return Err(Problem::conflict("order.jti"));
            }
            return record.answer.ok_or_else(Problem::internal);
        }
        let decided = self.decide(unit)?;
        let verdict = Verdict {
            opened: &self.opened,
            own: &self.own,
            front: (&self.front, self.front_role),
            authorization: self.authorization,
            outcome: decided.map_err(Refusal::code),
            transaction: None,
            now: self.now,
            lifetime: match self.role {
                Role::CardManager => ORDER_LIFETIME,
                _ => self.hold_seconds,
            },
        };
        let record = HOLDS.decide(unit, verdict, &self.evidence)?;
        WAITING.delete(unit, &key)?;
        if let Shown::Beside { salts, .. } = &self.card {
            SALTS.put(unit, &key, salts)?;
        }
        record.answer.ok_or_else(Problem::internal)
    }

    /// The decision, with the money held if it is good; none for a badge.
    fn decide(&self, unit: &mut dyn Unit) -> Result<Result<Option<Hold>, Refusal>, Problem> {
        let key = self.opened.claims.jti.to_string();
        if WITHDRAWN.get(unit, &key)?.is_some_and(|broker| broker == self.opened.claims.iss) {
            return Ok(Err(Refusal::Withdrawn));
        }
        let card = match &self.card {
            Shown::InPart => None,
            Shown::Beside { card, .. } | Shown::Named { card } => Some(card),
            Shown::Unknown => return Ok(Err(Refusal::NotAuthenticated)),
        };
        let (claim, asked) = read(&self.opened, self.role, card).map_err(|field| {
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
        let wish = HoldWish {
            card: &card,
            front: &self.front,
            amount,
            payments,
            order: &self.opened.claims.jti,
            identity: &self.opened.identity,
            at: self.opened.claims.iat,
            code: Code::Purchase as u16,
        };
        Ok(HOLDS.hold(unit, &wish)?.map(Some).ok_or(Refusal::LimitExceeded))
    }
}
