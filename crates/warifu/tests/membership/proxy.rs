//! A relay in front of the center that can lose an answer.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Relays to a port; dropped with the test's process.
pub struct Proxy {
    port: u16,
    lose: Arc<AtomicBool>,
}

impl Proxy {
    /// Listens on a port of its own for the service on `to`, which need not be there yet.
    pub fn to(to: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let lose = Arc::new(AtomicBool::new(false));
        let losing = lose.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let losing = losing.clone();
                thread::spawn(move || relay(client, to, &losing));
            }
        });
        Proxy { port, lose }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next telegram reaches the center, and its answer reaches nobody.
    pub fn lose_next_answer(&self) {
        self.lose.store(true, Ordering::SeqCst);
    }

    /// Whether that has happened.
    pub fn has_lost(&self) -> bool {
        !self.lose.load(Ordering::SeqCst)
    }
}

/// One question after the other, each with its answer.
fn relay(mut client: TcpStream, to: u16, lose: &Arc<AtomicBool>) {
    let Ok(mut service) = TcpStream::connect(("127.0.0.1", to)) else { return };
    let (Ok(mut answers), Ok(mut back)) = (service.try_clone(), client.try_clone()) else { return };
    let armed = Arc::new(AtomicBool::new(false));
    let (flag, lost) = (armed.clone(), lose.clone());
    let returning = thread::spawn(move || {
        let mut buffer = [0; 64 * 1024];
        while let Ok(count @ 1..) = answers.read(&mut buffer) {
            if flag.load(Ordering::SeqCst) {
                lost.store(false, Ordering::SeqCst);
                break;
            }
            if back.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = back.shutdown(Shutdown::Both);
        let _ = answers.shutdown(Shutdown::Both);
    });
    let mut buffer = [0; 64 * 1024];
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        if buffer.starts_with(b"POST /v1/telegram HTTP") && lose.load(Ordering::SeqCst) {
            armed.store(true, Ordering::SeqCst);
        }
        if service.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = service.shutdown(Shutdown::Both);
    returning.join().unwrap();
}
