//! What a broker answers over HTTP: to users, to providers, and to everyone who looks for a service.
//! Errors are problem details (RFC 9457).

use crate::{
    approving::{Approval, OrderView},
    broker::Broker,
    devices::KnownDevice,
    members::Login,
    ordering::OrderWish,
    pages,
    providers::ProviderApplication,
    rules::forwarded::counted_by,
    services::{Found, FoundPage, Import, SearchWish},
};
use axum::{
    Json, Router,
    extract::{
        ConnectInfo, DefaultBodyLimit, FromRequestParts, Path, Query, State,
        rejection::QueryRejection,
    },
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{convert::Infallible, net::SocketAddr, sync::Arc};
use warifu_protocol::{AtFault, encode::from_json_object};
use warifu_types::OrderId;
use warifu_wire::{Body, Problem, whole};
use zeroize::Zeroizing;

/// The greatest body of a user's question, in bytes.
const MAX_BODY: usize = 64 * 1024;
/// The greatest file of services, in bytes.
const MAX_FILE: usize = 32 * 1024 * 1024;

type On = State<Arc<Broker>>;
type Answered<T> = Result<Json<T>, Problem>;

/// Every route of a broker: API and pages. To be served with
/// `into_make_service_with_connect_info::<SocketAddr>()`, so that attempts to log in are counted by
/// address.
pub fn routes(broker: Arc<Broker>) -> Router {
    Router::new()
        .route("/health", get(|| async { Json(serde_json::json!({ "status": "pass" })) }))
        .route("/v1/services", get(search))
        .route("/v1/services/{provider}/{number}", get(service))
        .route("/v1/kinds", get(kinds))
        .route("/v1/login", post(login))
        .route("/v1/logout", post(logout))
        .route("/v1/devices", post(ask_device))
        .route("/v1/devices/known", post(know_device))
        .route("/v1/orders", get(orders).post(place))
        .route("/v1/orders/{order}", get(order))
        .route("/v1/orders/{order}/approve", post(approve))
        .route("/v1/orders/{order}/cancel", post(cancel))
        .route("/v1/providers", post(apply))
        .merge(pages::routes())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .route("/v1/provider/services", put(import).layer(DefaultBodyLimit::max(MAX_FILE)))
        .fallback(|| async { Problem::not_found("path") })
        .method_not_allowed_fallback(|| async {
            Problem::new(405, "method", "this method is not for this path", Some("method"))
        })
        .with_state(broker)
}

/// Who calls: the address, and what the headers show.
pub(crate) struct Caller {
    /// What attempts are counted by: the address, or its network.
    pub address: String,
    /// `Authorization: Bearer`.
    pub bearer: Option<Zeroizing<String>>,
    /// The cookies of the pages.
    pub session: Option<Zeroizing<String>>,
    pub device: Option<Zeroizing<String>>,
    /// The ticket of a passkey's ceremony.
    pub ticket: Option<Zeroizing<String>>,
    /// Whether Japanese stands first in `Accept-Language`.
    pub japanese: bool,
    pub idempotency_key: Option<String>,
    pub content_type: String,
}

impl FromRequestParts<Arc<Broker>> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        broker: &Arc<Broker>,
    ) -> Result<Caller, Infallible> {
        let text = |name: &str| {
            parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let known = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let secret = |text: &str| Zeroizing::new(text.trim().to_string());
        let cookie = |name: &str| {
            let of = |pair: &str| {
                let (key, value) = pair.trim().split_once('=')?;
                (key == name).then(|| secret(value))
            };
            text("cookie").split(';').find_map(of)
        };
        let proxies = &broker.settings.proxies;
        let lines = parts.headers.get_all(proxies.header.header()).iter();
        let address = known.map(|info| {
            let address = proxies.caller(info.0.ip(), lines.filter_map(|line| line.to_str().ok()));
            counted_by(address).to_string()
        });
        Ok(Caller {
            address: address.unwrap_or_default(),
            bearer: text("authorization").strip_prefix("Bearer ").map(secret),
            session: cookie("session"),
            device: cookie("device"),
            ticket: cookie("ticket"),
            japanese: text("accept-language").trim_start().starts_with("ja"),
            idempotency_key: Some(text("idempotency-key").to_string()).filter(|k| !k.is_empty()),
            content_type: text("content-type").split(';').next().unwrap_or_default().to_string(),
        })
    }
}

impl Caller {
    /// The member whose session the API call shows. Cookies do not count: another site's page could
    /// have them sent.
    async fn member(&self, broker: &Broker) -> Result<String, Problem> {
        let shown = self.bearer.as_ref().map_or("", |bearer| bearer.as_str());
        broker.session(shown).await
    }
}

fn read<T: DeserializeOwned>(body: Body) -> Result<T, Problem> {
    Ok(from_json_object(&whole(body)?, AtFault::Sender, "body")?)
}

async fn search(
    State(broker): On,
    wish: Result<Query<SearchWish>, QueryRejection>,
) -> Answered<FoundPage> {
    let wish = wish.map_err(|_| {
        let title = "words, kind, place, date, currency, from, to, after and limit";
        Problem::bad_value("query", title)
    })?;
    Ok(Json(broker.search(&wish).await?))
}

async fn service(
    State(broker): On,
    Path((provider, number)): Path<(String, String)>,
) -> Answered<Found> {
    Ok(Json(broker.service(&format!("{provider}/{number}")).await?))
}

/// A kind, with the number of its services.
#[derive(Serialize)]
struct Kind {
    kind: String,
    services: u64,
}

async fn kinds(State(broker): On) -> Answered<Vec<Kind>> {
    let kinds = broker.kinds()?;
    Ok(Json(kinds.into_iter().map(|(kind, services)| Kind { kind, services }).collect()))
}

/// `POST /v1/login`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginWish {
    member: String,
    password: Zeroizing<String>,
    /// The token of an earlier login on this device.
    #[serde(default)]
    device: Option<Zeroizing<String>>,
}

async fn login(State(broker): On, caller: Caller, body: Body) -> Answered<Login> {
    let wish: LoginWish = read(body)?;
    let device = wish.device.as_ref().map(|device| device.as_str());
    let from = (caller.address.as_str(), device);
    Ok(Json(broker.login(&wish.member, &wish.password, from).await?))
}

async fn logout(State(broker): On, caller: Caller) -> Result<StatusCode, Problem> {
    if let Some(session) = &caller.bearer {
        broker.logout(session).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/devices`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceWish {
    member: String,
}

async fn ask_device(State(broker): On, caller: Caller, body: Body) -> Result<StatusCode, Problem> {
    let wish: DeviceWish = read(body)?;
    broker.ask_device(&wish.member, &caller.address).await?;
    Ok(StatusCode::ACCEPTED)
}

/// `POST /v1/devices/known`: the last two parts of the mail's link.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceLink {
    member: String,
    link: Zeroizing<String>,
}

async fn know_device(State(broker): On, body: Body) -> Answered<KnownDevice> {
    let DeviceLink { member, link } = read(body)?;
    Ok(Json(broker.know_device(&member, &link).await?))
}

async fn place(State(broker): On, caller: Caller, body: Body) -> Result<Response, Problem> {
    let member = caller.member(&broker).await?;
    let key = caller.idempotency_key.as_deref().ok_or_else(|| {
        Problem::bad_value("idempotency_key", "an order has the header Idempotency-Key")
    })?;
    let wish: OrderWish = read(body)?;
    let order = broker.place(&member, key, wish).await?;
    // The first steps are made at once; what fails, the worker takes up.
    let _ = broker.work_on(order).await;
    let view = broker.order(&member, order).await?;
    Ok((StatusCode::ACCEPTED, Json(view)).into_response())
}

async fn orders(State(broker): On, caller: Caller) -> Answered<Vec<OrderView>> {
    let member = caller.member(&broker).await?;
    Ok(Json(broker.orders(&member).await?))
}

async fn order(
    State(broker): On,
    caller: Caller,
    Path(order): Path<String>,
) -> Answered<OrderView> {
    let member = caller.member(&broker).await?;
    Ok(Json(broker.order(&member, order_id(&order)?).await?))
}

/// The answer to `approve` and `cancel`.
#[derive(Serialize)]
struct Decided {
    outcome: Approval,
}

async fn approve(State(on): On, caller: Caller, Path(order): Path<String>) -> Answered<Decided> {
    let member = caller.member(&on).await?;
    Ok(Json(Decided { outcome: on.decide(&member, order_id(&order)?, true).await? }))
}

async fn cancel(State(on): On, caller: Caller, Path(order): Path<String>) -> Answered<Decided> {
    let member = caller.member(&on).await?;
    Ok(Json(Decided { outcome: on.decide(&member, order_id(&order)?, false).await? }))
}

pub(crate) fn order_id(text: &str) -> Result<OrderId, Problem> {
    text.parse().map_err(|_| Problem::not_found("order"))
}

async fn apply(State(broker): On, body: Body) -> Result<Response, Problem> {
    let application: ProviderApplication = read(body)?;
    let number = broker.apply(application).await?;
    Ok((StatusCode::ACCEPTED, Json(serde_json::json!({ "number": number }))).into_response())
}

async fn import(State(broker): On, caller: Caller, body: Body) -> Result<Response, Problem> {
    let shown = caller.bearer.as_ref().map_or("", |bearer| bearer.as_str());
    let provider = broker.provider_of_token(shown).await?;
    let bytes = whole(body)?;
    let file = match caller.content_type.as_str() {
        "text/csv" => Import::Csv(&bytes),
        "application/ld+json" | "application/json" => Import::SchemaOrg(&bytes),
        _ => {
            let title = "text/csv, or application/ld+json in the words of schema.org";
            return Err(Problem::new(415, "media_type", title, Some("content_type")));
        }
    };
    match broker.import(&provider, file).await? {
        Ok(count) => Ok(Json(serde_json::json!({ "services": count })).into_response()),
        Err(faults) => {
            let title = "the file has faults, and nothing was changed";
            let field = faults.first().map(|fault| fault.field.clone());
            let problem = Problem::new(422, "bad_file", title, field.as_deref());
            let mut body = serde_json::to_value(&problem).map_err(|_| Problem::internal())?;
            body["faults"] = serde_json::json!(faults);
            let kind = [(header::CONTENT_TYPE, "application/problem+json")];
            Ok((StatusCode::UNPROCESSABLE_ENTITY, kind, body.to_string()).into_response())
        }
    }
}
