//! `quote`: what the goods cost, signed, and what the files among them are.

use crate::{
    merchant::Merchant,
    records::{FILES, FORMS},
    rules::{
        catalogue::Language,
        quoting::{self, Wish},
    },
};
use std::collections::BTreeMap;
use warifu_ports::StoreError;
use warifu_protocol::{
    goods::{Content, Kind},
    quote::{MAX_LINES, Quote},
};
use warifu_types::Nonce;
use warifu_wire::{Problem, QuoteAnswer, QuoteItem, QuoteQuestion};

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
        let files = match form.kind {
            Kind::Download => self.files(&question.items).await?,
            Kind::Later | Kind::Metered => BTreeMap::new(),
        };
        let wish = Wish {
            items: &question.items,
            currency: question.currency,
            language,
            accepts: &form.accepts,
            kind: form.kind,
        };
        let find = |number: &str| items.get(number);
        let (lines, total) = quoting::lines(&wish, find, |number| files.get(number).cloned())?;
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

    /// The files of some items, by number.
    async fn files(&self, items: &[QuoteItem]) -> Result<BTreeMap<String, Content>, StoreError> {
        // A longer list is refused.
        let numbers: Vec<String> =
            items.iter().take(MAX_LINES).map(|item| item.number.clone()).collect();
        let read = move |unit: &mut dyn warifu_ports::Unit| {
            let mut files = BTreeMap::new();
            for number in numbers.into_iter().filter(|number| !number.is_empty()) {
                if let Some(content) = FILES.get(unit, &number)? {
                    files.insert(number, content);
                }
            }
            Ok(files)
        };
        self.store.run(read).await
    }
}
