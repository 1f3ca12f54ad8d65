//! The closed line: the registry posts the card of an order (rows C7, C9).

use crate::merchant::Merchant;
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    routing::post,
};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};
use warifu_ports::card_network::PresentedCard;
use warifu_protocol::{AtFault, encode::from_json_object, status};
use warifu_wire::{Body, Problem, whole};
use zeroize::Zeroizing;

/// The body of `POST /v1/card`. `Debug` shows no card.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardPosting {
    /// The trade number that stands on the order.
    pub number: String,
    /// 12 to 19 digits with a good check digit.
    pub card_number: Zeroizing<String>,
    /// `YYYY-MM`.
    pub card_expiry: Zeroizing<String>,
}

impl fmt::Debug for CardPosting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardPosting({})", self.number)
    }
}

/// The answer: how far the order has come.
#[derive(Debug, Serialize)]
struct Taken {
    state: status::State,
}

/// A posting is short.
const MAX_POSTING: usize = 4096;

/// `POST /v1/card`: takes the card for an order, as [`Merchant::take_card`] does. For a listener of its
/// own that lets nobody in but the registry (mutual TLS): the route itself asks nobody who they are.
pub fn card_routes(merchant: Arc<Merchant>) -> Router {
    Router::new()
        .route("/v1/card", post(take))
        .layer(DefaultBodyLimit::max(MAX_POSTING))
        .with_state(merchant)
}

async fn take(State(merchant): State<Arc<Merchant>>, body: Body) -> Result<Json<Taken>, Problem> {
    let body = whole(body)?;
    let posting: CardPosting = from_json_object(&body, AtFault::Sender, "card_posting")?;
    let CardPosting { number, card_number, card_expiry } = posting;
    let card = PresentedCard { number: card_number, expiry: card_expiry };
    Ok(Json(Taken { state: merchant.take_card(&number, card).await? }))
}
