//! The observer itself, and what it answers within sessions.

use crate::{
    records::{IDENTITIES, NOTICES, NoticeRecord},
    rules::notices as rules,
};
use async_trait::async_trait;
use axum::Router;
use serde_json::value::RawValue;
use std::sync::Arc;
use warifu_ports::{Store, Unit};
use warifu_protocol::{delivery::DeliveryRequest, status::State, view::View};
use warifu_types::{Digest, Identifier, OrderId, Role, UnixTime};
use warifu_wire::{
    DeliverQuestion, Party, Peer, Problem, ReceivedAnswer, Service, read_body, same_order,
    serve_routes, write_answer,
};

/// A further party.
pub struct Observer {
    party: Arc<Party>,
    store: Arc<dyn Store>,
    role: Role,
}

/// A notice as the operator's list shows it; the fields are in its view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeSummary {
    /// The order.
    pub order: OrderId,
    /// The merchant, or the door.
    pub front: Identifier,
    /// When it came.
    pub received: UnixTime,
}

/// Every route of an observer.
pub fn routes(observer: Arc<Observer>) -> Router {
    serve_routes(observer)
}

impl Observer {
    /// An observer in `role`, such as [`Role::Gateway`] or [`Role::Certifier`], with its records in
    /// `store`.
    pub fn new(party: Arc<Party>, store: Arc<dyn Store>, role: Role) -> Arc<Observer> {
        Arc::new(Observer { party, store, role })
    }

    /// The party that this observer is.
    pub fn party(&self) -> &Arc<Party> {
        &self.party
    }

    /// What the observer could read of an order; none if it was told of no such order.
    pub async fn view(&self, order: &OrderId) -> Result<Option<View>, Problem> {
        let key = order.to_string();
        let known = self.store.run(move |unit| NOTICES.get(unit, &key)).await?;
        Ok(known.map(|record| record.view))
    }

    /// At most `limit` notices after the id `after`, by id.
    pub async fn notices(
        &self,
        after: Option<&OrderId>,
        limit: usize,
    ) -> Result<Vec<NoticeSummary>, Problem> {
        let after = after.map(OrderId::to_string).unwrap_or_default();
        let page = self.store.run(move |unit| NOTICES.scan(unit, &after, limit)).await?;
        let summary = |record: NoticeRecord| NoticeSummary {
            order: record.view.order,
            front: record.front,
            received: record.received,
        };
        Ok(page.into_iter().map(|(_, record)| summary(record)).collect())
    }

    /// Takes a notice. The same one again gives the same answer.
    async fn notify(
        &self,
        peer: &Peer,
        question: DeliverQuestion,
    ) -> Result<ReceivedAnswer, Problem> {
        let identity = question.sealed.identity()?;
        if let Some(front) = self.front_of(identity).await? {
            same_order((&identity, &front), (&identity, &peer.credential.sub))?;
            return Ok(ReceivedAnswer { order: identity });
        }
        let record = self.check(peer, question).await?;
        self.store.run(move |unit| keep(unit, record)).await?;
        Ok(ReceivedAnswer { order: identity })
    }

    async fn check(&self, peer: &Peer, question: DeliverQuestion) -> Result<NoticeRecord, Problem> {
        // No other part is this party's to keep.
        let sealed = question.sealed.only(self.role);
        let opened = self.party.open(&sealed, &peer.credential, self.role).await?;
        let now = self.party.now();
        let own = self.party.id();
        DeliveryRequest::verify(
            &question.request,
            &self.party.terminal().trust,
            &peer.credential,
            &own,
            &opened,
            now,
        )?;
        Ok(NoticeRecord {
            identity: opened.identity,
            front: peer.credential.sub.clone(),
            front_credential: peer.token.clone(),
            request: question.request,
            view: View::of(&opened, State::Authorized),
            disclosures: opened.disclosures,
            sealed,
            received: now,
        })
    }

    async fn front_of(&self, identity: Digest) -> Result<Option<Identifier>, Problem> {
        let find = move |unit: &mut dyn Unit| match IDENTITIES.get(unit, &identity.to_string())? {
            Some(order) => NOTICES.get(unit, &order),
            None => Ok(None),
        };
        Ok(self.store.run(find).await?.map(|record| record.front))
    }
}

/// Keeps a new notice; the same one again changes nothing.
fn keep(unit: &mut dyn Unit, record: NoticeRecord) -> Result<(), Problem> {
    let key = record.view.order.to_string();
    if let Some(known) = NOTICES.get(unit, &key)? {
        return same_order((&known.identity, &known.front), (&record.identity, &record.front));
    }
    NOTICES.put(unit, &key, &record)?;
    IDENTITIES.put(unit, &record.identity.to_string(), &key)?;
    tracing::info!(order = %record.view.order, "notice");
    Ok(())
}

#[async_trait]
impl Service for Observer {
    fn party(&self) -> &Arc<Party> {
        &self.party
    }

    async fn answer(
        &self,
        peer: &Peer,
        op: &str,
        body: &RawValue,
    ) -> Result<Box<RawValue>, Problem> {
        if !rules::may_ask(peer.role) {
            return Err(Problem::forbidden("role"));
        }
        match op {
            "notify" => write_answer(&self.notify(peer, read_body(body)?).await?),
            _ => Err(Problem::not_found("op")),
        }
    }
}
