//! The private line's routes. Who asks is known by its certificate; the broker may ask about members
//! and order numbers, an issuer may resolve references, and nobody else anything.

use crate::Registry;
use axum::{
    Json, Router,
    extract::{ConnectInfo, DefaultBodyLimit, State},
    routing::post,
};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use warifu_protocol::{AtFault, encode::from_json_object};
use warifu_wire::{
    Body, Problem,
    private_line::{
        AuthenticateAnswer, CardAnswer, DispatchAnswer, LineDone, LinePeer, VoidAnswer,
    },
    whole,
};

/// The greatest question, in bytes.
const MAX_BODY: usize = 16 * 1024;

type On = State<Arc<Registry>>;
type From = ConnectInfo<LinePeer>;
type Answered<T> = Result<Json<T>, Problem>;

/// The routes for [`warifu_wire::private_line::serve_private`], and for nothing else: without a
/// verified certificate they answer with a failure.
pub fn line_routes(registry: Arc<Registry>) -> Router {
    Router::new()
        .route("/v1/line/code", post(code))
        .route("/v1/line/authenticate", post(authenticate))
        .route("/v1/line/dispatch", post(dispatch))
        .route("/v1/line/sheet", post(sheet))
        .route("/v1/line/void", post(void))
        .route("/v1/line/resolve", post(resolve))
        .fallback(|| async { Problem::not_found("path") })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(registry)
}

async fn code(State(registry): On, from: From, body: Body) -> Answered<LineDone> {
    Ok(Json(registry.take_code(asked(&registry, from, body)?).await?))
}

async fn authenticate(State(on): On, from: From, body: Body) -> Answered<AuthenticateAnswer> {
    Ok(Json(on.authenticate(asked(&on, from, body)?).await?))
}

async fn dispatch(State(on): On, from: From, body: Body) -> Answered<DispatchAnswer> {
    Ok(Json(on.dispatch(asked(&on, from, body)?).await?))
}

async fn sheet(State(on): On, from: From, body: Body) -> Answered<DispatchAnswer> {
    Ok(Json(on.sheet_state(asked(&on, from, body)?).await?))
}

async fn void(State(on): On, from: From, body: Body) -> Answered<VoidAnswer> {
    Ok(Json(on.void(asked(&on, from, body)?).await?))
}

async fn resolve(State(on): On, from: From, body: Body) -> Answered<CardAnswer> {
    let issuer = on.settings.issuers.get(&from.0.name).ok_or_else(|| refused(&from.0))?;
    Ok(Json(on.resolve(issuer, read(body)?).await?))
}

/// A question of the broker's.
fn asked<T: DeserializeOwned>(registry: &Registry, from: From, body: Body) -> Result<T, Problem> {
    if from.0.name != registry.settings.broker {
        return Err(refused(&from.0));
    }
    read(body)
}

fn refused(peer: &LinePeer) -> Problem {
    tracing::error!(alarm = "line", name = peer.name, "asks on the private line what it may not");
    Problem::forbidden("certificate")
}

fn read<T: DeserializeOwned>(body: Body) -> Result<T, Problem> {
    Ok(from_json_object(&whole(body)?, AtFault::Sender, "body")?)
}
