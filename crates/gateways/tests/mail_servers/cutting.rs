//! A line to a server that is cut.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Passes connections on to a port of this machine. The first one is cut after some bytes from the
/// server.
#[derive(Clone)]
pub struct Cutting {
    port: u16,
    connections: Arc<AtomicUsize>,
    cut: watch::Sender<usize>,
}

impl Cutting {
    pub async fn start(server: u16, first_bytes: usize) -> Cutting {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cutting = Cutting { port, connections: Arc::default(), cut: watch::Sender::new(0) };
        let passing = cutting.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let nth = passing.connections.fetch_add(1, Ordering::SeqCst);
                let most = if nth == 0 { first_bytes } else { usize::MAX };
                tokio::spawn(pass(client, server, most, passing.cut.subscribe()));
            }
        });
        cutting
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Cuts the connections that there are.
    pub fn cut_now(&self) {
        self.cut.send_modify(|times| *times += 1);
    }
}

/// Dropping both ends cuts the line.
async fn pass(mut client: TcpStream, server: u16, most: usize, mut cut: watch::Receiver<usize>) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    let (mut up, mut down, mut passed) = (vec![0; 4096], vec![0; 4096], 0);
    loop {
        tokio::select! {
            biased;
            _ = cut.changed() => return,
            read = client.read(&mut up) => match read {
                Ok(n) if n > 0 && server.write_all(&up[..n]).await.is_ok() => {}
                _ => return,
            },
            read = server.read(&mut down) => match read {
                Ok(n) if n > 0 && client.write_all(&down[..n]).await.is_ok() => {
                    passed += n;
                    if passed >= most {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
}
