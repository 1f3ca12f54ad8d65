//! A scripted issuer: it is asked about orders that were given up, and says what it is told to.

use super::net::Net;
use async_trait::async_trait;
use serde_json::value::RawValue;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};
use warifu_ports::FixedClock;
use warifu_protocol::{
    status::{State, Status},
    terminal::Terminal,
};
use warifu_store::OsEntropy;
use warifu_types::{Identifier, OrderId, Role};
use warifu_wire::{
    Found, Party, Peer, Problem, Service, StatusAnswer, WithdrawQuestion, read_body, serve_routes,
    write_answer,
};

pub struct CardIssuer {
    party: Arc<Party>,
    pub down: AtomicBool,
    /// What it says of every order.
    pub word: Mutex<State>,
    /// What it was asked about.
    pub withdrawn: Mutex<Vec<(OrderId, Identifier)>>,
}

impl CardIssuer {
    /// Serves; returns what others know of it, too.
    pub async fn serve(net: &Net, clock: &Arc<FixedClock>) -> (Arc<CardIssuer>, Found) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut terminal: Terminal = net.terminal("domain:card.example", Role::Issuer, 3);
        let mut credential = (*terminal.credential).clone();
        credential.url = Some(format!("http://{}", listener.local_addr().unwrap()));
        terminal.credential_token = credential.sign(&net.centers[0].1);
        terminal.credential = Arc::new(credential);
        let (credential, token) = (terminal.credential.clone(), terminal.credential_token.clone());
        let party = Party::new(terminal, clock.clone(), Arc::new(OsEntropy), None);
        let issuer = Arc::new(CardIssuer {
            party,
            down: AtomicBool::new(false),
            word: Mutex::new(State::Refused),
            withdrawn: Mutex::default(),
        });
        let router = serve_routes(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (issuer, Found { credential, token })
    }
}

#[async_trait]
impl Service for CardIssuer {
    fn party(&self) -> &Arc<Party> {
        &self.party
    }

    async fn answer(
        &self,
        peer: &Peer,
        op: &str,
        body: &RawValue,
    ) -> Result<Box<RawValue>, Problem> {
        if self.down.load(Ordering::SeqCst) || op != "withdraw" {
            return Err(Problem::internal());
        }
        let question: WithdrawQuestion = read_body(body)?;
        self.withdrawn.lock().unwrap().push((question.order, question.merchant));
        let status = Status {
            iss: self.party.id(),
            aud: peer.credential.sub.clone(),
            order: question.identity,
            state: *self.word.lock().unwrap(),
            reason: None,
            authorization: None,
            iat: self.party.now(),
        };
        let status = status.sign(self.party.terminal().signer.as_ref());
        write_answer(&StatusAnswer { status })
    }
}
