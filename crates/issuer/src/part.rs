//! A part that comes directly from the holder (row A10, claim 1).

use crate::{
    Issuer,
    records::{HOLDS, WAITING, WaitingPart},
};
use warifu_ports::Unit;
use warifu_protocol::{AtFault, CLOCK_SKEW, ProtocolError, Reason, sealed};
use warifu_types::{Digest, OrderId, Role};
use warifu_wire::{PartQuestion, Peer, Problem, ReceivedAnswer};

impl Issuer {
    /// Keeps the authorizer's part until the front asks. The same part again changes nothing.
    pub(crate) async fn receive_part(
        &self,
        peer: &Peer,
        question: PartQuestion,
    ) -> Result<ReceivedAnswer, Problem> {
        let role = self.settings.role;
        let checked = {
            let now = self.party.now();
            let front = self.party.credential(&question.front, AtFault::Sender)?;
            sealed::check(&self.party.terminal(), &question.sealed, &front, now)?
        };
        if peer.credential.sub != checked.claims.iss {
            return Err(Problem::forbidden("sealed.holder"));
        }
        if checked.form.form.rule.authorizer != role || !checked.form.form.direct {
            return Err(ProtocolError::sender(Reason::OutsideRule, "form.direct").into());
        }
        if checked.claims.parties.get(&role) != Some(&self.party.id()) {
            let field = format!("order.parties.{role}");
            return Err(ProtocolError::sender(Reason::WrongParty, field).into());
        }
        sealed::check_relayed(&checked.claims, &question.sealed, role)?;
        let waiting = WaitingPart {
            identity: checked.identity,
            part: question.sealed.parts.get(&role).cloned().unwrap_or_default(),
            until: checked.claims.exp.plus(CLOCK_SKEW),
        };
        let order = checked.claims.jti;
        self.store.run(move |unit| keep(unit, order, &waiting)).await?;
        Ok(ReceivedAnswer { order: checked.identity })
    }

    /// The part that waits for this order, if it has come.
    pub(crate) async fn waiting_part(
        &self,
        order: OrderId,
        identity: Digest,
    ) -> Result<Option<(Role, String)>, Problem> {
        let role = self.settings.role;
        self.store
            .run(move |unit| {
                let waiting = WAITING.get(unit, &order.to_string())?;
                Ok(waiting.filter(|w| w.identity == identity).map(|w| (role, w.part)))
            })
            .await
    }
}

fn keep(unit: &mut dyn Unit, order: OrderId, waiting: &WaitingPart) -> Result<(), Problem> {
    let key = order.to_string();
    if let Some(record) = HOLDS.records.get(unit, &key)? {
        let same = record.identity == waiting.identity;
        return if same { Ok(()) } else { Err(Problem::conflict("order.jti")) };
    }
    match WAITING.get(unit, &key)? {
        Some(known) if known.identity == waiting.identity => Ok(()),
        Some(_) => Err(Problem::conflict("order.jti")),
        None => Ok(WAITING.put(unit, &key, waiting)?),
    }
}
