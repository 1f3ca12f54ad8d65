//! `order`: opened, checked, and taken on with its stock in one job.

use crate::{
    brokering::NUMBERS,
    merchant::Merchant,
    records::{BY_IDENTITY, FORMS, Notice, ORDERS, OrderRecord, UNFINISHED},
    rules::{
        goods::{self, Promise},
        ordering,
        steps::Way,
    },
    stock,
};
use warifu_ports::Unit;
use warifu_protocol::{
    AtFault, ProtocolError, Reason,
    authorization::shared_digests,
    encode::sha256,
    form::Designation,
    goods::Kind,
    jws,
    order::{ORDER, OrderClaims},
    sealed::OpenedOrder,
    status::State,
    view::View,
};
use warifu_types::{Digest, Identifier, Role};
use warifu_wire::{OrderQuestion, Peer, Problem, StatusAnswer};

impl Merchant {
    pub(crate) async fn order(
        &self,
        peer: &Peer,
        question: OrderQuestion,
    ) -> Result<StatusAnswer, Problem> {
        if question.sealed.holder != peer.credential.sub {
            return Err(ProtocolError::sender(Reason::Impostor, "sealed.holder").into());
        }
        let identity = question.sealed.identity()?;
        let claims: OrderClaims = jws::peek(ORDER, &question.sealed.order, AtFault::Sender)?;
        let order = claims.jti;
        match self.load(order).await? {
            Some(known) => same(&known, &identity, &peer.credential.sub)?,
            None => self.take_on(question).await?,
        }
        self.go_on(order).await?;
        self.signed_status(order).await
    }

    async fn take_on(&self, question: OrderQuestion) -> Result<(), Problem> {
        let own = self.party.terminal().credential.clone();
        let opened = self.party.open(&question.sealed, &own, self.settings.role).await?;
        let now = self.party.now();
        ordering::check_sender(&opened)?;
        ordering::check_parts(&opened, &question.sealed)?;
        let quote =
            ordering::check_quote(&opened, question.quote.as_deref(), (&own.sub, &own.key), now)?;
        ordering::check_accepted(&opened)?;
        self.check_names(&opened).await?;
        let taken = ordering::taken(quote.as_ref());
        let kind = Kind::of_rule(&opened.form.form.rule.name);
        let Promise { files, tariff } = goods::promise(quote.as_ref(), kind)?;
        let record = OrderRecord { taken, files, tariff, ..self.record(opened, question) };
        self.store.run(move |unit| keep(unit, record)).await
    }

    /// A party designated by name must be the one that the name finds.
    async fn check_names(&self, opened: &OpenedOrder) -> Result<(), Problem> {
        for (role, designation) in opened.form.form.parties.iter() {
            if !matches!(designation, Designation::Name(_)) {
                continue;
            }
            let found = self.designated(designation).await?;
            let meant = found.map(|found| found.credential.sub.clone());
            if opened.claims.parties.get(role) != meant.as_ref() {
                let field = format!("order.parties.{role}");
                return Err(ProtocolError::holder(Reason::Mismatch, field).into());
            }
        }
        Ok(())
    }

    fn record(&self, opened: OpenedOrder, question: OrderQuestion) -> OrderRecord {
        let now = self.party.now();
        let rule = &opened.form.form.rule;
        let notices = ordering::noticed(&opened);
        OrderRecord {
            identity: opened.identity,
            holder: opened.holder.sub.clone(),
            way: Way {
                carrier: rule.parts.contains_key(&Role::Carrier),
                door: rule.front == Role::Door,
                kind: Kind::of_rule(&rule.name),
            },
            authorizer: rule.authorizer,
            direct: opened.form.form.direct,
            parties: opened.claims.parties.clone(),
            shared: shared_digests(rule, &opened.claims),
            expires: opened.claims.exp,
            view: View::of(&opened, State::Ordered),
            disclosures: opened.disclosures,
            sealed: question.sealed,
            quote: question.quote,
            taken: Default::default(),
            reason: None,
            authorization: None,
            carrier_asked: false,
            delivery: None,
            files: Default::default(),
            handed_out: None,
            goods_receipt: None,
            tariff: None,
            used: None,
            meter: None,
            settlement: None,
            notices: notices.into_iter().map(|role| (role, Notice::Pending {})).collect(),
            cancelling: false,
            broker: self.brokering.trade(&rule.name, &opened.claims.jti, now),
            trouble: None,
            placed: now,
            changed: now,
        }
    }
}

/// Keeps a new order and takes its stock; the same order again changes nothing.
fn keep(unit: &mut dyn Unit, record: OrderRecord) -> Result<(), Problem> {
    let key = record.id().to_string();
    if let Some(known) = ORDERS.get(unit, &key)? {
        return same(&known, &record.identity, &record.holder);
    }
    let form = sha256(record.sealed.form.as_bytes());
    if FORMS.get(unit, &form.to_string())?.is_none() {
        return Err(ProtocolError::holder(Reason::Mismatch, "order.form").into());
    }
    if let Some(trade) = &record.broker
        && !NUMBERS.insert(unit, &trade.number, &record.id())?
    {
        // Two orders that begin alike would have one sheet.
        return Err(Problem::conflict("order.jti"));
    }
    stock::take(unit, &record.taken)?;
    ORDERS.put(unit, &key, &record)?;
    UNFINISHED.put(unit, &key, &true)?;
    BY_IDENTITY.put(unit, &record.identity.to_string(), &record.id())?;
    tracing::info!(order = %record.id(), state = %record.state(), "order");
    Ok(())
}

/// Refuses another order under a known id.
fn same(known: &OrderRecord, identity: &Digest, holder: &Identifier) -> Result<(), Problem> {
    if known.identity == *identity && known.holder == *holder {
        Ok(())
    } else {
        Err(Problem::conflict("order.jti"))
    }
}
