//! A broker gives an order up whose provider is dead (row C8): what nobody has asked about yet is
//! refused from then on, and the broker is told how far the rest has come.

use crate::{
    Issuer,
    card_network::{Terms, bar},
    records::{ACCEPTORS, HOLDS, WITHDRAWN},
};
use std::sync::Arc;
use warifu_ports::{Unit, card_network::TradeReference, holds::trade_identity};
use warifu_protocol::{
    status::{State, Status},
    trade_number::TradeNumber,
};
use warifu_types::{Identifier, Role};
use warifu_wire::{Peer, Problem, StatusAnswer, WithdrawQuestion};

impl Issuer {
    /// How far an order has come here, signed. One that is not known, in the network or over the card
    /// network, is refused if anybody asks about it later. A hold stands for its time all the same:
    /// the provider may have served.
    pub(crate) async fn withdraw(
        &self,
        peer: &Peer,
        question: WithdrawQuestion,
    ) -> Result<StatusAnswer, Problem> {
        if !peer.credential.has_role(Role::Broker) {
            return Err(Problem::forbidden("op"));
        }
        let broker = peer.credential.sub.clone();
        let (identity, terms) = (question.identity, self.terms());
        let work = move |unit: &mut dyn Unit| {
            let mut found = over_card_network(unit, &question, terms)?;
            found.extend(in_network(unit, &question, broker)?);
            Ok::<_, Problem>(farthest(&found))
        };
        let state = self.store.run(work).await?;
        let status = Status {
            iss: self.party.id(),
            aud: peer.credential.sub.clone(),
            order: identity,
            state,
            reason: None,
            authorization: None,
            iat: self.party.now(),
        };
        let signer = Arc::clone(&self.party.terminal().signer);
        Ok(StatusAnswer { status: status.sign(signer.as_ref()) })
    }
}

/// The order's state in the network; one that is not known is barred.
fn in_network(
    unit: &mut dyn Unit,
    question: &WithdrawQuestion,
    broker: Identifier,
) -> Result<Option<State>, Problem> {
    let key = question.order.to_string();
    match HOLDS.records.get(unit, &key)? {
        Some(record) if record.identity != question.identity => Err(Problem::conflict("identity")),
        Some(record) => Ok(Some(record.view.state)),
        None => {
            WITHDRAWN.put(unit, &key, &broker)?;
            Ok(None)
        }
    }
}

/// Its states under the merchant's codes as an acceptor; where it is not known it is barred.
fn over_card_network(
    unit: &mut dyn Unit,
    question: &WithdrawQuestion,
    terms: Terms,
) -> Result<Vec<State>, Problem> {
    let reference = TradeNumber::of(&question.order).reference();
    let mut found = Vec::new();
    for (acceptor, merchant) in ACCEPTORS.all(unit)? {
        if merchant != question.merchant {
            continue;
        }
        let trade = TradeReference { acceptor, reference: reference.clone() };
        match HOLDS.find(unit, &trade_identity(&trade))? {
            Some((_, record)) => found.push(record.view.state),
            None => bar(unit, &trade, &merchant, terms)?,
        }
    }
    Ok(found)
}

/// Money that was moved or is held counts before a no.
fn farthest(states: &[State]) -> State {
    let first = [State::Settled, State::Authorized, State::Cancelled];
    first.into_iter().find(|state| states.contains(state)).unwrap_or(State::Refused)
}
