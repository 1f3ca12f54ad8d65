//! The provider's end of the line.

use super::{
    SIGN_ON,
    line::{LineError, Stream},
    message::Message,
    questions,
    wire::{Asked, Wire},
};
use async_trait::async_trait;
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::TcpStream,
    sync::{Mutex, Semaphore},
    time::timeout,
};
use tokio_rustls::TlsConnector;
use warifu_ports::{
    Clock,
    card_network::{CardAnswer, CardAuthorization, CardNetwork, CardNetworkError, TradeReference},
};
use warifu_types::Money;

/// Where the issuer is, and what protects the way to it.
#[derive(Debug, Clone)]
pub enum ClientLine {
    /// On this machine, in clear.
    Loopback(SocketAddr),
    /// Elsewhere, under mutual TLS.
    Tls {
        /// Host and port.
        address: String,
        /// The name in the issuer's certificate.
        name: String,
        /// From [`super::client_tls`].
        config: Arc<rustls::ClientConfig>,
    },
}

/// How the client asks.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// Where.
    pub line: ClientLine,
    /// The terminal's code, field 41: up to 8 characters; left out if it is none.
    pub terminal: Option<String>,
    /// How long one answer may take.
    pub patience: Duration,
    /// How often a question is repeated when no answer comes.
    pub repeats: u32,
    /// How long to wait after a line was not to be had.
    pub pause: Duration,
    /// How many questions may be under way.
    pub under_way: usize,
}

impl ClientSettings {
    /// Ten seconds for an answer, two repeats, a second's pause, 1,000 questions under way.
    pub fn new(line: ClientLine) -> ClientSettings {
        ClientSettings {
            line,
            terminal: None,
            patience: Duration::from_secs(10),
            repeats: 2,
            pause: Duration::from_secs(1),
            under_way: 1_000,
        }
    }
}

/// Asks an issuer by ISO 8583. The line is opened, signed on and opened again as needed; a question
/// without an answer is repeated under its repeat type with the same content.
pub struct Client {
    settings: ClientSettings,
    clock: Arc<dyn Clock>,
    stan: AtomicU32,
    places: Semaphore,
    wire: Mutex<Option<Arc<Wire>>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("line", &self.settings.line).finish_non_exhaustive()
    }
}

impl Client {
    /// A client whose line comes up with the first question.
    ///
    /// # Errors
    /// [`LineError::Plain`] if card data would cross a network in clear, [`LineError::Address`] if
    /// the terminal's code cannot be said.
    pub fn new(settings: ClientSettings, clock: Arc<dyn Clock>) -> Result<Client, LineError> {
        if let ClientLine::Loopback(address) = &settings.line
            && !address.ip().is_loopback()
        {
            return Err(LineError::Plain);
        }
        if let Some(terminal) = &settings.terminal {
            Message::new(super::message::MessageType::Network)
                .set_padded(41, terminal)
                .map_err(|error| LineError::Address(error.to_string()))?;
        }
        // A restart must not begin with numbers whose late answers may still come.
        let first = u32::try_from(clock.now().0 % 1_000_000).unwrap_or(0);
        let places = Semaphore::new(settings.under_way.clamp(1, 900_000));
        Ok(Client { settings, clock, stan: first.into(), places, wire: Mutex::new(None) })
    }

    /// Asks whether anybody is there: 0800 with field 70 = 301.
    ///
    /// # Errors
    /// [`CardNetworkError`], if not.
    pub async fn echo(&self) -> Result<(), CardNetworkError> {
        self.manage(super::ECHO).await
    }

    async fn manage(&self, code: u16) -> Result<(), CardNetworkError> {
        let question = questions::management(code, self.clock.now())?;
        match self.ask(question).await? {
            CardAnswer::Approved { .. } => Ok(()),
            CardAnswer::Declined { .. } => Err(CardNetworkError::BadAnswer(39)),
        }
    }

    /// Asks, again where no answer comes, and reads the answer.
    async fn ask(&self, mut question: Message) -> Result<CardAnswer, CardNetworkError> {
        let unreachable = |why: &str| CardNetworkError::Unreachable(why.to_owned());
        let _place = self.places.acquire().await.map_err(|_| unreachable("closed"))?;
        self.complete(&mut question)?;
        let mut last = unreachable("no answer in time");
        for attempt in 0..=self.settings.repeats {
            let wire = match self.wire().await {
                Ok(wire) => wire,
                Err(error) => {
                    last = unreachable(&error.to_string());
                    if attempt < self.settings.repeats {
                        tokio::time::sleep(self.settings.pause).await;
                    }
                    continue;
                }
            };
            match wire.ask(&question, self.settings.patience).await {
                Asked::Answered(answer) => return questions::read_answer(&question, &answer?),
                Asked::Silent => {
                    question.kind = question.kind.repeat();
                    last = unreachable("no answer in time");
                }
                Asked::NotSent => last = unreachable("the line went down"),
            }
        }
        Err(last)
    }

    fn complete(&self, question: &mut Message) -> Result<(), CardNetworkError> {
        let bad = |error: super::message::MessageError| CardNetworkError::BadQuestion(error.field);
        let stan = self.stan.fetch_add(1, Ordering::Relaxed) % 999_999 + 1;
        question.set(11, format!("{stan:06}")).map_err(bad)?;
        match &self.settings.terminal {
            Some(terminal) => question.set_padded(41, terminal).map_err(bad),
            None => Ok(()),
        }
    }

    /// The line that is up, or a new one.
    async fn wire(&self) -> io::Result<Arc<Wire>> {
        let mut current = self.wire.lock().await;
        if let Some(wire) = current.as_ref().filter(|wire| wire.is_up()) {
            return Ok(wire.clone());
        }
        let silent = |_| io::Error::new(io::ErrorKind::TimedOut, "no connection in time");
        let stream = timeout(self.settings.patience, self.connect()).await.map_err(silent)??;
        let wire = Arc::new(Wire::new(stream));
        self.sign_on(&wire).await?;
        *current = Some(wire.clone());
        Ok(wire)
    }

    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        match &self.settings.line {
            ClientLine::Loopback(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            ClientLine::Tls { address, name, config } => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                let name = rustls::pki_types::ServerName::try_from(name.clone())
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
                let tls = TlsConnector::from(config.clone()).connect(name, stream).await?;
                Ok(Box::new(tls))
            }
        }
    }

    async fn sign_on(&self, wire: &Wire) -> io::Result<()> {
        let refused = || io::Error::new(io::ErrorKind::ConnectionRefused, "sign-on refused");
        let mut question =
            questions::management(SIGN_ON, self.clock.now()).map_err(|_| refused())?;
        self.complete(&mut question).map_err(|_| refused())?;
        match wire.ask(&question, self.settings.patience).await {
            Asked::Answered(Ok(answer)) => match questions::read_answer(&question, &answer) {
                Ok(CardAnswer::Approved { .. }) => Ok(()),
                _ => Err(refused()),
            },
            _ => Err(io::Error::new(io::ErrorKind::TimedOut, "no answer to the sign-on")),
        }
    }
}

#[async_trait]
impl CardNetwork for Client {
    async fn authorize(&self, asked: &CardAuthorization) -> Result<CardAnswer, CardNetworkError> {
        self.ask(questions::authorization(asked)?).await
    }

    async fn capture(
        &self,
        trade: &TradeReference,
        amount: Money,
    ) -> Result<CardAnswer, CardNetworkError> {
        self.ask(questions::capture(trade, amount, self.clock.now())?).await
    }

    async fn reverse(
        &self,
        trade: &TradeReference,
        amount: Money,
    ) -> Result<CardAnswer, CardNetworkError> {
        self.ask(questions::reversal(trade, amount, self.clock.now())?).await
    }
}
