//! A relay in front of several processes that are to be as one: every connection goes to the next.

use std::{
    io,
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// Relays from a port; it ends with the test's process.
pub struct Fork {
    to: Arc<Mutex<Vec<u16>>>,
}

impl Fork {
    /// Listens on `port`, and at first relays to nobody: connections are closed.
    pub fn on(port: u16) -> Fork {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let to = Arc::new(Mutex::new(Vec::<u16>::new()));
        let ports = to.clone();
        thread::spawn(move || {
            for (count, client) in listener.incoming().flatten().enumerate() {
                let ports = ports.lock().unwrap().clone();
                if let Some(port) = ports.get(count % ports.len().max(1)).copied() {
                    thread::spawn(move || relay(&client, port));
                }
            }
        });
        Fork { to }
    }

    /// From here on connections go to these ports in turn.
    pub fn send_to(&self, ports: &[u16]) {
        *self.to.lock().unwrap() = ports.to_vec();
    }
}

/// Both ways, until either side closes.
fn relay(client: &TcpStream, port: u16) {
    let Ok(service) = TcpStream::connect(("127.0.0.1", port)) else { return };
    thread::scope(|scope| {
        scope.spawn(|| copy(&service, client));
        copy(client, &service);
    });
}

fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    // However it ends, the other way ends too.
    let _ = io::copy(&mut from, &mut to);
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
