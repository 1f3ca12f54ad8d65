//! `deliver` and `delivery_status`: opened, checked with the issuer's authorization, kept.

use crate::{
    carrier::Carrier,
    records::{DELIVERIES, DeliveryRecord, IDENTITIES},
    rules::deliveries as rules,
};
use warifu_ports::{StoreError, Unit};
use warifu_protocol::{delivery::DeliveryRequest, view::View};
use warifu_types::{Digest, Role};
use warifu_wire::{
    DeliverQuestion, DeliveryAnswer, DeliveryStatusQuestion, Peer, Problem, same_order,
};

impl Carrier {
    /// Takes a parcel on. The same request again gives the stored answer, also when the order has
    /// expired since.
    pub(crate) async fn deliver(
        &self,
        peer: &Peer,
        question: DeliverQuestion,
    ) -> Result<DeliveryAnswer, Problem> {
        let identity = question.sealed.identity()?;
        if let Some(known) = self.by_identity(identity).await? {
            same_order((&known.identity, &known.merchant), (&identity, &peer.credential.sub))?;
            return Ok(DeliveryAnswer { delivery: known.answer });
        }
        let record = self.check(peer, question).await?;
        let delivery = self.store.run(move |unit| keep(unit, record)).await?;
        Ok(DeliveryAnswer { delivery })
    }

    /// How far a delivery has come, for its merchant alone.
    pub(crate) async fn delivery_status(
        &self,
        peer: &Peer,
        question: DeliveryStatusQuestion,
    ) -> Result<DeliveryAnswer, Problem> {
        let known = self.by_identity(question.order).await?;
        match known.filter(|known| known.merchant == peer.credential.sub) {
            Some(known) => Ok(DeliveryAnswer { delivery: known.answer }),
            None => Err(Problem::not_found("order")),
        }
    }

    async fn check(
        &self,
        peer: &Peer,
        question: DeliverQuestion,
    ) -> Result<DeliveryRecord, Problem> {
        // No other part is this party's to keep.
        let sealed = question.sealed.only(Role::Carrier);
        let opened = self.party.open(&sealed, &peer.credential, Role::Carrier).await?;
        let now = self.party.now();
        let own = self.party.id();
        let request = DeliveryRequest::verify(
            &question.request,
            &self.party.terminal().trust,
            &peer.credential,
            &own,
            &opened,
            now,
        )?;
        let state = rules::first(self.settings.auto_deliver);
        Ok(DeliveryRecord {
            identity: opened.identity,
            merchant: peer.credential.sub.clone(),
            merchant_credential: peer.token.clone(),
            instructions: request.instructions,
            request: question.request,
            view: View::of(&opened, rules::shown(state)),
            answer: self.sign(&peer.credential.sub, opened.identity, state, now),
            disclosures: opened.disclosures,
            sealed,
            state,
            accepted: now,
            changed: now,
        })
    }

    pub(crate) async fn by_identity(
        &self,
        identity: Digest,
    ) -> Result<Option<DeliveryRecord>, StoreError> {
        let find = move |unit: &mut dyn Unit| match IDENTITIES.get(unit, &identity.to_string())? {
            Some(order) => DELIVERIES.get(unit, &order),
            None => Ok(None),
        };
        self.store.run(find).await
    }
}

/// Keeps a new delivery; the same one again gives the first answer.
fn keep(unit: &mut dyn Unit, record: DeliveryRecord) -> Result<String, Problem> {
    let key = record.view.order.to_string();
    if let Some(known) = DELIVERIES.get(unit, &key)? {
        same_order((&known.identity, &known.merchant), (&record.identity, &record.merchant))?;
        return Ok(known.answer);
    }
    DELIVERIES.put(unit, &key, &record)?;
    IDENTITIES.put(unit, &record.identity.to_string(), &key)?;
    tracing::info!(order = %record.view.order, state = %record.view.state, "delivery");
    Ok(record.answer)
}
