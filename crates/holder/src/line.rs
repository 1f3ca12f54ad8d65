//! The line to the center, over which telegrams go (row B6).

use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::Mutex;
use warifu_ports::Entropy;
use warifu_protocol::{
    ChaCha20Rng, ProtocolError, Reason, SeedableRng,
    credential::Credential,
    joining::{Message, Reply},
};
use warifu_wire::{CallError, TelegramSession};
use zeroize::Zeroizing;

/// Carries telegrams to the center.
#[async_trait]
pub trait Line: Send + Sync {
    /// Sends a signed telegram, and returns the center's signed answer, which the caller verifies.
    /// [`CallError::definite`] is the center's word that it does not act on the telegram.
    async fn send(&self, telegram: &str) -> Result<String, CallError>;

    /// Gives the center credentials and forms that telegrams name by their hashes.
    async fn enclose(&self, documents: &[String]) -> Result<(), CallError>;
}

/// A line over telegram sessions. It is opened when the first telegram goes, under a key made for it
/// alone, and again when the center has forgotten it.
pub struct CenterLine {
    network: String,
    center: Arc<Credential>,
    entropy: Arc<dyn Entropy>,
    open: Mutex<Option<Arc<TelegramSession>>>,
}

impl CenterLine {
    /// A line to the center whose checked credential this is.
    pub fn new(network: &str, center: Arc<Credential>, entropy: Arc<dyn Entropy>) -> CenterLine {
        CenterLine { network: network.to_string(), center, entropy, open: Mutex::default() }
    }

    async fn session(&self) -> Result<Arc<TelegramSession>, CallError> {
        let mut open = self.open.lock().await;
        if let Some(session) = open.as_ref() {
            return Ok(session.clone());
        }
        let mut random = ChaCha20Rng::from_seed(*Zeroizing::new(self.entropy.bytes32()));
        let session = TelegramSession::open(&self.network, &self.center, &mut random).await?;
        Ok(open.insert(Arc::new(session)).clone())
    }

    /// Says something in the session, and again in another if the center has forgotten that one.
    async fn say(&self, message: &Message) -> Result<Reply, CallError> {
        match self.session().await?.say(message).await {
            Err(CallError::Unproven(problem)) if problem.code == "unknown_session" => {
                *self.open.lock().await = None;
                self.session().await?.say(message).await
            }
            other => other,
        }
    }
}

fn unexpected() -> CallError {
    ProtocolError::sender(Reason::Mismatch, "reply").into()
}

#[async_trait]
impl Line for CenterLine {
    async fn send(&self, telegram: &str) -> Result<String, CallError> {
        match self.say(&Message::Telegram(telegram.to_string())).await? {
            Reply::Answer(answer) => Ok(answer),
            _ => Err(unexpected()),
        }
    }

    async fn enclose(&self, documents: &[String]) -> Result<(), CallError> {
        match self.say(&Message::Enclose(documents.to_vec())).await? {
            Reply::Enclosed {} => Ok(()),
            _ => Err(unexpected()),
        }
    }
}
