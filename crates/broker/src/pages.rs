//! The broker's pages: services, login, the member's orders and passkeys, and the page behind a mail's
//! link. One script, for passkeys alone: everything else works without. To look at a page changes
//! nothing: what decides is a button, whose form brings a token that only the page has (row C5).

mod devices;
mod passkeys;
mod services;

use crate::{
    approving::{Approval, OrderView},
    broker::Broker,
    http::{Caller, order_id},
    members::{DEVICE_TIME, Login},
    rules::{calendar, letter::Language, token},
};
use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use warifu_ports::Unit;
use warifu_wire::Problem;
use zeroize::Zeroizing;

type On = State<Arc<Broker>>;

/// The routes of the pages.
pub(crate) fn routes() -> Router<Arc<Broker>> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/orders") }))
        .route("/style.css", get(style))
        .route("/login", get(login_page).post(login))
        .route("/logout", get(orders).post(logout))
        .route("/orders", get(orders))
        .route("/orders/{order}", get(order).post(decide))
        .route("/c/{link}", get(linked).post(decide_linked))
        .merge(devices::routes())
        .merge(passkeys::routes())
        .merge(services::routes())
}

/// The texts of a page, in one language.
pub(crate) struct Words {
    japanese: bool,
}

impl Words {
    /// In the caller's language.
    pub(crate) fn of(caller: &Caller) -> Words {
        Words { japanese: caller.japanese }
    }

    /// The English or the Japanese text.
    pub(crate) fn say<'a>(&self, en: &'a str, ja: &'a str) -> &'a str {
        if self.japanese { ja } else { en }
    }

    pub(crate) fn tag(&self) -> &'static str {
        if self.japanese { "ja" } else { "en" }
    }

    fn language(&self) -> Language {
        Language::of(self.tag())
    }
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    words: Words,
    /// Whether passkeys are offered.
    passkeys: bool,
    alert: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "orders.html")]
struct OrdersPage {
    words: Words,
    orders: Vec<Line>,
    token: Zeroizing<String>,
}

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    words: Words,
    line: Line,
    order: OrderView,
    until: String,
    steps: Vec<(&'static str, String)>,
    /// Where the buttons post to.
    action: String,
    token: Zeroizing<String>,
    /// What a button has just done.
    outcome: Option<&'static str>,
}

/// An order in a list.
struct Line {
    id: String,
    number: String,
    service: String,
    provider: String,
    total: String,
    state: &'static str,
    may_approve: bool,
    may_cancel: bool,
}

impl Line {
    fn of(words: &Words, order: &OrderView) -> Line {
        Line {
            id: order.id.to_string(),
            number: order.number.clone(),
            service: order.service.clone(),
            provider: order.provider.clone(),
            total: order.total.to_string(),
            state: said(words, order.state),
            may_approve: order.state == "confirming",
            may_cancel: ["placed", "held", "confirming"].contains(&order.state),
        }
    }
}

/// A state as people read it.
fn said(words: &Words, state: &str) -> &'static str {
    let (en, ja) = match state {
        "placed" => ("Ordered", "受付"),
        "held" => ("Card checked", "カード確認済み"),
        "confirming" => ("Waits for your approval", "ご承認待ち"),
        "approved" => ("Approved", "承認済み"),
        "passed" => ("Sent to the provider", "提供者へ送付済み"),
        "accepted" => ("Accepted by the provider", "提供者が受注"),
        "served" => ("Served", "提供済み"),
        "closed" => ("Closed", "完了"),
        "refused" => ("Card refused", "カード利用不可"),
        "cancelled" => ("Cancelled", "取消"),
        "expired" => ("Expired", "期限切れ"),
        _ => ("Declined by the provider", "提供者が辞退"),
    };
    if words.japanese { ja } else { en }
}

/// What a button has done.
fn told(words: &Words, approval: Approval) -> &'static str {
    let (en, ja) = match approval {
        Approval::Approved => ("The order is approved.", "ご注文を承認しました。"),
        Approval::SoldOut => (
            "There is none left: somebody was faster. Nothing was ordered and nothing is charged.",
            "先に予約が入り、満席・完売となりました。発注はされず、ご請求もありません。",
        ),
        Approval::Cancelled => ("The order is cancelled.", "ご注文を取り消しました。"),
        _ => (
            "Nothing was changed: the order was decided before, or its time is over.",
            "変更はありません。すでに決まったご注文か、期限を過ぎています。",
        ),
    };
    if words.japanese { ja } else { en }
}

async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    (kind, include_str!("../templates/style.css")).into_response()
}

/// A page without a script.
pub(crate) fn show(status: StatusCode, page: &impl Template) -> Response {
    let policy = "default-src 'none'; style-src 'self'; form-action 'self'; \
                  base-uri 'none'; frame-ancestors 'none'";
    show_under(policy, status, page)
}

/// A page, never kept by a browser or shown in another site's frame, under a policy of what it may load.
fn show_under(policy: &'static str, status: StatusCode, page: &impl Template) -> Response {
    let Ok(html) = page.render() else { return Problem::internal().into_response() };
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn login_page(State(broker): On, caller: Caller) -> Response {
    show_login(&broker, &caller, StatusCode::OK, None)
}

/// The login page, with an alert in English and Japanese.
fn show_login(
    broker: &Broker,
    caller: &Caller,
    status: StatusCode,
    alert: Option<(&'static str, &'static str)>,
) -> Response {
    let words = Words::of(caller);
    let alert = alert.map(|(en, ja)| words.say(en, ja));
    let page = LoginPage { words, passkeys: broker.site().is_some(), alert };
    show_under(passkeys::POLICY, status, &page)
}

#[derive(Deserialize)]
struct LoginForm {
    member: String,
    password: Zeroizing<String>,
}

async fn login(State(broker): On, caller: Caller, Form(form): Form<LoginForm>) -> Response {
    let device = caller.device.as_ref().map(|device| device.as_str());
    let from = (caller.address.as_str(), device);
    match broker.login(&form.member, &form.password, from).await {
        Ok(login) => with_cookies(Redirect::to("/orders").into_response(), &broker, &login),
        Err(problem) if problem.status < 500 => {
            let alert = (
                "Membership number or password is wrong, or there were too many attempts.",
                "会員番号またはパスワードが違うか、試行回数が多すぎます。",
            );
            show_login(&broker, &caller, status_of(&problem), Some(alert))
        }
        Err(problem) => problem.into_response(),
    }
}

fn status_of(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn with_cookies(mut response: Response, broker: &Broker, login: &Login) -> Response {
    let session_time = broker.settings.session_time;
    set_cookie(&mut response, broker, ("session", &login.session), session_time);
    set_cookie(&mut response, broker, ("device", &login.device), DEVICE_TIME);
    response
}

/// Has the browser keep a secret for so many seconds.
pub(crate) fn set_cookie(
    response: &mut Response,
    broker: &Broker,
    (name, value): (&str, &Zeroizing<String>),
    seconds: u64,
) {
    let secure = if broker.settings.pages.starts_with("https:") { "; Secure" } else { "" };
    let cookie = format!(
        "{name}={}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}",
        value.as_str()
    );
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// The member of the pages' session, and the token that its forms bring.
async fn member(broker: &Broker, caller: &Caller) -> Result<(String, Zeroizing<String>), Response> {
    let login = || Redirect::to("/login").into_response();
    let session = caller.session.as_ref().ok_or_else(login)?;
    let member = broker.session(session).await.map_err(|_| login())?;
    let token = form_token(broker, session).await.map_err(IntoResponse::into_response)?;
    Ok((member, token))
}

/// The token of a page's forms: made of what opened the page.
async fn form_token(broker: &Broker, opened: &str) -> Result<Zeroizing<String>, Problem> {
    let opened = Zeroizing::new(opened.to_string());
    let hash = move |unit: &mut dyn Unit| {
        Ok::<_, Problem>(unit.keyed_hash("broker form token", opened.as_bytes()))
    };
    let hash = Zeroizing::new(broker.store.run(hash).await?);
    token::of_hash(&hash).ok_or_else(Problem::internal)
}

/// Refuses a form with a token that the page did not have.
fn check_token(shown: &str, right: &str) -> Result<(), Problem> {
    match bool::from(shown.as_bytes().ct_eq(right.as_bytes())) {
        true => Ok(()),
        false => Err(Problem::forbidden("token")),
    }
}

#[derive(Deserialize)]
struct DecisionForm {
    token: Zeroizing<String>,
    /// `approve` or `cancel`.
    decision: String,
}

impl DecisionForm {
    /// Whether the form approves.
    fn read(&self, right: &str) -> Result<bool, Problem> {
        check_token(&self.token, right)?;
        match self.decision.as_str() {
            "approve" => Ok(true),
            "cancel" => Ok(false),
            _ => Err(Problem::bad_value("decision", "approve or cancel")),
        }
    }
}

async fn logout(
    State(broker): On,
    caller: Caller,
    Form(form): Form<DecisionForm>,
) -> Result<Response, Response> {
    let (_, token) = member(&broker, &caller).await?;
    form.read(&token).map_err(IntoResponse::into_response)?;
    if let Some(session) = &caller.session {
        broker.logout(session).await.map_err(IntoResponse::into_response)?;
    }
    Ok(Redirect::to("/login").into_response())
}

async fn orders(State(broker): On, caller: Caller) -> Result<Response, Response> {
    let (member, token) = member(&broker, &caller).await?;
    let orders = broker.orders(&member).await.map_err(IntoResponse::into_response)?;
    let words = Words { japanese: caller.japanese };
    let orders = orders.iter().rev().map(|order| Line::of(&words, order)).collect();
    Ok(show(StatusCode::OK, &OrdersPage { words, orders, token }))
}

async fn order(
    State(broker): On,
    caller: Caller,
    Path(order): Path<String>,
) -> Result<Response, Response> {
    let (member, token) = member(&broker, &caller).await?;
    let found = one(&broker, &member, &order).await.map_err(IntoResponse::into_response)?;
    let words = Words { japanese: caller.japanese };
    Ok(page(words, found, format!("/orders/{order}"), token, None))
}

async fn one(broker: &Broker, member: &str, order: &str) -> Result<OrderView, Problem> {
    broker.order(member, order_id(order)?).await
}

async fn decide(
    State(broker): On,
    caller: Caller,
    Path(order): Path<String>,
    Form(form): Form<DecisionForm>,
) -> Result<Response, Response> {
    let (member, token) = member(&broker, &caller).await?;
    let work = async {
        let approve = form.read(&token)?;
        let outcome = broker.decide(&member, order_id(&order)?, approve).await?;
        Ok::<_, Problem>((outcome, one(&broker, &member, &order).await?))
    };
    let (outcome, found) = work.await.map_err(IntoResponse::into_response)?;
    let words = Words { japanese: caller.japanese };
    Ok(page(words, found, format!("/orders/{order}"), token, Some(outcome)))
}

async fn linked(State(broker): On, Path(link): Path<String>) -> Result<Response, Problem> {
    let (found, language) = broker.linked(&link).await?;
    let token = form_token(&broker, &link).await?;
    let words = Words { japanese: language == "ja" };
    Ok(page(words, found, format!("/c/{link}"), token, None))
}

async fn decide_linked(
    State(broker): On,
    Path(link): Path<String>,
    Form(form): Form<DecisionForm>,
) -> Result<Response, Problem> {
    let token = form_token(&broker, &link).await?;
    let approve = form.read(&token)?;
    let outcome = broker.decide_linked(&link, approve).await?;
    let (found, language) = broker.linked(&link).await?;
    let words = Words { japanese: language == "ja" };
    Ok(page(words, found, format!("/c/{link}"), token, Some(outcome)))
}

fn page(
    words: Words,
    order: OrderView,
    action: String,
    token: Zeroizing<String>,
    outcome: Option<Approval>,
) -> Response {
    let until = calendar::said(order.until, words.language());
    let steps = order
        .steps
        .iter()
        .map(|step| (said(&words, step.state.as_str()), calendar::said(step.at, words.language())))
        .collect();
    let line = Line::of(&words, &order);
    let outcome = outcome.map(|outcome| told(&words, outcome));
    show(StatusCode::OK, &OrderPage { words, line, order, until, steps, action, token, outcome })
}
