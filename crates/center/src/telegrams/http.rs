//! What terminals ask over HTTP: the guide, a form for top-ups, a session, telegrams in it.

use super::guard::too_often;
use crate::settlement::Settlement;
use axum::{
    Json, Router,
    extract::{ConnectInfo, DefaultBodyLimit, RawQuery, Request, State},
    http::header,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use warifu_protocol::{
    AtFault,
    encode::from_json_object,
    joining::{Guide, Message, Reply},
    telegram::session::{self, Open, Opened},
};
use warifu_wire::{Answer, Body, FormAnswer, MAX_BODY, Problem, whole};
use zeroize::Zeroizing;

/// The greatest message that opens a session, in bytes.
const MAX_OPEN: usize = 16 * 1024;

/// The routes.
pub(crate) fn routes(settlement: Arc<Settlement>) -> Router {
    Router::new()
        .route("/v1/guide", get(guide))
        .route("/v1/form", get(form))
        .route("/v1/telegram/open", post(open))
        .route("/v1/telegram", post(telegram))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(settlement)
}

async fn guide(State(center): State<Arc<Settlement>>) -> Result<Json<Guide>, Problem> {
    center.guide().await.map(Json)
}

/// The form that a top-up through an issuer is ordered by: `?rule=top-up`, or none named.
async fn form(
    State(center): State<Arc<Settlement>>,
    RawQuery(query): RawQuery,
) -> Result<Json<FormAnswer>, Problem> {
    match query.as_deref() {
        None | Some("" | "rule=top-up") => center.top_up_form().await.map(Json),
        Some(_) => Err(Problem::not_found("rule")),
    }
}

async fn open(
    State(center): State<Arc<Settlement>>,
    request: Request,
) -> Result<Response, Problem> {
    let now = center.party.now();
    let from = address(&request);
    if let Err(seconds) = center.guard.opening(from, now) {
        tracing::info!(code = "too_often", "session refused");
        return Ok(later(too_often(), seconds));
    }
    let body = axum::body::to_bytes(request.into_body(), MAX_OPEN).await.map_err(|_| {
        Problem::new(413, "too_large", "the body is too large or broken off", Some("body"))
    });
    let opened = body.and_then(|body| accept(&center, &body));
    if let Err(problem) = &opened {
        tracing::info!(code = problem.code, field = problem.field, "session refused");
    }
    Ok(Json(opened?).into_response())
}

fn accept(center: &Settlement, body: &[u8]) -> Result<Opened, Problem> {
    let open: Open = from_json_object(body, AtFault::Sender, "open")?;
    let (session, opened) = {
        let mut random = center.party.random();
        session::accept(&center.party.terminal(), &open, &mut random)?
    };
    center.sessions.insert(session, center.party.now())?;
    Ok(opened)
}

/// Who asks, where the listener tells.
fn address(request: &Request) -> Option<IpAddr> {
    request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
}

/// A problem that says when to come again.
fn later(problem: Problem, seconds: u64) -> Response {
    let mut response = problem.into_response();
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}

async fn telegram(State(center): State<Arc<Settlement>>, body: Body) -> Result<Response, Problem> {
    let body = whole(body)?;
    let message = std::str::from_utf8(&body)
        .map_err(|_| Problem::new(422, "malformed", "the message is not UTF-8", Some("session")))?;
    let open = center.sessions.find(message, center.party.now())?;
    let (seq, plain) = open.hear(message)?;
    let said = from_json_object::<Message>(&plain, AtFault::Sender, "message");
    let (answer, again) = match said {
        Ok(said) => center.hear(open.id(), said).await,
        Err(error) => (Err(error.into()), None),
    };
    let answer: Answer<Reply> = match answer {
        Ok(reply) => Answer::Ok(reply),
        Err(problem) => {
            tracing::info!(code = problem.code, field = problem.field, "telegram refused");
            Answer::Problem(problem)
        }
    };
    let plain = Zeroizing::new(serde_json::to_vec(&answer).map_err(|_| Problem::internal())?);
    let mut response =
        ([(header::CONTENT_TYPE, "application/jose")], open.answer(seq, plain)).into_response();
    if let Some(seconds) = again {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    Ok(response)
}
