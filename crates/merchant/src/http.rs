//! What everyone may read over plain HTTP: forms and the catalogue, online or to a file (row A5).

use crate::{
    catalogue::{CatalogueEntry, CataloguePage},
    merchant::Merchant,
    rules::catalogue::Language,
};
use axum::{
    Json, Router,
    extract::{RawQuery, State},
    routing::get,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};
use warifu_types::Identifier;
use warifu_wire::{FormAnswer, Problem, serve_routes};

/// Items on a page if no limit is given.
const USUAL_LIMIT: usize = 100;
/// Items on a page at most.
const MAX_LIMIT: usize = 1000;
/// The longest value of a query.
const MAX_VALUE: usize = 256;

/// The answer to `GET /v1/catalogue`: what is for sale, and everything else that an order needs, so
/// that the file is of use without a connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueAnswer {
    /// The merchant.
    pub merchant: Identifier,
    /// The form of each rule that the merchant offers, with credentials.
    pub forms: BTreeMap<String, FormAnswer>,
    /// The items, by number.
    pub items: Vec<CatalogueEntry>,
    /// The value of `after` for the next page; none at the end.
    pub next: Option<String>,
}

/// Every route of a merchant: those of each service, the forms and the catalogue.
pub fn routes(merchant: Arc<Merchant>) -> Router {
    Router::new()
        .route("/v1/form", get(form))
        .route("/v1/catalogue", get(catalogue))
        .with_state(merchant.clone())
        .merge(serve_routes(merchant))
}

async fn form(
    State(merchant): State<Arc<Merchant>>,
    RawQuery(query): RawQuery,
) -> Result<Json<FormAnswer>, Problem> {
    let query = read(query.as_deref(), &["rule"])?;
    Ok(Json(merchant.form(query.get("rule").map(String::as_str)).await?))
}

async fn catalogue(
    State(merchant): State<Arc<Merchant>>,
    RawQuery(query): RawQuery,
) -> Result<Json<CatalogueAnswer>, Problem> {
    let query = read(query.as_deref(), &["after", "limit", "search", "language"])?;
    let limit = match query.get("limit") {
        None => USUAL_LIMIT,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=MAX_LIMIT).contains(limit))
            .ok_or_else(|| Problem::bad_value("limit", "a limit is 1 to 1,000"))?,
    };
    let language = match query.get("language") {
        None => Language::default(),
        Some(text) => Language::parse(text)
            .ok_or_else(|| Problem::bad_value("language", "a language is en or ja"))?,
    };
    let after = query.get("after").map(String::as_str);
    let search = query.get("search").map(String::as_str);
    let CataloguePage { items, next } = merchant.catalogue(after, limit, search, language).await?;
    let mut forms = BTreeMap::new();
    for offered in &merchant.settings.rules {
        let name = &offered.rule.name;
        forms.insert(name.clone(), merchant.form(Some(name)).await?);
    }
    Ok(Json(CatalogueAnswer { merchant: merchant.party.id(), forms, items, next }))
}

/// Reads a query; a problem names the parameter.
fn read(query: Option<&str>, known: &[&str]) -> Result<BTreeMap<String, String>, Problem> {
    let bad = |name: &str, title| Problem::bad_value(name, title);
    let Some(query) = query else { return Ok(BTreeMap::new()) };
    // A URL's query cannot be read by itself, so it is given a place to stand in.
    let mut url = reqwest::Url::parse("http://query/")
        .map_err(|_| bad("query", "the query cannot be read"))?;
    url.set_query(Some(query));
    let mut values = BTreeMap::new();
    for (name, value) in url.query_pairs() {
        let Some(name) = known.iter().find(|known| **known == name) else {
            return Err(bad("query", "there is no parameter of this name"));
        };
        if value.len() > MAX_VALUE || value.contains(char::is_control) || value.contains('\u{fffd}')
        {
            return Err(bad(name, "the value is too long, or no plain text"));
        }
        if values.insert(name.to_string(), value.into_owned()).is_some() {
            return Err(bad(name, "the parameter stands twice"));
        }
    }
    Ok(values)
}
