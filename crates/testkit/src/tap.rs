//! A TCP proxy that records what passes.

use crate::recording::{Direction, Recording, Slot};
use std::{io, net::SocketAddr};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// A TCP proxy on a loopback port in front of a service, recording every byte in both directions.
///
/// The target may be set after the tap is bound, since a service has to know its public address
/// (the tap's) before it listens; connections that come earlier wait. Dropping the tap closes its
/// port and all its connections.
#[derive(Debug)]
pub struct Tap {
    address: SocketAddr,
    target: watch::Sender<Option<SocketAddr>>,
    accepting: JoinHandle<()>,
}

impl Tap {
    /// Binds a free port of 127.0.0.1. Needs a running tokio runtime, on which the tap lives.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn bind(label: &str, recording: &Recording) -> io::Result<Tap> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (target, watched) = watch::channel(None);
        let accepting =
            tokio::spawn(accept(listener, label.to_string(), recording.clone(), watched));
        Ok(Tap { address, target, accepting })
    }

    /// The tap's own address: the one to give to the service's clients.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets, or changes for later connections, the address of the service behind the tap.
    pub fn forward_to(&self, target: SocketAddr) {
        self.target.send_replace(Some(target));
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        // The task owns the listener and, in its JoinSet, the connections.
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    label: String,
    recording: Recording,
    target: watch::Receiver<Option<SocketAddr>>,
) {
    let mut connections = JoinSet::new();
    let mut number = 0_u64;
    // An error of accept (no more file descriptors, say) ends the tap: clients then see it closed.
    while let Ok((client, _)) = listener.accept().await {
        number += 1;
        let slot = recording.open(&format!("{label}#{number}"));
        connections.spawn(relay(client, target.clone(), recording.clone(), slot));
        while connections.try_join_next().is_some() {}
    }
}

async fn relay(
    client: TcpStream,
    mut target: watch::Receiver<Option<SocketAddr>>,
    recording: Recording,
    slot: Slot,
) {
    let address = match target.wait_for(Option::is_some).await {
        Ok(address) => *address,
        Err(_) => return,
    };
    let Some(address) = address else { return };
    // A service that cannot be reached looks to the client like one that hangs up.
    let Ok(service) = TcpStream::connect(address).await else { return };
    let no_delay = client.set_nodelay(true).and(service.set_nodelay(true));
    if no_delay.is_err() {
        return;
    }
    let (client_reads, client_writes) = client.into_split();
    let (service_reads, service_writes) = service.into_split();
    tokio::join!(
        pump(client_reads, service_writes, &recording, slot, Direction::ToService),
        pump(service_reads, client_writes, &recording, slot, Direction::FromService),
    );
}

/// Carries bytes until the end of the stream or an error, which both end this direction. What is
/// passed on has been recorded before: who received an answer finds it in the recording.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    recording: &Recording,
    slot: Slot,
    direction: Direction,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        recording.add(slot, direction, &buffer[..count]);
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
    // The other side may be gone already, and then there is nothing to tell it.
    let _ = to.shutdown().await;
}
