//! The closed line: the registry posts the card of an order (rows C7, C9).

use crate::merchant::Merchant;
use axum::{
    Json, Router,
    extract::{ConnectInfo, DefaultBodyLimit, State},
    routing::post,
};
use std::sync::Arc;
use warifu_ports::card_network::PresentedCard;
use warifu_protocol::{AtFault, encode::from_json_object};
use warifu_wire::{
    Body, Problem,
    private_line::{CardPost, LineDone, LinePeer},
    whole,
};

/// A posting is short.
const MAX_POSTING: usize = 4096;

/// Whose postings are taken, and by whom.
#[derive(Clone)]
struct Counter {
    merchant: Arc<Merchant>,
    /// The DNS name in the registry's certificate.
    registry: Arc<str>,
}

/// `POST /v1/line/card`: takes the card for an order, as [`Merchant::take_card`] does, from the one
/// whose certificate names `registry`. For [`warifu_wire::private_line::serve_private`], and for
/// nothing else.
pub fn card_routes(merchant: Arc<Merchant>, registry: &str) -> Router {
    let registry = registry.to_ascii_lowercase().into();
    Router::new()
        .route("/v1/line/card", post(take))
        .fallback(|| async { Problem::not_found("path") })
        .layer(DefaultBodyLimit::max(MAX_POSTING))
        .with_state(Counter { merchant, registry })
}

async fn take(
    State(counter): State<Counter>,
    from: ConnectInfo<LinePeer>,
    body: Body,
) -> Result<Json<LineDone>, Problem> {
    if from.0.name != *counter.registry {
        tracing::error!(alarm = "line", name = from.0.name, "posts a card and is no registry");
        return Err(Problem::forbidden("certificate"));
    }
    let post: CardPost = from_json_object(&whole(body)?, AtFault::Sender, "card_post")?;
    let card = PresentedCard { number: post.card_number, expiry: post.card_expiry };
    counter.merchant.take_card(&post.number, card).await?;
    Ok(Json(LineDone {}))
}
