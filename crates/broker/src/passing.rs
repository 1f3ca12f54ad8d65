//! To the provider (row C6): the broker makes, signs and seals the order as a holder's terminal does,
//! keeps it, and sends what is kept.

use crate::{
    broker::Broker,
    records::{OrderRecord, Passing, ProviderRecord},
};
use std::{collections::BTreeMap, sync::Arc};
use warifu_protocol::{
    AtFault, ProtocolError, Reason,
    credential::Credential,
    quote::{self, Quote},
    receipt::Receipt,
    rule,
    sealed::Draft,
    status::Status,
    trust::CheckedForm,
    value::{FieldValue, OrderLine},
};
use warifu_types::{FieldName, Role};
use warifu_wire::{
    CallError, FormAnswer, Found, OrderQuestion, Problem, QuoteItem, QuoteQuestion, StatusAnswer,
    StatusQuestion,
    ordering::{ask_quote, check_form, find_recipient},
};

/// Broker and provider in a session: the broker stands where a holder stands.
const ROLES: (Role, Role) = (Role::Holder, Role::Merchant);

/// The provider's form, checked, and who has a part.
struct Offer {
    form: Arc<CheckedForm>,
    token: String,
    front: Found,
    recipients: BTreeMap<Role, Arc<Credential>>,
}

impl Broker {
    /// Seals an order. Nothing is sent yet, and nothing is kept.
    pub(crate) async fn seal(&self, record: &OrderRecord) -> Result<Passing, CallError> {
        let provider = self.provider(&record.provider).await?;
        let member = self.member(&record.member).await?;
        let offer = self.offer(record, &provider).await?;
        let (quote, quote_token) = self.quote(record, &provider, &offer, &member.language).await?;
        if quote.total != record.total {
            return Err(no("price_changed", "the price is not the one that the user has approved"));
        }
        let who = (member.name.as_str(), member.telephone.as_str());
        let values = values(record, who, (&quote, &quote_token));
        let fields = offer.form.form.rule.fields();
        let values: BTreeMap<_, _> =
            values.into_iter().filter(|(field, _)| fields.contains(field)).collect();
        let draft = Draft {
            form: offer.form.borrowed(),
            form_token: &offer.token,
            values: &values,
            recipients: &offer.recipients,
        };
        let sealed = self.party.seal(&draft, record.id).await?;
        let identity = sealed.identity;
        let receipt = Receipt::new(&sealed, Some(quote_token), offer.front.token);
        Ok(Passing { identity, url: provider.url, receipt })
    }

    async fn offer(
        &self,
        record: &OrderRecord,
        provider: &ProviderRecord,
    ) -> Result<Offer, CallError> {
        let name = if provider.by_reference { rule::BROKER_REFERENCE } else { rule::BROKER };
        let url = format!("{}/v1/form?rule={name}", provider.url);
        let answer: FormAnswer = self.party.connections().get(&url).await?;
        let (front, form) = check_form(&self.party, &answer, Some(&provider.provider))?;
        if form.form.rule.name != name {
            return Err(ProtocolError::sender(Reason::Mismatch, "form.rule.name").into());
        }
        let other = || no("other_issuer", "the provider does not take cards of this issuer");
        let issuer = record.issuer.as_ref().ok_or_else(other)?;
        let mut recipients = BTreeMap::from([(form.form.rule.front, front.credential.clone())]);
        for (role, designation) in form.form.parties.iter() {
            let shown = answer.credentials.get(role);
            let found = find_recipient(&self.party, designation, shown, issuer).await?;
            recipients.insert(*role, found.credential);
        }
        let authorizer = recipients.get(&form.form.rule.authorizer);
        if authorizer.is_none_or(|found| found.sub != *issuer) {
            return Err(other());
        }
        Ok(Offer { form, token: answer.form, front, recipients })
    }

    async fn quote(
        &self,
        record: &OrderRecord,
        provider: &ProviderRecord,
        offer: &Offer,
        language: &str,
    ) -> Result<(Quote, String), CallError> {
        let number = record.service.number.clone();
        let question = QuoteQuestion {
            items: vec![QuoteItem { number, quantity: record.quantity }],
            currency: record.total.currency(),
            language: language.to_string(),
            form: offer.form.hash,
        };
        let front = (provider.url.as_str(), &offer.front);
        ask_quote(&self.party, front, &offer.form, &question, record.id).await
    }

    /// Sends the stored order, or asks how far it is; the provider's verified word.
    pub(crate) async fn hear(&self, record: &OrderRecord) -> Result<(Status, String), CallError> {
        let missing = || ProtocolError::own(Reason::Mismatch, "order.passing");
        let passing = record.passing.as_ref().ok_or_else(missing)?;
        let front = self.party.credential(&passing.receipt.front_credential, AtFault::Own)?;
        let trade = self.party.hands_out().then_some(record.id);
        let connections = self.party.connections();
        let answer: StatusAnswer = if record.received {
            let question = StatusQuestion { order: record.id };
            let asked = ("status", &question);
            let expected = Some(&front.sub);
            connections.ask(&self.party, &passing.url, ROLES, expected, asked, trade).await?
        } else {
            let sealed = passing.receipt.sealed.clone();
            let question = OrderQuestion { sealed, quote: passing.receipt.quote.clone() };
            let asked = ("order", &question);
            let expected = Some(&front.sub);
            connections.ask(&self.party, &passing.url, ROLES, expected, asked, trade).await?
        };
        let own = self.party.id();
        let at_fault = AtFault::Role(Role::Merchant);
        let status = Status::verify(&answer.status, &front, &own, &passing.identity, at_fault)?;
        Ok((status, answer.status))
    }
}

/// The fields of a broker's order. There is none for a card.
fn values(
    record: &OrderRecord,
    (name, telephone): (&str, &str),
    (quote, token): (&Quote, &str),
) -> BTreeMap<FieldName, FieldValue> {
    let numbers = quote.lines.iter().map(|line| line.number.clone()).collect();
    let lines = quote
        .lines
        .iter()
        .map(|line| OrderLine { name: line.name.clone(), quantity: line.quantity })
        .collect();
    // The day is where and when the service is to be had; an order's fields have no other place.
    let parts = [record.date.as_str(), record.destination.as_str(), record.service.place.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let destination = if parts.is_empty() { "-".to_string() } else { parts.join("\n") };
    let reference = record.reference.as_ref().map(|reference| reference.0.to_string());
    BTreeMap::from([
        (FieldName::HOLDER_NAME, FieldValue::text(name)),
        (FieldName::HOLDER_TELEPHONE, FieldValue::text(telephone)),
        (FieldName::ITEM_NUMBERS, FieldValue::Numbers(numbers)),
        (FieldName::ITEMS, FieldValue::Lines(lines)),
        (FieldName::AMOUNT, FieldValue::Amount(quote.total)),
        (FieldName::PAYMENT_TYPE, FieldValue::text(&record.payment_type)),
        (FieldName::DESTINATION, FieldValue::text(destination)),
        (FieldName::QUOTE, FieldValue::text(quote::hash(token).to_string())),
        (FieldName::CARD_REFERENCE, FieldValue::text(reference.unwrap_or_default())),
    ])
}

/// What the provider, as it is now, cannot do for the user: a definite no.
fn no(code: &str, title: &str) -> CallError {
    CallError::Problem(Problem::new(422, code, title, Some("order")))
}
