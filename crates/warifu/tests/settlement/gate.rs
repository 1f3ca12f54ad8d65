//! A relay in front of a service, which kills the service at one chosen question: before it has come
//! there, or when it is answered and the answer is not yet on its way back.

use crate::{ports::reserve_port, service::Service, town::Town};
use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};
use warifu::config::Config;

/// When a service dies over a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// It never hears it.
    Before,
    /// It has done what it was asked, and nobody hears its answer.
    After,
}

/// So many questions go well, and the next one does not.
#[derive(Debug, Clone, Copy)]
struct Trap {
    left: u32,
    when: When,
}

/// A service behind its relay. Dropping it kills the service.
pub struct Gate {
    place: Arc<Place>,
}

/// The service's own place, and what may happen to it.
struct Place {
    folder: PathBuf,
    party: &'static str,
    port: u16,
    service: Mutex<Option<Service>>,
    trap: Mutex<Option<Trap>>,
    kills: AtomicU32,
}

impl Gate {
    /// Puts a relay in front of a town's service, where everybody knows the service to be. It starts
    /// anew, with these further settings.
    pub fn before(town: &mut Town, party: &'static str, more: &str) -> Gate {
        let config = town.path(&format!("{party}.toml"));
        let known = Config::read(&config).unwrap().listen.port();
        let port = reserve_port();
        let text = fs::read_to_string(&config).unwrap();
        let listen = |port| format!("listen = \"127.0.0.1:{port}\"");
        assert!(text.contains(&listen(known)), "{text}");
        fs::write(&config, text.replace(&listen(known), &listen(port)) + more).unwrap();
        town.kill(party);
        let service = Service::start(town.folder(), party, port);
        let place = Arc::new(Place {
            folder: town.folder().to_path_buf(),
            party,
            port,
            service: Mutex::new(Some(service)),
            trap: Mutex::default(),
            kills: AtomicU32::new(0),
        });
        let listener = TcpListener::bind(("127.0.0.1", known)).unwrap();
        let behind = place.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let place = behind.clone();
                thread::spawn(move || relay(&client, &place));
            }
        });
        Gate { place }
    }

    /// The service's party.
    pub fn party(&self) -> &'static str {
        self.place.party
    }

    /// After so many questions more that go well, the service dies over one.
    pub fn set(&self, left: u32, when: When) {
        *self.place.trap.lock().unwrap() = Some(Trap { left, when });
    }

    /// Nothing more happens; how often the service has died so far.
    pub fn release(&self) -> u32 {
        *self.place.trap.lock().unwrap() = None;
        self.place.kills.load(Ordering::SeqCst)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        *self.place.service.lock().unwrap() = None;
    }
}

impl Place {
    /// Counts a question; whether the service dies over it, and when.
    fn springs(&self) -> Option<When> {
        let mut trap = self.trap.lock().unwrap();
        let set = trap.as_mut()?;
        if set.left > 0 {
            set.left -= 1;
            return None;
        }
        trap.take().map(|trap| trap.when)
    }

    /// Kills the service and starts it again. Nobody is answered in between.
    fn kill(&self) {
        let mut service = self.service.lock().unwrap();
        // Dropping it kills it. None is there once the network has ended.
        if service.take().is_some() {
            self.kills.fetch_add(1, Ordering::SeqCst);
            *service = Some(Service::start(&self.folder, self.party, self.port));
        }
    }
}

/// Questions by which something may move: in sessions of parties, and telegrams.
fn is_question(head: &[u8]) -> bool {
    head.starts_with(b"POST /v1/session HTTP") || head.starts_with(b"POST /v1/telegram HTTP")
}

/// One question after the other, each with its answer.
fn relay(client: &TcpStream, place: &Place) {
    let Ok(service) = TcpStream::connect(("127.0.0.1", place.port)) else { return };
    // Whether the next answer is lost.
    let lost = Mutex::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            copy(&service, client, |_| {
                if *lost.lock().unwrap() {
                    place.kill();
                    return false;
                }
                true
            });
        });
        copy(client, &service, |head| {
            if !is_question(head) {
                return true;
            }
            match place.springs() {
                Some(When::Before) => {
                    place.kill();
                    return false;
                }
                Some(When::After) => *lost.lock().unwrap() = true,
                None => {}
            }
            true
        });
    });
}

/// Copies until either side closes, or a piece may not pass. However it ends, the other way ends too.
fn copy(mut from: &TcpStream, mut to: &TcpStream, passes: impl Fn(&[u8]) -> bool) {
    let mut buffer = [0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !passes(&buffer[..count]) || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
