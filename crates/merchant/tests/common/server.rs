//! Servers on the loopback address, with faults on demand.

use super::Script;
use axum::{
    Json, Router,
    extract::{RawQuery, Request, State},
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use std::{
    collections::{HashMap, VecDeque},
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
};
use warifu_protocol::terminal::Terminal;
use warifu_wire::{DirectoryAnswer, Problem, serve_routes};

/// Serves a router; returns its address.
pub async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

/// What goes wrong with one question within a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It does not arrive.
    LostQuestion,
    /// It has its effect, and the answer does not arrive.
    LostAnswer,
}

pub type Faults = Arc<Mutex<VecDeque<Fault>>>;

/// A party's place on the network: its port is its own, also while it is down.
pub struct Host {
    address: SocketAddr,
    pub faults: Faults,
}

impl Host {
    pub fn reserve() -> Host {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Host { address: listener.local_addr().unwrap(), faults: Faults::default() }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub async fn start(&self, script: Arc<Script>) {
        let listener = self.listen().await;
        let faults = middleware::from_fn_with_state(self.faults.clone(), break_off);
        let router = serve_routes(script).layer(faults);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    }

    /// While the service was away, an outgoing connection may have been given its port for a moment.
    async fn listen(&self) -> tokio::net::TcpListener {
        for _ in 0..200 {
            if let Ok(listener) = tokio::net::TcpListener::bind(self.address).await {
                return listener;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        tokio::net::TcpListener::bind(self.address).await.unwrap()
    }
}

/// A panic ends the connection without an answer.
async fn break_off(State(faults): State<Faults>, request: Request, next: Next) -> Response {
    let in_session = request.uri().path() == "/v1/session";
    let fault = if in_session { faults.lock().unwrap().pop_front() } else { None };
    assert_ne!(fault, Some(Fault::LostQuestion), "broken off on purpose");
    let response = next.run(request).await;
    assert_ne!(fault, Some(Fault::LostAnswer), "broken off on purpose");
    response
}

/// The center's public directory, and nothing else of it.
#[derive(Clone)]
pub struct Directory {
    pub url: String,
    known: Arc<Mutex<HashMap<String, String>>>,
}

impl Directory {
    pub async fn start() -> Directory {
        let known = Arc::<Mutex<HashMap<String, String>>>::default();
        let router = Router::new().route("/v1/directory", get(find)).with_state(known.clone());
        Directory { url: serve(router).await, known }
    }

    pub fn add(&self, terminal: &Terminal) {
        self.name(terminal.id().as_str(), terminal);
    }

    pub fn name(&self, name: &str, terminal: &Terminal) {
        self.name_token(name, &terminal.credential_token);
    }

    pub fn name_token(&self, name: &str, token: &str) {
        self.known.lock().unwrap().insert(name.to_string(), token.to_string());
    }

    pub fn forget(&self, name: &str) {
        self.known.lock().unwrap().remove(name);
    }
}

async fn find(
    State(known): State<Arc<Mutex<HashMap<String, String>>>>,
    RawQuery(query): RawQuery,
) -> Result<Json<DirectoryAnswer>, Problem> {
    let url = reqwest::Url::parse(&format!("http://query/?{}", query.unwrap())).unwrap();
    let (key, value) = url.query_pairs().next().unwrap();
    let credential = known.lock().unwrap().get(value.as_ref()).cloned();
    match credential {
        Some(credential) => Ok(Json(DirectoryAnswer { credential })),
        None => Err(Problem::not_found(&key)),
    }
}
