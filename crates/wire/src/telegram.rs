//! The client's side of a telegram session: before a terminal has any key of the network, and for
//! every telegram after that (rows B2, B6). The session is opened to the center's pinned key; one
//! exchange serves many telegrams.

use crate::{
    CallError, Connections, Random,
    client::{limited_text, problem_of, unreachable},
    operation::Answer,
};
use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};
use warifu_protocol::{
    ProtocolError, Reason,
    credential::Credential,
    joining::{Guide, Message, Reply},
    session::Session,
    telegram::session,
};
use zeroize::Zeroizing;

/// An open telegram session with a center.
pub struct TelegramSession {
    connections: Connections,
    url: String,
    session: Mutex<Session>,
}

impl fmt::Debug for TelegramSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TelegramSession(…)")
    }
}

impl TelegramSession {
    /// The guide of the center at `url`. Nothing in it is believed before the fingerprint of its
    /// anchors is compared with the letter's.
    pub async fn guide(url: &str) -> Result<Guide, CallError> {
        Connections::default().get(&format!("{}/v1/guide", url.trim_end_matches('/'))).await
    }

    /// Opens a session in the network `network` with the center whose checked credential this is.
    pub async fn open(
        network: &str,
        center: &Credential,
        random: &mut Random,
    ) -> Result<TelegramSession, CallError> {
        let missing = || ProtocolError::sender(Reason::Mismatch, "credential.url");
        let url = center.url.as_deref().ok_or_else(missing)?.trim_end_matches('/');
        let (waiting, open) = session::open(network, center, random)?;
        let connections = Connections::default();
        let opened = connections.post(&format!("{url}/v1/telegram/open"), &open).await?;
        let session = Mutex::new(waiting.finish(&opened));
        Ok(TelegramSession { connections, url: format!("{url}/v1/telegram"), session })
    }

    /// Exchanges the opening messages alone, for whoever keeps the session's messages itself.
    pub async fn open_raw(url: &str, open: &session::Open) -> Result<session::Opened, CallError> {
        let url = format!("{}/v1/telegram/open", url.trim_end_matches('/'));
        Connections::default().post(&url, open).await
    }

    /// Says something and hears the center's reply. A problem of code `unknown_session` means that
    /// the session is over: open another and say the same again, which counts once.
    pub async fn say(&self, message: &Message) -> Result<Reply, CallError> {
        let plain = serde_json::to_vec(message)
            .map_err(|_| ProtocolError::own(Reason::Malformed, "message"))?;
        let (seq, message) = self.lock().ask(Zeroizing::new(plain));
        let request = self.connections.http().post(&self.url);
        let request = request.header("content-type", "application/jose").body(message);
        let response = request.send().await.map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(problem_of(response).await);
        }
        let text = limited_text(response).await?;
        let answer = self.lock().hear_answer(seq, &text)?;
        let malformed = |_| ProtocolError::sender(Reason::Malformed, "answer");
        match serde_json::from_slice::<Answer<Reply>>(&answer).map_err(malformed)? {
            Answer::Ok(reply) => Ok(reply),
            Answer::Problem(problem) => Err(CallError::Problem(problem)),
        }
    }

    /// Sends a signed telegram; the center's signed answer is still to be verified
    /// ([`warifu_protocol::telegram::TelegramAnswer::verify`]).
    pub async fn send(&self, telegram: &str) -> Result<String, CallError> {
        match self.say(&Message::Telegram(telegram.to_string())).await? {
            Reply::Answer(answer) => Ok(answer),
            _ => Err(ProtocolError::sender(Reason::Mismatch, "reply").into()),
        }
    }

    /// Gives the center credentials and forms to keep, which a telegram names by their hashes.
    pub async fn enclose(&self, documents: &[String]) -> Result<(), CallError> {
        match self.say(&Message::Enclose(documents.to_vec())).await? {
            Reply::Enclosed {} => Ok(()),
            _ => Err(ProtocolError::sender(Reason::Mismatch, "reply").into()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
