//! A relay in front of a service that can lose an answer, or cut questions off.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Relays to a port; dropped with the test's process.
pub struct Proxy {
    port: u16,
    /// After how many telegrams more an answer is lost; none for never.
    lose: Arc<Mutex<Option<u32>>>,
    /// How many questions in sessions are let through; none for all.
    left: Arc<Mutex<Option<u32>>>,
}

impl Proxy {
    /// Listens on a port of its own for the service on `to`, which need not be there yet.
    pub fn to(to: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (lose, left) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
        let (losing, cutting) = (lose.clone(), left.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (losing, cutting) = (losing.clone(), cutting.clone());
                thread::spawn(move || relay(client, to, &losing, &cutting));
            }
        });
        Proxy { port, lose, left }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next telegram reaches the center, and its answer reaches nobody.
    pub fn lose_next_answer(&self) {
        self.lose_answer_after(0);
    }

    /// As [`Proxy::lose_next_answer`], after so many telegrams that go well.
    pub fn lose_answer_after(&self, telegrams: u32) {
        *self.lose.lock().unwrap() = Some(telegrams);
    }

    /// Lets so many questions within sessions through, and none after them; all again with none.
    pub fn let_through(&self, count: Option<u32>) {
        *self.left.lock().unwrap() = count;
    }

    /// Whether an answer was lost.
    pub fn has_lost(&self) -> bool {
        self.lose.lock().unwrap().is_none()
    }
}

/// One question after the other, each with its answer.
fn relay(
    mut client: TcpStream,
    to: u16,
    lose: &Arc<Mutex<Option<u32>>>,
    left: &Mutex<Option<u32>>,
) {
    let Ok(mut service) = TcpStream::connect(("127.0.0.1", to)) else { return };
    let (Ok(mut answers), Ok(mut back)) = (service.try_clone(), client.try_clone()) else { return };
    let armed = Arc::new(AtomicBool::new(false));
    let (flag, lost) = (armed.clone(), lose.clone());
    let returning = thread::spawn(move || {
        let mut buffer = [0; 64 * 1024];
        while let Ok(count @ 1..) = answers.read(&mut buffer) {
            if flag.load(Ordering::SeqCst) {
                *lost.lock().unwrap() = None;
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
        if buffer.starts_with(b"POST /v1/telegram HTTP")
            && let Some(telegrams) = lose.lock().unwrap().as_mut()
        {
            armed.store(*telegrams == 0, Ordering::SeqCst);
            *telegrams = telegrams.saturating_sub(1);
        }
        if buffer.starts_with(b"POST /v1/session HTTP")
            && let Some(left) = left.lock().unwrap().as_mut()
        {
            if *left == 0 {
                break;
            }
            *left -= 1;
        }
        if service.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = service.shutdown(Shutdown::Both);
    returning.join().unwrap();
}
