//! Meeting another party and asking it.

use crate::{
    CallError, Party, Problem,
    operation::{Answer, QuestionOut},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use warifu_protocol::{
    AtFault, ProtocolError, Reason,
    credential::Credential,
    derive::KeySource,
    meeting::{Challenge, Met},
    session::Session,
};
use warifu_types::{Digest, Identifier, OrderId, Role};
use zeroize::Zeroizing;

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A session with another party.
pub struct Connection {
    http: reqwest::Client,
    url: String,
    session: Mutex<Session>,
    /// Where the pair key came from.
    keys: KeySource,
    /// The peer's checked credential.
    pub peer: Arc<Credential>,
    /// The peer's credential as it was shown.
    pub peer_token: String,
}

/// Sessions that are kept open, one for each address and pair of roles.
pub struct Connections {
    http: reqwest::Client,
    open: Mutex<HashMap<(String, Role, Role), Arc<Connection>>>,
}

impl Default for Connections {
    fn default() -> Self {
        // For peers behind TLS. An error only says that a provider is installed already.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap_or_default();
        Connections { http, open: Mutex::default() }
    }
}

impl Connections {
    /// The open session, or a new meeting. `expected` is whom the caller means to meet.
    pub async fn to(
        &self,
        party: &Arc<Party>,
        url: &str,
        roles: (Role, Role),
        expected: Option<&Identifier>,
        form: Option<Digest>,
    ) -> Result<Arc<Connection>, CallError> {
        self.for_trade(party, url, roles, expected, form, None).await
    }

    /// As [`Connections::to`], in a network whose keys are handed out for each trade.
    pub async fn for_trade(
        &self,
        party: &Arc<Party>,
        url: &str,
        roles: (Role, Role),
        expected: Option<&Identifier>,
        form: Option<Digest>,
        trade: Option<OrderId>,
    ) -> Result<Arc<Connection>, CallError> {
        let key = (url.to_string(), roles.0, roles.1);
        let known = self.lock().get(&key).cloned();
        if let Some(open) = known
            && expected.is_none_or(|expected| *expected == open.peer.sub)
            && party.is_in_force(&open.keys)
        {
            return Ok(open);
        }
        let met = self.meet(party, url, roles, expected, form, trade).await?;
        let connection = Arc::new(met);
        self.lock().insert(key, connection.clone());
        Ok(connection)
    }

    /// Asks within the open session; meets again once if the peer does not know it any more.
    pub async fn ask<A: DeserializeOwned>(
        &self,
        party: &Arc<Party>,
        url: &str,
        roles: (Role, Role),
        expected: Option<&Identifier>,
        (op, question): (&str, &(impl Serialize + Sync)),
        trade: Option<OrderId>,
    ) -> Result<A, CallError> {
        let connection = self.for_trade(party, url, roles, expected, None, trade).await?;
        match connection.call(op, question).await {
            Err(CallError::Unproven(problem)) if problem.code == "unknown_session" => {
                self.forget(url, roles);
                let again = self.for_trade(party, url, roles, expected, None, trade).await?;
                again.call(op, question).await
            }
            other => other,
        }
    }

    /// Forgets a session, so that the next call meets again.
    pub fn forget(&self, url: &str, roles: (Role, Role)) {
        self.lock().remove(&(url.to_string(), roles.0, roles.1));
    }

    /// Forgets every session.
    pub fn forget_all(&self) {
        self.lock().clear();
    }

    /// Reads a public document, such as a merchant's form.
    pub async fn get<A: DeserializeOwned>(&self, url: &str) -> Result<A, CallError> {
        let response = self.http.get(url).send().await.map_err(unreachable)?;
        read(response).await
    }

    async fn meet(
        &self,
        party: &Arc<Party>,
        url: &str,
        roles: (Role, Role),
        expected: Option<&Identifier>,
        form: Option<Digest>,
        trade: Option<OrderId>,
    ) -> Result<Connection, CallError> {
        let (waiting, hello) = party.begin(roles, form, trade);
        let challenge = self.post(&format!("{url}/v1/meet/hello"), &hello).await;
        if let Err(CallError::Unproven(problem)) = &challenge
            && problem.code == Reason::OldEpoch.code()
        {
            // Perhaps it is this party whose keys are old: asking the centers shows it.
            party.renew_soon();
        }
        let challenge: Challenge = challenge?;
        let peer = party.credential(&challenge.credential, AtFault::Sender)?;
        if expected.is_some_and(|expected| *expected != peer.sub) {
            let error = ProtocolError::sender(Reason::Impostor, "challenge.credential");
            return Err(error.into());
        }
        party.ensure_key(&peer, trade).await?;
        let (met, confirm): (Met, _) = {
            let mut random = party.random();
            let terminal = party.terminal();
            waiting.finish(&terminal, &challenge, expected, party.now(), &mut random)?
        };
        let _: serde_json::Value = self.post(&format!("{url}/v1/meet/confirm"), &confirm).await?;
        Ok(Connection {
            http: self.http.clone(),
            url: format!("{url}/v1/session"),
            session: Mutex::new(met.session),
            keys: challenge.keys,
            peer: met.peer,
            peer_token: met.peer_token,
        })
    }

    /// Posts a document outside of sessions and reads the answer.
    pub(crate) async fn post<A: DeserializeOwned>(
        &self,
        url: &str,
        body: &impl Serialize,
    ) -> Result<A, CallError> {
        read(self.http.post(url).json(body).send().await.map_err(unreachable)?).await
    }

    /// The client for HTTP.
    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, Role, Role), Arc<Connection>>> {
        self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Connection {
    /// Asks one question.
    pub async fn call<A: DeserializeOwned>(
        &self,
        op: &str,
        question: &(impl Serialize + Sync),
    ) -> Result<A, CallError> {
        let plain = Zeroizing::new(
            serde_json::to_vec(&QuestionOut { op, body: question })
                .map_err(|_| ProtocolError::own(Reason::Malformed, "question"))?,
        );
        let (seq, message) = self.session().ask(plain);
        let response = self
            .http
            .post(&self.url)
            .header("content-type", "application/jose")
            .body(message)
            .send()
            .await
            .map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(problem_of(response).await);
        }
        let text = limited_text(response).await?;
        let answer = self.session().hear_answer(seq, &text)?;
        let malformed = |_| ProtocolError::sender(Reason::Malformed, "answer");
        match serde_json::from_slice::<Answer<A>>(&answer).map_err(malformed)? {
            Answer::Ok(answer) => Ok(answer),
            Answer::Problem(problem) => Err(CallError::Problem(problem)),
        }
    }

    fn session(&self) -> std::sync::MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

pub(crate) fn unreachable(error: reqwest::Error) -> CallError {
    // The address may name a person's terminal, so only the kind of failure is kept.
    let kind = if error.is_timeout() {
        "time-out"
    } else if error.is_connect() {
        "no connection"
    } else {
        "broken connection"
    };
    CallError::Network(kind.to_string())
}

async fn read<A: DeserializeOwned>(response: reqwest::Response) -> Result<A, CallError> {
    if !response.status().is_success() {
        return Err(problem_of(response).await);
    }
    let text = limited_text(response).await?;
    serde_json::from_str(&text)
        .map_err(|_| ProtocolError::sender(Reason::Malformed, "answer").into())
}

pub(crate) async fn problem_of(response: reqwest::Response) -> CallError {
    let status = response.status().as_u16();
    match limited_text(response).await {
        Ok(text) => CallError::Unproven(serde_json::from_str(&text).unwrap_or_else(|_| {
            Problem::new(status, "http", "the peer refused without saying why", None)
        })),
        Err(error) => error,
    }
}

pub(crate) async fn limited_text(mut response: reqwest::Response) -> Result<String, CallError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if bytes.len() + chunk.len() > crate::MAX_BODY {
            return Err(ProtocolError::sender(Reason::TooLarge, "answer").into());
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| ProtocolError::sender(Reason::Malformed, "answer").into())
}
