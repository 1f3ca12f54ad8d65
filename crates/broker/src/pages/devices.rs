//! The pages on which a member makes a device known: one asks for the mail, the other is behind its
//! link. To look at either changes nothing.

use super::{On, Words, set_cookie, show};
use crate::{broker::Broker, http::Caller, members::DEVICE_TIME};
use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;
use std::sync::Arc;
use warifu_wire::Problem;

/// A membership number, and the token of the mail.
type Link = Path<(String, String)>;

pub(super) fn routes() -> Router<Arc<Broker>> {
    Router::new()
        .route("/device", get(ask_page).post(ask))
        .route("/d/{number}/{link}", get(look).post(know))
}

enum Step {
    Ask,
    Asked,
    /// Where the button posts to.
    Open(String),
}

#[derive(Template)]
#[template(path = "device.html")]
struct DevicePage {
    words: Words,
    step: Step,
}

fn page(caller: &Caller, step: Step) -> Response {
    show(StatusCode::OK, &DevicePage { words: Words::of(caller), step })
}

async fn ask_page(caller: Caller) -> Response {
    page(&caller, Step::Ask)
}

#[derive(Deserialize)]
struct AskForm {
    member: String,
}

async fn ask(
    State(broker): On,
    caller: Caller,
    Form(form): Form<AskForm>,
) -> Result<Response, Problem> {
    broker.ask_device(&form.member, &caller.address).await?;
    Ok(page(&caller, Step::Asked))
}

async fn look(
    State(broker): On,
    caller: Caller,
    Path((number, link)): Link,
) -> Result<Response, Problem> {
    broker.is_device_link(&number, &link).await?;
    Ok(page(&caller, Step::Open(format!("/d/{number}/{link}"))))
}

async fn know(State(broker): On, Path((number, link)): Link) -> Result<Response, Problem> {
    let known = broker.know_device(&number, &link).await?;
    let mut response = Redirect::to("/login").into_response();
    set_cookie(&mut response, &broker, ("device", &known.device), DEVICE_TIME);
    Ok(response)
}
