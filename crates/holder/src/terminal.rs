//! The terminal: one purchase from form to receipt, and its recovery.

use crate::{
    Card, HolderError, OrderRecord, Profile, Purchase, Wanted,
    records::{CARDS, OPEN, ORDERS, OWN, PROFILE},
    rules::{compose, consent},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use warifu_ports::Store;
use warifu_protocol::{
    AtFault, ProtocolError, Reason,
    credential::Credential,
    form::Designation,
    quote::Quote,
    receipt::Receipt,
    sealed::Draft,
    status::{State, Status},
    trust::CheckedForm,
    value::{Expiry, is_card_number},
};
use warifu_types::{Digest, OrderId, Role};
use warifu_wire::{
    CallError, FormAnswer, Found, OrderQuestion, PartQuestion, Party, QuoteAnswer, QuoteQuestion,
    ReceivedAnswer, StatusAnswer, StatusQuestion,
};

/// A holder's terminal.
pub struct Holder {
    party: Arc<Party>,
    store: Arc<dyn Store>,
}

/// Everything that is known before sealing.
struct Prepared {
    front: Found,
    form: Arc<CheckedForm>,
    form_token: String,
    recipients: BTreeMap<Role, Arc<Credential>>,
    authorizer: Found,
}

impl Holder {
    /// A terminal over its store.
    pub fn new(party: Arc<Party>, store: Arc<dyn Store>) -> Arc<Holder> {
        Arc::new(Holder { party, store })
    }

    /// The terminal's side of the protocol.
    pub fn party(&self) -> &Arc<Party> {
        &self.party
    }

    /// Keeps who the holder is.
    pub async fn set_profile(&self, profile: Profile) -> Result<(), HolderError> {
        if profile.name.trim().is_empty() {
            return Err(HolderError::BadInput { field: "name", problem: "is empty" });
        }
        self.store.run(move |unit| Ok(PROFILE.put(unit, OWN, &profile)?)).await
    }

    /// Keeps a card.
    pub async fn add_card(&self, card: Card) -> Result<(), HolderError> {
        if !is_card_number(&card.number) {
            return Err(HolderError::BadInput {
                field: "card_number",
                problem: "is not a card number: a digit is wrong or missing",
            });
        }
        let expiry = Expiry::parse(&card.expiry)
            .ok_or(HolderError::BadInput { field: "card_expiry", problem: "is not YYYY-MM" })?;
        if !expiry.is_good(self.party.now()) {
            return Err(HolderError::BadInput { field: "card_expiry", problem: "is in the past" });
        }
        self.store.run(move |unit| Ok(CARDS.put(unit, &card.label.clone(), &card)?)).await
    }

    /// Seals an order, keeps it, sends it, and returns the record with the front's first answer.
    pub async fn buy(&self, purchase: &Purchase) -> Result<OrderRecord, HolderError> {
        let (profile, card) = self.who(&purchase.card).await?;
        let prepared = self.prepare(purchase, &card).await?;
        let id = OrderId(self.party.random32());
        let quote = self.quote(purchase, &prepared, id).await?;
        let (payment_type, destination, zone) = match &purchase.wanted {
            Wanted::Goods { payment_type, destination, .. } => {
                (payment_type.as_str(), destination.as_deref(), None)
            }
            Wanted::Entry(entry) => ("one", None, Some(entry.zone.as_str())),
        };
        let sources = compose::Sources {
            profile: &profile,
            card: Some(&card),
            quote: quote.as_ref().map(|(quote, token)| (quote, token.as_str())),
            payment_type,
            destination,
            zone,
            more: &purchase.more,
        };
        let values = compose::values(&prepared.form.form.rule, sources)?;
        let draft = Draft {
            form: prepared.form.borrowed(),
            form_token: &prepared.form_token,
            values: &values,
            recipients: &prepared.recipients,
        };
        let sealed = self.party.seal(&draft, id).await?;
        let receipt =
            Receipt::new(&sealed, quote.map(|(_, token)| token), prepared.front.token.clone());
        let record = OrderRecord {
            id,
            identity: sealed.identity,
            url: purchase.url.clone(),
            front: prepared.front.credential.sub.clone(),
            direct: prepared.form.form.direct,
            sealed_at: self.party.now(),
            state: None,
            reason: None,
            receipt,
        };
        self.keep(&record).await?;
        self.send(record, &prepared.authorizer).await
    }

    /// Takes up every order that has not come to its end: sends the stored bytes again if the front
    /// never answered, and asks how far it has come. One order that cannot go on holds up no other;
    /// the first failure is returned after all were taken up.
    pub async fn resume(&self) -> Result<Vec<OrderRecord>, HolderError> {
        let (mut orders, mut failure) = (Vec::new(), None);
        for id in self.open_orders().await? {
            match self.refresh(id).await {
                Ok(record) => orders.push(record),
                Err(error) => {
                    let record = self.order(id).await?;
                    if record.state.is_some_and(State::is_final) {
                        orders.push(record);
                    } else {
                        failure = failure.or(Some(error));
                    }
                }
            }
        }
        failure.map_or(Ok(orders), Err)
    }

    /// Asks how far an order has come, and keeps the answer.
    pub async fn refresh(&self, id: OrderId) -> Result<OrderRecord, HolderError> {
        let record = self.order(id).await?;
        if record.state.is_some_and(State::is_final) {
            return Ok(record);
        }
        if record.state.is_none() {
            let authorizer = self.authorizer_of(&record).await?;
            return self.send(record, &authorizer).await;
        }
        let answer: StatusAnswer =
            self.ask(&record, "status", &StatusQuestion { order: id }).await?;
        self.note(record, answer).await
    }

    /// Asks again and again until the order has come to `wanted` or to its end, for at most `patience`.
    pub async fn wait_for(
        &self,
        id: OrderId,
        wanted: State,
        patience: Duration,
    ) -> Result<OrderRecord, HolderError> {
        let mut pause = Duration::from_millis(5);
        let started = std::time::Instant::now();
        loop {
            let record = self.refresh(id).await?;
            let there = record.state.is_some_and(|state| state >= wanted || state.is_final());
            if there || started.elapsed() > patience {
                return Ok(record);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }

    /// An order.
    pub async fn order(&self, id: OrderId) -> Result<OrderRecord, HolderError> {
        let found = self.store.run(move |unit| ORDERS.get(unit, &id.to_string())).await?;
        found.ok_or(HolderError::UnknownOrder)
    }

    /// Every order, by id.
    pub async fn orders(&self) -> Result<Vec<OrderRecord>, HolderError> {
        let page = |unit: &mut dyn warifu_ports::Unit| {
            let mut all = Vec::new();
            let mut after = String::new();
            loop {
                let page = ORDERS.scan(unit, &after, 100)?;
                let Some((last, _)) = page.last() else { break };
                after = last.clone();
                all.extend(page.into_iter().map(|(_, record)| record));
            }
            Ok::<_, HolderError>(all)
        };
        self.store.run(page).await
    }

    /// Asks the merchant for its form.
    pub async fn form(&self, url: &str, rule: &str) -> Result<FormAnswer, HolderError> {
        let url = format!("{url}/v1/form?rule={rule}");
        Ok(self.party.connections().get(&url).await?)
    }

    async fn who(&self, label: &str) -> Result<(Profile, Card), HolderError> {
        let label = label.to_string();
        self.store
            .run(move |unit| {
                let profile = PROFILE.get(unit, OWN)?.ok_or(HolderError::Missing("profile"))?;
                let card = CARDS.get(unit, &label)?.ok_or(HolderError::Missing("card"))?;
                Ok((profile, card))
            })
            .await
    }

    /// Form, consent, and every recipient's credential.
    async fn prepare(&self, purchase: &Purchase, card: &Card) -> Result<Prepared, HolderError> {
        let answer = match &purchase.form {
            Some(form) => form.clone(),
            None => self.form(&purchase.url, &purchase.rule).await?,
        };
        let front = Found {
            credential: self.party.credential(&answer.credential, AtFault::Sender)?,
            token: answer.credential.clone(),
        };
        if purchase.front.as_ref().is_some_and(|expected| *expected != front.credential.sub) {
            return Err(ProtocolError::sender(Reason::Impostor, "form.iss").into());
        }
        let form = {
            let terminal = self.party.terminal();
            let now = self.party.now();
            terminal.trust.form(&answer.form, &front.credential, now, AtFault::Sender)?
        };
        let rule = &form.form.rule;
        consent::check(rule, &purchase.rule, &purchase.allow)?;
        let mut recipients: BTreeMap<Role, Arc<Credential>> =
            [(rule.front, front.credential.clone())].into();
        let mut authorizer = None;
        for (role, designation) in form.form.parties.iter() {
            let found = match (designation, answer.credentials.get(role)) {
                (Designation::Holder {}, _) => {
                    self.party.directory().find(&self.party, &card.issuer).await?
                }
                (_, Some(token)) => Found {
                    credential: self.party.credential(token, AtFault::Sender)?,
                    token: token.clone(),
                },
                (Designation::Identifier(who), None) => {
                    self.party.directory().find(&self.party, who).await?
                }
                (Designation::Name(name), None) => {
                    self.party.directory().find_name(&self.party, name).await?
                }
            };
            recipients.insert(*role, found.credential.clone());
            if *role == rule.authorizer {
                authorizer = Some(found);
            }
        }
        let authorizer = authorizer.ok_or(HolderError::Missing("issuer"))?;
        Ok(Prepared { front, form, form_token: answer.form, recipients, authorizer })
    }

    async fn quote(
        &self,
        purchase: &Purchase,
        prepared: &Prepared,
        id: OrderId,
    ) -> Result<Option<(Quote, String)>, HolderError> {
        let Wanted::Goods { items, currency, language, .. } = &purchase.wanted else {
            return Ok(None);
        };
        let question = QuoteQuestion {
            items: items.clone(),
            currency: *currency,
            language: language.clone(),
            form: prepared.form.hash,
        };
        let front = &prepared.front.credential;
        let roles = (Role::Holder, prepared.form.form.rule.front);
        let connections = self.party.connections();
        // The meeting is about this very form.
        let trade = self.party.hands_out().then_some(id);
        let form = Some(prepared.form.hash);
        connections
            .for_trade(&self.party, &purchase.url, roles, Some(&front.sub), form, trade)
            .await?;
        let answer: QuoteAnswer = connections
            .ask(&self.party, &purchase.url, roles, Some(&front.sub), ("quote", &question), trade)
            .await?;
        let quote = Quote::verify(
            &answer.quote,
            &prepared.form.hash,
            (&front.sub, &front.key),
            self.party.now(),
            AtFault::Role(Role::Merchant),
        )?;
        let same =
            quote.lines.len() == items.len()
                && quote.lines.iter().zip(items).all(|(line, item)| {
                    line.number == item.number && line.quantity == item.quantity
                })
                && quote.total.currency() == *currency;
        if !same {
            let at_fault = AtFault::Role(Role::Merchant);
            return Err(ProtocolError::new(at_fault, Reason::Mismatch, "quote.lines").into());
        }
        Ok(Some((quote, answer.quote)))
    }

    /// Sends the stored bytes: the authorizer's part directly if the form says so, then the order.
    async fn send(
        &self,
        record: OrderRecord,
        authorizer: &Found,
    ) -> Result<OrderRecord, HolderError> {
        let mut sealed = record.receipt.sealed.clone();
        if record.direct {
            let role = authorizer.credential.roles.first().copied().unwrap_or(Role::Issuer);
            let question = PartQuestion {
                sealed: sealed.only(role),
                front: record.receipt.front_credential.clone(),
            };
            let trade = self.party.hands_out().then_some(record.id);
            let answer: Result<ReceivedAnswer, CallError> = self
                .party
                .connections()
                .ask(
                    &self.party,
                    authorizer.url()?,
                    (Role::Holder, role),
                    Some(&authorizer.credential.sub),
                    ("part", &question),
                    trade,
                )
                .await;
            let received = match answer {
                Ok(received) => received,
                Err(error) => return self.without_part(record, error).await,
            };
            if received.order != record.identity {
                return Err(ProtocolError::sender(Reason::Mismatch, "part.order").into());
            }
            sealed = sealed.except(role);
        }
        let question = OrderQuestion { sealed, quote: record.receipt.quote.clone() };
        match self.ask(&record, "order", &question).await {
            Ok(answer) => self.note(record, answer).await,
            Err(error) => self.not_taken(record, error).await,
        }
    }

    /// After the authorizer has said no to its part: the front may have the order from an earlier
    /// try, and then its word counts.
    async fn without_part(
        &self,
        record: OrderRecord,
        error: CallError,
    ) -> Result<OrderRecord, HolderError> {
        if error.definite().is_none() {
            return Err(error.into());
        }
        let question = StatusQuestion { order: record.id };
        match self.ask(&record, "status", &question).await {
            Ok(answer) => self.note(record, answer).await,
            Err(unknown) if unknown.definite().is_some() => self.not_taken(record, error).await,
            Err(unreachable) => Err(unreachable.into()),
        }
    }

    /// After the front did not take the order on: its definite no is the order's end, so that
    /// nothing waits for it any more. The error is returned either way.
    async fn not_taken(
        &self,
        mut record: OrderRecord,
        error: CallError,
    ) -> Result<OrderRecord, HolderError> {
        if let Some(problem) = error.definite() {
            record.state = Some(State::Refused);
            record.reason = Some(problem.code.clone());
            self.keep(&record).await?;
        }
        Err(error.into())
    }

    /// Checks the front's signed status and keeps it.
    async fn note(
        &self,
        mut record: OrderRecord,
        answer: StatusAnswer,
    ) -> Result<OrderRecord, HolderError> {
        let front = self.party.credential(&record.receipt.front_credential, AtFault::Own)?;
        let status = Status::verify(
            &answer.status,
            &front,
            &self.party.id(),
            &record.identity,
            AtFault::Role(Role::Merchant),
        )?;
        record.state = Some(status.state);
        record.reason = status.reason;
        record.receipt.status = Some(answer.status);
        self.keep(&record).await?;
        Ok(record)
    }

    async fn keep(&self, record: &OrderRecord) -> Result<(), HolderError> {
        let record = record.clone();
        self.store
            .run(move |unit| {
                let key = record.id.to_string();
                ORDERS.put(unit, &key, &record)?;
                if record.state.is_some_and(State::is_final) {
                    OPEN.delete(unit, &key)?;
                } else {
                    OPEN.put(unit, &key, &())?;
                }
                Ok(())
            })
            .await
    }

    async fn open_orders(&self) -> Result<Vec<OrderId>, HolderError> {
        let open = self.store.run(|unit| OPEN.scan(unit, "", 1000)).await?;
        Ok(open.into_iter().filter_map(|(key, ())| key.parse().ok()).collect())
    }

    async fn ask(
        &self,
        record: &OrderRecord,
        op: &str,
        question: &(impl serde::Serialize + Sync),
    ) -> Result<StatusAnswer, CallError> {
        let front = self.party.credential(&record.receipt.front_credential, AtFault::Own)?;
        let role = front.roles.first().copied().unwrap_or(Role::Merchant);
        let trade = self.party.hands_out().then_some(record.id);
        self.party
            .connections()
            .ask(
                &self.party,
                &record.url,
                (Role::Holder, role),
                Some(&record.front),
                (op, question),
                trade,
            )
            .await
    }

    /// Who authorizes an order, from the order itself.
    async fn authorizer_of(&self, record: &OrderRecord) -> Result<Found, HolderError> {
        let claims: warifu_protocol::order::OrderClaims = warifu_protocol::jws::peek(
            warifu_protocol::order::ORDER,
            &record.receipt.sealed.order,
            AtFault::Own,
        )?;
        let who = [Role::Issuer, Role::CardManager, Role::Center]
            .iter()
            .find_map(|role| claims.parties.get(role))
            .ok_or(HolderError::Missing("issuer"))?;
        Ok(self.party.directory().find(&self.party, who).await?)
    }

    /// The hash of a form, for messages about it.
    pub fn form_hash(answer: &FormAnswer) -> Digest {
        warifu_protocol::encode::sha256(answer.form.as_bytes())
    }
}
