//! Ports that no other test's services take.

use std::{
    net::{TcpListener, UdpSocket},
    sync::Mutex,
};

/// Kept until the process ends.
static HELD: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());

/// A port that is this process's alone, also while its service is away: it lies below those that
/// systems give to outgoing connections, and whoever has the UDP port has the TCP port of that
/// number, too.
pub fn reserve_port() -> u16 {
    let first = u16::try_from(std::process::id() % 8_000).unwrap();
    let ports = (0..8_000).map(|n| 11_000 + (first + n) % 8_000);
    let held = ports
        .filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .find_map(|port| UdpSocket::bind(("127.0.0.1", port)).ok())
        .unwrap();
    let port = held.local_addr().unwrap().port();
    HELD.lock().unwrap().push(held);
    port
}
