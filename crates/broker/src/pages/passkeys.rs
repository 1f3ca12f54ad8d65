//! The pages around passkeys. The page's script asks for a challenge, has the browser answer it, and
//! sends the answer with the page's form.

use super::{
    On, Words, check_token, member, set_cookie, show_login, show_under, status_of, with_cookies,
};
use crate::{
    broker::Broker,
    http::Caller,
    passkeys::{Answer, Attempt, LIFETIME, NewPasskeyAnswer, PasskeySummary},
    rules::calendar,
};
use askama::Template;
use axum::{
    Form, Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use warifu_wire::Problem;
use zeroize::Zeroizing;

/// What a page with the script may load, and where the script may ask: this site, and nothing else.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; \
                                 style-src 'self'; form-action 'self'; base-uri 'none'; \
                                 frame-ancestors 'none'";

/// The routes of passkeys.
pub(super) fn routes() -> Router<Arc<Broker>> {
    Router::new()
        .route("/passkey.js", get(script))
        .route("/login/passkey/begin", post(begin_entry))
        .route("/login/passkey", post(enter))
        .route("/passkeys", get(passkeys).post(add))
        .route("/passkeys/begin", post(begin))
        .route("/passkeys/{handle}", post(change))
}

async fn script() -> Response {
    let kind = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (kind, include_str!("../../templates/passkey.js")).into_response()
}

#[derive(Template)]
#[template(path = "passkeys.html")]
struct PasskeysPage {
    words: Words,
    /// Whether passkeys are offered.
    offered: bool,
    passkeys: Vec<Line>,
    token: Zeroizing<String>,
    alert: Option<&'static str>,
}

/// A passkey in the list.
struct Line {
    handle: String,
    name: String,
    made: String,
    used: Option<String>,
}

impl Line {
    fn of(words: &Words, passkey: PasskeySummary) -> Line {
        let said = |time| calendar::said(time, words.language());
        let PasskeySummary { handle, name, made, used } = passkey;
        Line { handle, name, made: said(made), used: used.map(said) }
    }
}

/// What the script is given, and the ticket for the browser.
fn begun<T: Serialize>(broker: &Broker, attempt: Attempt<T>) -> Response {
    let mut response = Json(attempt.options).into_response();
    set_cookie(&mut response, broker, ("ticket", &attempt.ticket), LIFETIME);
    response
}

async fn begin_entry(State(broker): On, caller: Caller) -> Result<Response, Problem> {
    Ok(begun(&broker, broker.begin_entry(&caller.address).await?))
}

/// The ticket that the browser has shown; without one nothing is answered.
fn ticket(caller: &Caller) -> &str {
    caller.ticket.as_ref().map_or("", |ticket| ticket.as_str())
}

async fn enter(State(broker): On, caller: Caller, Form(answer): Form<Answer>) -> Response {
    match broker.enter(ticket(&caller), &answer, &caller.address).await {
        Ok(login) => with_cookies(Redirect::to("/orders").into_response(), &broker, &login),
        Err(problem) if problem.status < 500 => {
            let alert = (
                "That passkey did not let you in: it was removed here, or the page was open for \
                 too long. Try again, or log in with number and password.",
                "このパスキーではログインできませんでした。削除されたか、ページを開いてから時間が\
                 経ちすぎています。もう一度試すか、会員番号とパスワードでログインしてください。",
            );
            show_login(&broker, &caller, status_of(&problem), Some(alert))
        }
        Err(problem) => problem.into_response(),
    }
}

async fn passkeys(State(broker): On, caller: Caller) -> Result<Response, Response> {
    let (member, token) = member(&broker, &caller).await?;
    list(&broker, &caller, (&member, token), None).await.map_err(IntoResponse::into_response)
}

/// The page of a member's passkeys, with what went wrong.
async fn list(
    broker: &Broker,
    caller: &Caller,
    (member, token): (&str, Zeroizing<String>),
    wrong: Option<&Problem>,
) -> Result<Response, Problem> {
    let words = Words::of(caller);
    let passkeys = broker.passkeys(member).await?;
    let passkeys = passkeys.into_iter().map(|passkey| Line::of(&words, passkey)).collect();
    let alert = wrong.map(|problem| told(&words, problem));
    let offered = broker.site().is_some();
    let page = PasskeysPage { words, offered, passkeys, token, alert };
    Ok(show_under(POLICY, wrong.map_or(StatusCode::OK, status_of), &page))
}

/// What went wrong, as people read it.
fn told(words: &Words, problem: &Problem) -> &'static str {
    match problem.code.as_str() {
        "bad_value" => words.say(
            "A name has 1 to 60 characters on one line.",
            "名前は1行、1〜60文字で入力してください。",
        ),
        "challenge_over" => words.say(
            "Nothing was added: the page was open for too long. Try again.",
            "追加できませんでした。ページを開いてから時間が経ちすぎています。もう一度お試しください。",
        ),
        "not_found" => {
            words.say("That passkey was removed before.", "このパスキーはすでに削除されています。")
        }
        _ => words.say(
            "Nothing was added: this passkey cannot be used here.",
            "追加できませんでした。このパスキーはここでは使えません。",
        ),
    }
}

/// The password once more, for a new passkey.
#[derive(Deserialize)]
struct BeginForm {
    token: Zeroizing<String>,
    password: Zeroizing<String>,
}

async fn begin(
    State(broker): On,
    caller: Caller,
    Form(form): Form<BeginForm>,
) -> Result<Response, Response> {
    let (member, token) = member(&broker, &caller).await?;
    let device = caller.device.as_ref().map(|device| device.as_str());
    let work = async {
        check_token(&form.token, &token)?;
        let from = (caller.address.as_str(), device);
        broker.begin_passkey(&member, &form.password, from).await
    };
    work.await.map(|attempt| begun(&broker, attempt)).map_err(IntoResponse::into_response)
}

#[derive(Deserialize)]
struct AddForm {
    token: Zeroizing<String>,
    name: String,
    client_data: String,
    attestation: String,
}

async fn add(
    State(broker): On,
    caller: Caller,
    Form(form): Form<AddForm>,
) -> Result<Response, Response> {
    let AddForm { token: shown, name, client_data, attestation } = form;
    let answer = NewPasskeyAnswer { name, client_data, attestation };
    changed(&broker, &caller, &shown, async |member| {
        broker.add_passkey(member, ticket(&caller), &answer).await
    })
    .await
}

#[derive(Deserialize)]
struct ChangeForm {
    token: Zeroizing<String>,
    /// `name` or `remove`.
    decision: String,
    name: String,
}

async fn change(
    State(broker): On,
    caller: Caller,
    Path(handle): Path<String>,
    Form(form): Form<ChangeForm>,
) -> Result<Response, Response> {
    changed(&broker, &caller, &form.token, async |member| match form.decision.as_str() {
        "name" => broker.name_passkey(member, &handle, &form.name).await,
        "remove" => broker.remove_passkey(member, &handle).await,
        _ => Err(Problem::bad_value("decision", "name or remove")),
    })
    .await
}

/// Changes something of a member's passkeys, and shows them.
async fn changed(
    broker: &Broker,
    caller: &Caller,
    shown: &str,
    change: impl AsyncFnOnce(&str) -> Result<(), Problem>,
) -> Result<Response, Response> {
    let (member, token) = member(broker, caller).await?;
    check_token(shown, &token).map_err(IntoResponse::into_response)?;
    match change(&member).await {
        Ok(()) => Ok(Redirect::to("/passkeys").into_response()),
        Err(problem) if problem.status < 500 => {
            let page = list(broker, caller, (&member, token), Some(&problem)).await;
            page.map_err(IntoResponse::into_response)
        }
        Err(problem) => Err(problem.into_response()),
    }
}
