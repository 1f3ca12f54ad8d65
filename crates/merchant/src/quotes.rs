//! `quote`: what the goods cost, signed.

use crate::{
    merchant::Merchant,
    records::FORMS,
    rules::{catalogue::Language, quoting},
};
use warifu_protocol::quote::Quote;
use warifu_types::Nonce;
use warifu_wire::{Problem, QuoteAnswer, QuoteQuestion};

impl Merchant {
    pub(crate) async fn quote(&self, question: QuoteQuestion) -> Result<QuoteAnswer, Problem> {
        let language = Language::parse(&question.language)
            .ok_or_else(|| Problem::bad_value("language", "a language is en or ja"))?;
        let now = self.party.now();
        let key = question.form.to_string();
        let form = self.store.run(move |unit| FORMS.get(unit, &key)).await?;
        let form = form
            .filter(|form| form.exp > now)
            .ok_or_else(|| Problem::bad_value("form", "this form is not in force here"))?;
        let items = self.items().await?;
        let (lines, total) = quoting::lines(
            &question.items,
            question.currency,
            language,
            &form.accepts,
            |number| items.get(number),
        )?;
        let quote = Quote {
            iss: self.party.id(),
            jti: Nonce(self.party.random32()),
            form: question.form,
            lines,
            total,
            iat: now,
            exp: now.plus(self.settings.quote_lifetime),
        };
        Ok(QuoteAnswer { quote: quote.sign(self.party.terminal().signer.as_ref()) })
    }
}
