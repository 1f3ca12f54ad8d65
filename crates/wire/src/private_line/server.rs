//! Serving a router to those alone who show a certificate of the pinned authority.

use super::{LineError, LineIdentity, one_name};
use axum::{
    Router,
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Handshakes at once; a private line has few callers.
const AT_ONCE: usize = 64;

/// Who is on the line: the verified name in the caller's certificate, in lower case. Handlers take it
/// as `ConnectInfo<LinePeer>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinePeer {
    /// The DNS name.
    pub name: String,
    /// Where the connection comes from.
    pub address: SocketAddr,
}

/// Serves the router over mutual TLS until the listener fails. Dropping the future ends it.
pub async fn serve_private(
    listener: TcpListener,
    own: &LineIdentity,
    router: Router,
) -> Result<(), LineError> {
    let acceptor = TlsAcceptor::from(Arc::new(own.server_config()?));
    let local = listener.local_addr().map_err(|_| LineError::Refused("listen"))?;
    let (ready, connections) = mpsc::channel(AT_ONCE);
    let accepting = tokio::spawn(accept_all(listener, acceptor, ready));
    let line = Line { connections, local, accepting };
    let service = router.into_make_service_with_connect_info::<LinePeer>();
    axum::serve(line, service).await.map_err(|_| LineError::Refused("listen"))
}

type Ready = (TlsStream<TcpStream>, LinePeer);

/// Connections whose handshake is done.
struct Line {
    connections: mpsc::Receiver<Ready>,
    local: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Listener for Line {
    type Io = TlsStream<TcpStream>;
    type Addr = LinePeer;

    async fn accept(&mut self) -> Ready {
        match self.connections.recv().await {
            Some(ready) => ready,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<LinePeer> {
        Ok(LinePeer { name: String::new(), address: self.local })
    }
}

impl Connected<IncomingStream<'_, Line>> for LinePeer {
    fn connect_info(stream: IncomingStream<'_, Line>) -> LinePeer {
        stream.remote_addr().clone()
    }
}

/// One slow or hostile caller holds up no other: each handshake is a task of its own.
async fn accept_all(listener: TcpListener, acceptor: TlsAcceptor, ready: mpsc::Sender<Ready>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(kind = ?error.kind(), "the private line accepts nothing");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let (acceptor, ready) = (acceptor.clone(), ready.clone());
        tokio::spawn(async move {
            let met = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await;
            drop(place);
            let Ok(Ok(stream)) = met else {
                tracing::warn!(%address, "refused on the private line: no certificate of ours");
                return;
            };
            let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
            let Some(name) = shown.and_then(one_name) else {
                tracing::warn!(%address, "refused on the private line: not one DNS name");
                return;
            };
            let _ = ready.send((stream, LinePeer { name, address })).await;
        });
    }
}
