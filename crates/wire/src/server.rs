//! Answering meetings and sessions.

use crate::{
    CallError, MAX_BODY, Party, Problem,
    operation::{Answer, QuestionIn},
};
use async_trait::async_trait;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::header,
    response::IntoResponse,
    routing::{get, post},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tower_http::timeout::TimeoutLayer;
use warifu_protocol::{
    AtFault,
    credential::Credential,
    derive::KeySource,
    encode::from_json_object,
    meeting::{self, CONFIRM_WITHIN, Confirm, ExpectConfirm, Hello, Met},
    session::{Session, session_of},
};
use warifu_types::{Nonce, Role, UnixTime};
use zeroize::Zeroizing;

/// Who asks.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The checked credential.
    pub credential: Arc<Credential>,
    /// The credential as it was shown.
    pub token: String,
    /// The role in which the peer has met.
    pub role: Role,
}

/// A service behind the sessions: one role's answers.
#[async_trait]
pub trait Service: Send + Sync + 'static {
    /// The party that answers.
    fn party(&self) -> &Arc<Party>;

    /// Answers a question. The body is the question's JSON; the answer is written as JSON.
    async fn answer(
        &self,
        peer: &Peer,
        op: &str,
        body: &RawValue,
    ) -> Result<Box<RawValue>, Problem>;
}

/// Reads a question's body; an error names the field.
pub fn read_body<T: DeserializeOwned>(body: &RawValue) -> Result<T, Problem> {
    from_json_object(body.get().as_bytes(), AtFault::Sender, "body").map_err(Problem::from)
}

/// Reads a question, as it came out of a session: the operation, and its body's JSON.
pub fn read_question(question: &[u8]) -> Result<(&str, &RawValue), Problem> {
    // serde would also take an array of the two, a spelling that the format does not know.
    let object = question.trim_ascii_start().starts_with(b"{");
    let read = object.then(|| serde_json::from_slice(question).ok()).flatten();
    let malformed = || Problem::new(422, "malformed", "not a question", Some("question"));
    let QuestionIn { op, body } = read.ok_or_else(malformed)?;
    Ok((op, body))
}

/// Writes an answer.
pub fn write_answer<T: Serialize>(answer: &T) -> Result<Box<RawValue>, Problem> {
    serde_json::value::to_raw_value(answer).map_err(|_| Problem::internal())
}

/// An idle session is forgotten after this many seconds.
const IDLE: u64 = 900;
/// No more sessions than this are kept; the idle ones go first.
const MAX_SESSIONS: usize = 20_000;

struct Open {
    session: Mutex<Session>,
    /// Where the pair key came from: the session ends with its epoch.
    keys: KeySource,
    peer: Peer,
    used: Mutex<UnixTime>,
}

struct Meetings<S: ?Sized> {
    waiting: Mutex<HashMap<Nonce, (ExpectConfirm, KeySource)>>,
    open: Mutex<HashMap<Nonce, Arc<Open>>>,
    service: Arc<S>,
}

/// The routes of every service: credential, meeting, session, health. Within a runtime, the party
/// also begins to follow its records and to renew its keys by itself.
pub fn serve_routes<S: Service + ?Sized>(service: Arc<S>) -> Router {
    service.party().follow();
    let meetings =
        Arc::new(Meetings { waiting: Mutex::default(), open: Mutex::default(), service });
    Router::new()
        .route("/health", get(|| async { Json(serde_json::json!({"status": "pass"})) }))
        .route("/v1/credential", get(credential::<S>))
        .route("/v1/meet/hello", post(hello::<S>))
        .route("/v1/meet/confirm", post(confirm::<S>))
        .route("/v1/session", post(session::<S>))
        .fallback(|| async { Problem::not_found("path") })
        .method_not_allowed_fallback(|| async {
            Problem::new(405, "method", "this method is not for this path", Some("method"))
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(TimeoutLayer::with_status_code(
            axum::http::StatusCode::SERVICE_UNAVAILABLE,
            Duration::from_secs(30),
        ))
        .with_state(meetings)
}

/// A body, or why it was not read.
pub type Body = Result<Bytes, BytesRejection>;

/// The body; too large a one is a problem like any other.
pub fn whole(body: Body) -> Result<Bytes, Problem> {
    body.map_err(|rejection| {
        let status = rejection.status().as_u16();
        Problem::new(status, "too_large", "the body is too large or broken off", Some("body"))
    })
}

async fn credential<S: Service + ?Sized>(
    State(meetings): State<Arc<Meetings<S>>>,
) -> impl IntoResponse {
    let token = meetings.service.party().terminal().credential_token.clone();
    Json(serde_json::json!({ "credential": token }))
}

async fn hello<S: Service + ?Sized>(
    State(meetings): State<Arc<Meetings<S>>>,
    body: Body,
) -> Result<impl IntoResponse, Problem> {
    let party = meetings.service.party();
    let hello: Hello = from_json_object(&whole(body)?, AtFault::Sender, "hello")?;
    let peer = party.credential(&hello.credential, AtFault::Sender)?;
    party.ensure_key(&peer, hello.trade).await.map_err(for_peer)?;
    let now = party.now();
    let (expect, challenge) = {
        let mut random = party.random();
        meeting::respond(&party.terminal(), &hello, now, &mut random)?
    };
    let mut waiting = lock(&meetings.waiting);
    if waiting.len() >= MAX_SESSIONS {
        waiting.retain(|_, (expect, _)| expect.begun().plus(CONFIRM_WITHIN) >= now);
        if waiting.len() >= MAX_SESSIONS {
            return Err(Problem::new(429, "busy", "too many meetings at once", None));
        }
    }
    waiting.insert(challenge.session, (expect, challenge.keys.clone()));
    Ok(Json(challenge))
}

/// What a peer is told when there is no key with it. That this party has to renew its own keys, and
/// by which command, is for its operator.
fn for_peer(error: CallError) -> Problem {
    let problem = Problem::from(error);
    if problem.at_fault.as_deref() != Some("own") {
        return problem;
    }
    let title = "the other party's own keys are not in order; try again later".to_string();
    Problem { title, ..problem }
}

async fn confirm<S: Service + ?Sized>(
    State(meetings): State<Arc<Meetings<S>>>,
    body: Body,
) -> Result<impl IntoResponse, Problem> {
    let party = meetings.service.party();
    let confirm: Confirm = from_json_object(&whole(body)?, AtFault::Sender, "confirm")?;
    let (expect, keys) =
        lock(&meetings.waiting).remove(&confirm.session).ok_or_else(Problem::unknown_session)?;
    let now = party.now();
    let Met { peer, peer_token, peer_role, session, .. } =
        expect.finish(&party.terminal(), &confirm, now)?;
    let peer = Peer { credential: peer, token: peer_token, role: peer_role };
    let open = Open { session: Mutex::new(session), keys, peer, used: Mutex::new(now) };
    let mut sessions = lock(&meetings.open);
    if sessions.len() >= MAX_SESSIONS {
        sessions.retain(|_, open| lock(&open.used).plus(IDLE) >= now);
        if sessions.len() >= MAX_SESSIONS {
            return Err(Problem::new(429, "busy", "too many sessions at once", None));
        }
    }
    sessions.insert(confirm.session, Arc::new(open));
    Ok(Json(serde_json::json!({ "session": confirm.session })))
}

async fn session<S: Service + ?Sized>(
    State(meetings): State<Arc<Meetings<S>>>,
    body: Body,
) -> Result<impl IntoResponse, Problem> {
    let body = whole(body)?;
    let message = std::str::from_utf8(&body)
        .map_err(|_| Problem::new(422, "malformed", "the message is not UTF-8", Some("session")))?;
    let id = session_of(message)?;
    let open = lock(&meetings.open).get(&id).cloned().ok_or_else(Problem::unknown_session)?;
    let party = meetings.service.party();
    let now = party.now();
    if lock(&open.used).plus(IDLE) < now
        || open.peer.credential.check_time(now, AtFault::Sender).is_err()
        || !party.is_in_force(&open.keys)
    {
        lock(&meetings.open).remove(&id);
        return Err(Problem::unknown_session());
    }
    *lock(&open.used) = now;
    let (seq, question) = lock(&open.session).hear(message)?;
    let answer = ask(meetings.service.as_ref(), &open.peer, &question).await;
    let answer = match answer {
        Ok(answer) => Answer::Ok(answer),
        Err(problem) => Answer::Problem(problem),
    };
    let plain = Zeroizing::new(serde_json::to_vec(&answer).map_err(|_| Problem::internal())?);
    let message = lock(&open.session).answer(seq, plain);
    Ok(([(header::CONTENT_TYPE, "application/jose")], message))
}

async fn ask<S: Service + ?Sized>(
    service: &S,
    peer: &Peer,
    question: &[u8],
) -> Result<Box<RawValue>, Problem> {
    let (op, body) = read_question(question)?;
    let answer = service.answer(peer, op, body).await;
    if let Err(problem) = &answer {
        tracing::info!(op, code = problem.code, field = problem.field, "refused");
    }
    answer
}

/// A poisoned lock guards sessions only, so they are used as they stand.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
