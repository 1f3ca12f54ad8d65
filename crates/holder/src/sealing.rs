//! From a form to a sealed order that is kept and not yet sent.

use crate::{
    Card, Holder, HolderError, OrderRecord, Profile, Purchase, Wanted,
    records::{CARDS, OWN, PROFILE},
    rules::{compose, consent},
};
use std::{collections::BTreeMap, sync::Arc};
use warifu_protocol::{
    AtFault, ProtocolError, Reason, credential::Credential, quote::Quote, receipt::Receipt,
    rule::Rule, sealed::Draft, trust::CheckedForm,
};
use warifu_types::{Digest, FieldName, Money, OrderId, Role};
use warifu_wire::{
    FormAnswer, Found, QuoteQuestion,
    ordering::{ask_quote, check_form, find_recipient},
};

/// An order that was just sealed.
pub(crate) struct SealedHere {
    pub record: OrderRecord,
    /// Who authorizes, and as what.
    pub authorizer: Found,
    pub authorizer_role: Role,
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
    /// Asks the merchant for its form.
    pub async fn form(&self, url: &str, rule: &str) -> Result<FormAnswer, HolderError> {
        let url = format!("{url}/v1/form?rule={rule}");
        Ok(self.party.connections().get(&url).await?)
    }

    /// The disclosure rule of a form, once the form is verified, and what of it the person has to
    /// agree to.
    pub fn disclosures(
        &self,
        answer: &FormAnswer,
    ) -> Result<(Rule, Vec<(Role, FieldName)>), HolderError> {
        let (_, form) = check_form(&self.party, answer, None)?;
        let rule = form.form.rule.clone();
        let asked = consent::asked(&rule, &rule.name);
        Ok((rule, asked))
    }

    /// The hash of a form, for messages about it.
    pub fn form_hash(answer: &FormAnswer) -> Digest {
        warifu_protocol::encode::sha256(answer.form.as_bytes())
    }

    /// Seals an order. Nothing is kept and nothing is sent yet.
    pub(crate) async fn seal(&self, purchase: &Purchase) -> Result<SealedHere, HolderError> {
        let (profile, card) = self.who(&purchase.card).await?;
        let prepared = self.prepare(purchase, &card).await?;
        let id = OrderId(self.party.new_name());
        let quote = self.quote(purchase, &prepared, id).await?;
        let values = {
            let quote = quote.as_ref().map(|(quote, token)| (quote, token.as_str()));
            let sources = sources(purchase, (&profile, &card), quote);
            compose::values(&prepared.form.form.rule, sources)?
        };
        let draft = Draft {
            form: prepared.form.borrowed(),
            form_token: &prepared.form_token,
            values: &values,
            recipients: &prepared.recipients,
        };
        let sealed = self.party.seal(&draft, id).await?;
        let (goods, amount) = said(purchase, quote.as_ref().map(|(quote, _)| quote));
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
            goods,
            amount,
            payment: None,
            transaction: None,
            balance: None,
        };
        let authorizer_role = prepared.form.form.rule.authorizer;
        Ok(SealedHere { record, authorizer: prepared.authorizer, authorizer_role })
    }

    pub(crate) async fn who(&self, label: &str) -> Result<(Profile, Card), HolderError> {
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
        let (front, form) = check_form(&self.party, &answer, purchase.front.as_ref())?;
        let rule = &form.form.rule;
        consent::check(rule, &purchase.rule, &purchase.allow)?;
        let mut recipients: BTreeMap<Role, Arc<Credential>> =
            [(rule.front, front.credential.clone())].into();
        let mut authorizer = None;
        for (role, designation) in form.form.parties.iter() {
            let shown = answer.credentials.get(role);
            let found = find_recipient(&self.party, designation, shown, &card.issuer).await?;
            recipients.insert(*role, found.credential.clone());
            if *role == rule.authorizer {
                authorizer = Some(found);
            }
        }
        let authorizer = authorizer.ok_or(HolderError::Missing("issuer"))?;
        if authorizer.credential.sub != card.issuer {
            return Err(HolderError::BadInput {
                field: "card",
                problem: "was issued by somebody else than the form has pay",
            });
        }
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
        let front = (purchase.url.as_str(), &prepared.front);
        let (quote, token) = ask_quote(&self.party, front, &prepared.form, &question, id).await?;
        if quote.total.currency() != *currency {
            let at_fault = AtFault::Role(Role::Merchant);
            return Err(ProtocolError::new(at_fault, Reason::Mismatch, "quote.lines").into());
        }
        Ok(Some((quote, token)))
    }
}

/// What goes into the order.
fn sources<'a>(
    purchase: &'a Purchase,
    (profile, card): (&'a Profile, &'a Card),
    quote: Option<(&'a Quote, &'a str)>,
) -> compose::Sources<'a> {
    let more = &purchase.more;
    let (value, payment_type, destination, zone) = match &purchase.wanted {
        Wanted::Goods { payment_type, destination, .. } => {
            (None, payment_type.as_str(), destination.as_deref(), None)
        }
        Wanted::Entry(entry) => (None, "one", None, Some(entry.zone.as_str())),
        Wanted::Value { amount, payment_type } => {
            (Some(*amount), payment_type.as_str(), None, None)
        }
    };
    let card = Some(card);
    compose::Sources { profile, card, quote, value, payment_type, destination, zone, more }
}

/// What the history says of a purchase: the goods, and what they cost.
fn said(purchase: &Purchase, quote: Option<&Quote>) -> (String, Option<Money>) {
    match (&purchase.wanted, quote) {
        (Wanted::Entry(entry), _) => (entry.zone.clone(), None),
        (Wanted::Value { amount, .. }, _) => (String::new(), Some(*amount)),
        (Wanted::Goods { .. }, None) => (String::new(), None),
        (Wanted::Goods { .. }, Some(quote)) => {
            let line = |line: &warifu_protocol::quote::QuoteLine| match line.quantity {
                1 => line.name.clone(),
                count => format!("{} ×{count}", line.name),
            };
            let goods: Vec<String> = quote.lines.iter().map(line).collect();
            (goods.join(", "), Some(quote.total))
        }
    }
}
