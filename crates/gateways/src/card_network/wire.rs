//! One connection of the client: several questions under way, matched by field 11.

use super::{
    line::{Stream, read_frame},
    message::Message,
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use warifu_ports::card_network::CardNetworkError;
use zeroize::Zeroizing;

type Answered = Result<Message, CardNetworkError>;
type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<Answered>>>>;

/// A connection that is up, or was.
pub(super) struct Wire {
    outgoing: mpsc::Sender<Zeroizing<Vec<u8>>>,
    waiting: Waiting,
    heard: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

/// How asking ended.
pub(super) enum Asked {
    /// With an answer.
    Answered(Answered),
    /// Without, though the question may have arrived.
    Silent,
    /// The question did not leave.
    NotSent,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Wire {
    pub(super) fn new(stream: Box<dyn Stream>) -> Wire {
        let (outgoing, frames) = mpsc::channel(64);
        let (waiting, heard) = (Waiting::default(), Arc::new(AtomicU64::new(0)));
        let task = tokio::spawn(run(stream, frames, waiting.clone(), heard.clone()));
        Wire { outgoing, waiting, heard, task }
    }

    pub(super) fn is_up(&self) -> bool {
        !self.task.is_finished()
    }

    /// Asks, and waits for `patience`. A line on which nothing at all was heard in that time is
    /// given up.
    pub(super) async fn ask(&self, question: &Message, patience: Duration) -> Asked {
        let (Some(stan), Ok(frame)) = (question.get(11), question.frame()) else {
            return Asked::NotSent;
        };
        let (sender, receiver) = oneshot::channel();
        lock(&self.waiting).insert(stan.to_owned(), sender);
        let _place = Place { waiting: &self.waiting, stan };
        let heard = self.heard.load(Ordering::Relaxed);
        if self.outgoing.send(frame).await.is_err() {
            return Asked::NotSent;
        }
        match tokio::time::timeout(patience, receiver).await {
            Ok(Ok(answered)) => Asked::Answered(answered),
            Ok(Err(_)) => Asked::Silent,
            Err(_) => {
                if self.heard.load(Ordering::Relaxed) == heard {
                    self.task.abort();
                }
                Asked::Silent
            }
        }
    }
}

/// A place among those who wait, given back however the waiting ends.
struct Place<'a> {
    waiting: &'a Waiting,
    stan: &'a str,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        lock(self.waiting).remove(self.stan);
    }
}

fn lock(waiting: &Waiting) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Answered>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads and writes until the line ends, then wakes all who wait. The channel closes first: whoever
/// comes later cannot send.
async fn run(
    stream: Box<dyn Stream>,
    frames: mpsc::Receiver<Zeroizing<Vec<u8>>>,
    waiting: Waiting,
    heard: Arc<AtomicU64>,
) {
    let wake = Wake(waiting.clone());
    let (mut reader, writer) = tokio::io::split(stream);
    let read = async {
        while let Ok(Some(frame)) = read_frame(&mut reader).await {
            heard.fetch_add(1, Ordering::Relaxed);
            hand_over(&frame, &waiting);
        }
    };
    tokio::select! {
        () = read => {}
        () = write(writer, frames) => {}
    }
    drop(wake);
}

/// Wakes all who wait, also when the task is ended from outside.
struct Wake(Waiting);

impl Drop for Wake {
    fn drop(&mut self) {
        lock(&self.0).clear();
    }
}

/// Writes what is to leave until nothing more comes or the line is down.
pub(super) async fn write(
    mut writer: impl AsyncWrite + Unpin,
    mut frames: mpsc::Receiver<Zeroizing<Vec<u8>>>,
) {
    while let Some(frame) = frames.recv().await {
        if writer.write_all(&frame).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
}

fn hand_over(frame: &[u8], waiting: &Waiting) {
    let (answered, stan) = match Message::decode(frame) {
        Ok(message) => {
            let stan = message.get(11).map(str::to_owned);
            (Ok(message), stan)
        }
        Err(rejected) => {
            let stan =
                rejected.sound.as_ref().and_then(|message| message.get(11).map(str::to_owned));
            (Err(CardNetworkError::BadAnswer(rejected.error.field)), stan)
        }
    };
    let sender = stan.and_then(|stan| lock(waiting).remove(&stan));
    match sender {
        // Nobody listens any more: the time was over in this moment.
        Some(sender) => drop(sender.send(answered)),
        None => tracing::debug!("an answer that nobody waits for"),
    }
}
