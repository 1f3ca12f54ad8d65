//! Providers: they apply, and the operator admits them (row C1).

use crate::{
    broker::{Broker, count},
    records::{PROVIDER_IDS, PROVIDER_TOKENS, PROVIDERS, ProviderRecord, Standing},
    rules::token,
    services::note_change,
};
use serde::{Deserialize, Serialize};
use warifu_ports::Unit;
use warifu_types::Identifier;
use warifu_wire::Problem;
use zeroize::Zeroizing;

/// A provider's application.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderApplication {
    /// The merchant that it is in the network.
    pub provider: Identifier,
    /// The name that users see.
    pub name: String,
    /// Where its merchant answers.
    pub url: String,
    /// A mail address, for the operator.
    pub mail: String,
    /// Whether it bills by reference, and no card goes to it.
    #[serde(default)]
    pub by_reference: bool,
}

/// A provider as the operator's list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSummary {
    /// The number here: `P-000001`.
    pub number: String,
    /// The merchant in the network.
    pub provider: Identifier,
    /// The name.
    pub name: String,
    /// How far its application has come.
    pub standing: Standing,
    /// Whether it bills by reference.
    pub by_reference: bool,
}

impl Broker {
    /// Takes an application; the same again finds the one that is there. Returns the number.
    pub async fn apply(&self, application: ProviderApplication) -> Result<String, Problem> {
        check(&application)?;
        let applied = self.party.now();
        let work = move |unit: &mut dyn Unit| {
            let key = application.provider.to_string();
            if let Some(number) = PROVIDER_IDS.get(unit, &key)? {
                return Ok(number);
            }
            let number = count(unit, 'P')?;
            let ProviderApplication { provider, name, url, mail, by_reference } = application;
            let standing = Standing::Applied;
            let url = url.trim_end_matches('/').to_string();
            let record =
                ProviderRecord { provider, name, url, mail, standing, by_reference, applied };
            PROVIDER_IDS.put(unit, &key, &number)?;
            PROVIDERS.put(unit, &number, &record)?;
            Ok::<_, Problem>(number)
        };
        self.store.run(work).await
    }

    /// Admits a provider; returns the token with which it registers services. An earlier token is of
    /// no use any more.
    pub async fn admit_provider(&self, number: &str) -> Result<Zeroizing<String>, Problem> {
        let secret = self.fresh_token();
        let (key, secret_too) = (number.to_string(), secret.clone());
        let work = move |unit: &mut dyn Unit| {
            let record = PROVIDERS.get(unit, &key)?;
            let mut record = record.ok_or_else(|| Problem::not_found("provider"))?;
            record.standing = Standing::Admitted;
            for (old, of) in PROVIDER_TOKENS.all(unit)? {
                if of == key {
                    PROVIDER_TOKENS.delete(unit, &old)?;
                }
            }
            let hashed = token_key(unit, &secret_too);
            PROVIDER_TOKENS.put(unit, &hashed, &key)?;
            PROVIDERS.put(unit, &key, &record)?;
            Ok::<_, Problem>(note_change(unit, &key)?)
        };
        let change = self.store.run(work).await?;
        self.follow_change(number, change).await?;
        Ok(secret)
    }

    /// Refuses a provider, or lets it go: its services are not found any more, orders go on.
    pub async fn refuse_provider(&self, number: &str) -> Result<(), Problem> {
        let key = number.to_string();
        let work = move |unit: &mut dyn Unit| {
            let record = PROVIDERS.get(unit, &key)?;
            let mut record = record.ok_or_else(|| Problem::not_found("provider"))?;
            record.standing = Standing::Refused;
            for (old, of) in PROVIDER_TOKENS.all(unit)? {
                if of == key {
                    PROVIDER_TOKENS.delete(unit, &old)?;
                }
            }
            PROVIDERS.put(unit, &key, &record)?;
            Ok::<_, Problem>(note_change(unit, &key)?)
        };
        let change = self.store.run(work).await?;
        self.follow_change(number, change).await
    }

    /// Every provider, by number.
    pub async fn providers(&self) -> Result<Vec<ProviderSummary>, Problem> {
        let all = self.store.run(|unit| PROVIDERS.all(unit)).await?;
        let summary = |(number, record): (String, ProviderRecord)| {
            let ProviderRecord { provider, name, standing, by_reference, .. } = record;
            ProviderSummary { number, provider, name, standing, by_reference }
        };
        Ok(all.into_iter().map(summary).collect())
    }

    /// The admitted provider whose token this is.
    pub(crate) async fn provider_of_token(&self, secret: &str) -> Result<String, Problem> {
        let title = "a provider shows the token that the operator has given it";
        let unknown = || Problem::new(401, "no_provider", title, Some("authorization"));
        if secret.len() != token::LENGTH {
            return Err(unknown());
        }
        let secret = Zeroizing::new(secret.to_string());
        let work = move |unit: &mut dyn Unit| {
            let key = token_key(unit, &secret);
            PROVIDER_TOKENS.get(unit, &key)
        };
        self.store.run(work).await?.ok_or_else(unknown)
    }

    pub(crate) async fn provider(&self, number: &str) -> Result<ProviderRecord, Problem> {
        let key = number.to_string();
        let found = self.store.run(move |unit| PROVIDERS.get(unit, &key)).await?;
        found.ok_or_else(|| Problem::not_found("provider"))
    }
}

fn token_key(unit: &mut dyn Unit, secret: &str) -> String {
    unit.keyed_hash("broker provider token", secret.as_bytes())
}

fn check(application: &ProviderApplication) -> Result<(), Problem> {
    let name = application.name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Problem::bad_value("name", "1 to 100 characters on one line"));
    }
    let url = application.url.as_str();
    let http = url.starts_with("http://") || url.starts_with("https://");
    if !http || url.len() > 500 || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Problem::bad_value("url", "an http or https address"));
    }
    let mail = application.mail.as_str();
    if !mail.contains('@') || mail.len() > 254 || mail.chars().any(char::is_control) {
        return Err(Problem::bad_value("mail", "a mail address"));
    }
    Ok(())
}
