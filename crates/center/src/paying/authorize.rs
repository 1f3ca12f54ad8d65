//! The merchant asks how an order stands, and claims or lets go what was paid.
//!
//! Money moves only on the member's telegram. Until that has come, the merchant is told to ask
//! again; once the order is over and unpaid, a refusal is recorded, after which a telegram for it is
//! refused too: the two never disagree.

use super::{
    meter::METERED,
    notice::{NOTICES, notice_key},
};
use crate::{accounts::HOLDS, settlement::Settlement};
use warifu_ports::{
    Unit,
    holds::{Evidence, Tokens, Verdict},
};
use warifu_protocol::{
    AtFault, CLOCK_SKEW, ProtocolError, Reason,
    authorization::AuthorizationRequest,
    jws::{self, Unsigned},
    order::{ORDER, OrderClaims},
    sealed::{self, CheckedOrder, OpenedOrder, SealedOrder},
    settlement::SettlementRequest,
};
use warifu_types::{Identifier, Nonce, Role, UnixTime};
use warifu_wire::{
    AuthorizeAnswer, AuthorizeQuestion, Peer, Problem, SettleQuestion, SettlementAnswer,
};

/// The code of "not paid yet": the merchant asks again.
const PART_NOT_HERE: &str = "part_not_here";

/// What a job needs, gathered before it runs.
struct NotPaid {
    opened: OpenedOrder,
    evidence: Evidence,
    front: Identifier,
    own: Identifier,
    authorization: Nonce,
    now: UnixTime,
}

impl Settlement {
    /// The stored authorization of a paid order, or the refusal of one that is over.
    pub(crate) async fn authorize(
        &self,
        peer: &Peer,
        question: AuthorizeQuestion,
    ) -> Result<AuthorizeAnswer, Problem> {
        let AuthorizeQuestion { sealed, request } = question;
        let (identity, front) = (sealed.identity()?, peer.credential.sub.clone());
        let stored = move |unit: &mut dyn Unit| HOLDS.find(unit, &identity);
        if let Some((_, record)) = self.store.run(stored).await? {
            if record.front != front {
                return Err(Problem::forbidden("order.parties.merchant"));
            }
            return Ok(AuthorizeAnswer {
                authorization: self.party.signed(record.answer.ok_or_else(Problem::internal)?),
            });
        }
        let now = self.party.now();
        let (opened, over) = self.check_order(peer, &sealed, now)?;
        let own = self.party.id();
        AuthorizationRequest::verify(&request, &peer.credential, &own, &opened, now)?;
        if !over {
            let text = "the member has not paid yet; ask again";
            return Err(Problem::new(503, PART_NOT_HERE, text, Some("sealed.parts")));
        }
        let evidence = Evidence::Tokens(Box::new(Tokens {
            order: sealed.order,
            holder_credential: sealed.credential,
            form: sealed.form,
            front_credential: peer.token.clone(),
            request,
            disclosures: Vec::new(),
        }));
        let authorization = Nonce(self.party.random32());
        let work = NotPaid { opened, evidence, front, own, authorization, now };
        let authorization = self.store.run(move |unit| work.commit(unit)).await?;
        Ok(AuthorizeAnswer { authorization: self.party.signed(authorization) })
    }

    /// The order without its part, which a member brings alone; and whether it is over.
    fn check_order(
        &self,
        peer: &Peer,
        sealed: &SealedOrder,
        now: UnixTime,
    ) -> Result<(OpenedOrder, bool), Problem> {
        let claimed: OrderClaims = jws::peek(ORDER, &sealed.order, AtFault::Sender)?;
        let over = claimed.exp.plus(CLOCK_SKEW) <= now;
        // An order that is over is judged as of its own end.
        let at = if over { claimed.exp } else { now };
        let checked = sealed::check(&self.party.terminal(), sealed, &peer.credential, at)?;
        let CheckedOrder { identity, claims, holder, form } = checked;
        let rule = &form.form.rule;
        if (rule.front, rule.authorizer) != (Role::Merchant, Role::Center) {
            return Err(ProtocolError::sender(Reason::WrongParty, "form.rule.authorizer").into());
        }
        if claims.parties.get(&Role::Center) != Some(&self.party.id()) {
            return Err(ProtocolError::sender(Reason::WrongParty, "order.parties.center").into());
        }
        let (fields, disclosures) = Default::default();
        let role = Role::Center;
        Ok((OpenedOrder { identity, claims, holder, form, role, fields, disclosures }, over))
    }

    /// Captures or voids a payment, once. Every retry gives the stored answer.
    pub(crate) async fn settle(
        &self,
        peer: &Peer,
        question: SettleQuestion,
    ) -> Result<SettlementAnswer, Problem> {
        let (own, now) = (self.party.id(), self.party.now());
        let token = question.request;
        let request = SettlementRequest::verify(&token, &peer.credential, &own, now)?;
        let work = move |unit: &mut dyn Unit| {
            let settling = HOLDS.settle(unit, &request, &token, now)?;
            if let Some((order, record)) = HOLDS.find(unit, &request.order)? {
                NOTICES.delete(unit, &notice_key(record.issued, &order))?;
                METERED.delete(unit, &order.to_string())?;
            }
            Ok::<_, Problem>(settling.answer)
        };
        Ok(SettlementAnswer { settlement: self.party.signed(self.store.run(work).await?) })
    }
}

impl NotPaid {
    /// The job. The member's telegram may have come in the meantime.
    fn commit(self, unit: &mut dyn Unit) -> Result<Unsigned, Problem> {
        let key = self.opened.claims.jti.to_string();
        if let Some(known) = HOLDS.records.get(unit, &key)? {
            warifu_wire::same_order(
                (&known.identity, &known.front),
                (&self.opened.identity, &self.front),
            )?;
            return known.answer.ok_or_else(Problem::internal);
        }
        let verdict = Verdict {
            opened: &self.opened,
            own: &self.own,
            front: (&self.front, Role::Merchant),
            authorization: self.authorization,
            outcome: Err("not_paid"),
            transaction: None,
            now: self.now,
            lifetime: 86_400,
        };
        HOLDS.decide(unit, verdict, &self.evidence)?.answer.ok_or_else(Problem::internal)
    }
}
