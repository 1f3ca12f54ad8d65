//! The issuer's end of the line.

use super::{
    ECHO, SIGN_OFF, SIGN_ON,
    line::{LineError, Stream, read_frame},
    message::Message,
    questions::{self, Question, Unanswerable},
    wire::write,
};
use rustls::pki_types::CertificateDer;
use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use warifu_ports::{
    Clock,
    card_network::{CardAnswer, CardNetwork, CardNetworkError},
};
use zeroize::Zeroizing;

/// Who may ask, and what protects the way.
#[derive(Debug, Clone)]
pub enum ServerLine {
    /// From this machine, in clear: whoever asks may speak for every acceptor.
    Loopback,
    /// Under mutual TLS: each certificate may speak for the acceptors (field 42) that stand with it,
    /// and for no other.
    Tls {
        /// From [`super::server_tls`].
        config: Arc<rustls::ServerConfig>,
        /// The acceptors of each certificate (see [`super::certificate`]).
        acceptors: HashMap<CertificateDer<'static>, BTreeSet<String>>,
    },
}

/// What the server bears.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once; one more is closed.
    pub connections: usize,
    /// Questions of one connection that are being answered; more wait.
    pub questions: usize,
    /// How long a connection may say nothing, and how long its handshake may take.
    pub idle: Duration,
    /// How long the issuer may take; then the answer is 91.
    pub answer: Duration,
}

impl Default for Limits {
    /// 200 connections of 32 questions, five minutes of silence, eight seconds for an answer.
    fn default() -> Limits {
        Limits {
            connections: 200,
            questions: 32,
            idle: Duration::from_secs(300),
            answer: Duration::from_secs(8),
        }
    }
}

/// Answers for an issuer until it is dropped. A question that is being decided is decided, also when
/// its connection goes.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

struct Shared {
    network: Arc<dyn CardNetwork>,
    clock: Arc<dyn Clock>,
    line: ServerLine,
    limits: Limits,
}

/// For whom a connection may speak; `None` for everyone.
type Acceptors = Option<Arc<BTreeSet<String>>>;

impl Server {
    /// Begins to answer on a listener.
    ///
    /// # Errors
    /// [`LineError::Plain`] if the listener can be reached from elsewhere and there is no TLS.
    pub fn start(
        listener: TcpListener,
        network: Arc<dyn CardNetwork>,
        clock: Arc<dyn Clock>,
        line: ServerLine,
        limits: Limits,
    ) -> Result<Server, LineError> {
        let address =
            listener.local_addr().map_err(|error| LineError::Address(error.to_string()))?;
        if matches!(line, ServerLine::Loopback) && !address.ip().is_loopback() {
            return Err(LineError::Plain);
        }
        let shared = Arc::new(Shared { network, clock, line, limits });
        Ok(Server { address, task: tokio::spawn(accept(listener, shared)) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(shared.limits.connections));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // Out of file descriptors, for one: not the caller's fault, and it passes.
            Err(error) => {
                tracing::warn!(%error, "card network: no connection accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            tracing::warn!("card network: too many connections");
            continue;
        };
        let shared = shared.clone();
        connections.spawn(async move {
            let _place = place;
            let Ok(Some((stream, acceptors))) =
                timeout(shared.limits.idle, admit(stream, &shared.line)).await
            else {
                tracing::debug!("card network: a handshake failed");
                return;
            };
            serve(stream, acceptors, shared).await;
        });
    }
}

/// The stream under its protection, and for whom it may speak.
async fn admit(stream: TcpStream, line: &ServerLine) -> Option<(Box<dyn Stream>, Acceptors)> {
    stream.set_nodelay(true).ok()?;
    match line {
        ServerLine::Loopback => Some((Box::new(stream), None)),
        ServerLine::Tls { config, acceptors } => {
            let tls = TlsAcceptor::from(config.clone()).accept(stream).await.ok()?;
            let own = tls.get_ref().1.peer_certificates()?.first()?;
            let own = acceptors.get(own).cloned().unwrap_or_default();
            Some((Box::new(tls), Some(Arc::new(own))))
        }
    }
}

/// Reads questions and writes answers until the line ends, is silent for too long, or says what is
/// no message.
async fn serve(stream: Box<dyn Stream>, acceptors: Acceptors, shared: Arc<Shared>) {
    let (mut reader, writer) = tokio::io::split(stream);
    let (answers, frames) = mpsc::channel(shared.limits.questions.max(1));
    let places = Arc::new(Semaphore::new(shared.limits.questions.max(1)));
    let idle = shared.limits.idle;
    let read = async move {
        while let Ok(Ok(Some(frame))) = timeout(idle, read_frame(&mut reader)).await {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let question = match Message::decode(&frame) {
                Ok(message) => Ok(message),
                Err(rejected) => match rejected.sound {
                    Some(sound) => Err((sound, Unanswerable::Format(rejected.error))),
                    // Not even a message type: what follows cannot be trusted either.
                    None => return,
                },
            };
            let (shared, acceptors, answers) = (shared.clone(), acceptors.clone(), answers.clone());
            tokio::spawn(async move {
                let _place = place;
                let answer = match question {
                    Ok(message) => answer(&message, &acceptors, &shared).await,
                    Err((sound, why)) => refuse(&sound, &why),
                };
                if let Some(frame) = answer {
                    // The line may have gone; the question will come again on another.
                    drop(answers.send(frame).await);
                }
            });
        }
    };
    let write = write(writer, frames);
    tokio::pin!(write);
    tokio::select! {
        () = &mut write => return,
        () = read => {}
    }
    // Nothing more is read; what is being decided is still answered, within its time.
    drop(timeout(idle, write).await);
}

type Frame = Zeroizing<Vec<u8>>;

fn refuse(question: &Message, why: &Unanswerable) -> Option<Frame> {
    let code = match why {
        Unanswerable::Format(error) => {
            tracing::debug!(%error, "card network: format error");
            "30"
        }
        Unanswerable::Code(code) => code,
    };
    questions::answer(question, code, None)?.frame().ok()
}

async fn answer(message: &Message, acceptors: &Acceptors, shared: &Shared) -> Option<Frame> {
    let question = match questions::read(message, shared.clock.now()) {
        Ok(question) => question,
        Err(why) => return refuse(message, &why),
    };
    if !may_ask(&question, acceptors) {
        return refuse(message, &Unanswerable::Code("03"));
    }
    let decided = timeout(shared.limits.answer, decide(question, &*shared.network)).await;
    let (code, approval) = match &decided {
        Ok(Ok(CardAnswer::Approved { approval })) => ("00", Some(approval.as_str())),
        Ok(Ok(CardAnswer::Declined { code })) => (code.as_str(), None),
        Ok(Err(CardNetworkError::BadQuestion(_))) => ("30", None),
        Ok(Err(_)) => ("96", None),
        Err(_) => ("91", None),
    };
    let approval = approval.filter(|approval| !approval.is_empty());
    let answer = questions::answer(message, code, approval);
    // What an issuer answers may not be sayable; that is its fault, and the asker may come again.
    answer.or_else(|| questions::answer(message, "96", None))?.frame().ok()
}

fn may_ask(question: &Question, acceptors: &Acceptors) -> bool {
    let trade = match question {
        Question::Authorize(asked) => &asked.trade,
        Question::Capture(trade, _) | Question::Reverse(trade, _) => trade,
        Question::Manage(_) => return true,
    };
    acceptors.as_ref().is_none_or(|own| own.contains(&trade.acceptor))
}

async fn decide(
    question: Question,
    network: &dyn CardNetwork,
) -> Result<CardAnswer, CardNetworkError> {
    match question {
        Question::Authorize(asked) => network.authorize(&asked).await,
        Question::Capture(trade, amount) => network.capture(&trade, amount).await,
        Question::Reverse(trade, amount) => network.reverse(&trade, amount).await,
        Question::Manage(SIGN_ON | SIGN_OFF | ECHO) => {
            Ok(CardAnswer::Approved { approval: String::new() })
        }
        Question::Manage(_) => Ok(CardAnswer::Declined { code: "12".into() }),
    }
}
