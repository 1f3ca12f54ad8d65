//! The page of a service, and its pictures. Those that came in the provider's file are served from
//! here; those that lie elsewhere are links, so that nobody learns who looks at a service.

use super::{On, Words, show_under};
use crate::{
    broker::Broker,
    http::Caller,
    rules::{picture::Picture, service::Text},
    services::Found,
};
use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::sync::Arc;
use warifu_wire::Problem;

/// What the page may load: pictures of this site.
const POLICY: &str = "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";
/// What a picture may do, if somebody opens it alone: nothing.
const PICTURE_POLICY: &str = "default-src 'none'; sandbox";

/// The routes of services.
pub(super) fn routes() -> Router<Arc<Broker>> {
    Router::new()
        .route("/services/{provider}/{number}", get(service))
        .route("/services/{provider}/{number}/pictures/{place}", get(picture))
}

#[derive(Template)]
#[template(path = "service.html")]
struct ServicePage {
    words: Words,
    id: String,
    name: String,
    text: String,
    provider: String,
    price: String,
    place: String,
    days: String,
    /// The places of pictures that are here.
    pictures: Vec<usize>,
    /// The addresses of others.
    elsewhere: Vec<String>,
}

async fn service(
    State(broker): On,
    caller: Caller,
    Path((provider, number)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let Found { id, provider, service, .. } =
        broker.service(&format!("{provider}/{number}")).await?;
    let words = Words::of(&caller);
    let said = |text: &Text| text.in_language(words.tag()).to_string();
    let (name, text) = (said(&service.name), said(&service.text));
    let is_here = |address: &str| address.starts_with("data:");
    let pictures = service.pictures.iter().enumerate();
    let pictures = pictures.filter(|(_, address)| is_here(address)).map(|(at, _)| at).collect();
    let elsewhere = service.pictures.into_iter().filter(|address| !is_here(address)).collect();
    let days = match (service.begins.as_str(), service.ends.as_str()) {
        ("", "") => String::new(),
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first} – {last}"),
    };
    let (price, place) = (service.price.to_string(), service.place);
    let page =
        ServicePage { words, id, name, text, provider, price, place, days, pictures, elsewhere };
    Ok(show_under(POLICY, StatusCode::OK, &page))
}

async fn picture(
    State(broker): On,
    Path((provider, number, place)): Path<(String, String, usize)>,
) -> Result<Response, Problem> {
    let unknown = || Problem::not_found("picture");
    let found = broker.service(&format!("{provider}/{number}")).await?;
    let address = found.service.pictures.get(place).ok_or_else(unknown)?;
    let Picture { format, bytes } = Picture::read(address).map_err(|_| unknown())?;
    let headers = [
        (header::CONTENT_TYPE, format.media_type()),
        (header::CONTENT_SECURITY_POLICY, PICTURE_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "max-age=300"),
    ];
    Ok((headers, bytes).into_response())
}
