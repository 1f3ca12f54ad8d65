//! The tap records both directions and stops when dropped.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use warifu_testkit::{Direction, Recording, Scanner, Tap};

/// A service that answers each byte with its upper case until the other side stops sending.
async fn upper_case_service() -> std::net::SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 64];
                while let Ok(count @ 1..) = peer.read(&mut buffer).await {
                    let upper = buffer[..count].to_ascii_uppercase();
                    peer.write_all(&upper).await.unwrap();
                }
            });
        }
    });
    address
}

async fn talk(address: std::net::SocketAddr, text: &[u8]) -> Vec<u8> {
    let mut peer = TcpStream::connect(address).await.unwrap();
    for piece in text.chunks(5) {
        peer.write_all(piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    peer.shutdown().await.unwrap();
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn records_both_directions_of_every_connection_joined() {
    let recording = Recording::new();
    let tap = Tap::bind("merchant", &recording).await.unwrap();
    assert!(recording.is_empty());
    tap.forward_to(upper_case_service().await);
    assert_eq!(talk(tap.address(), b"a card 4111-canary").await, b"A CARD 4111-CANARY");
    assert_eq!(talk(tap.address(), b"second").await, b"SECOND");

    let entries = recording.entries();
    let seen: Vec<_> =
        entries.iter().map(|e| (e.label.as_str(), e.direction, e.bytes.as_slice())).collect();
    assert_eq!(
        seen,
        [
            ("merchant#1", Direction::ToService, b"a card 4111-canary".as_slice()),
            ("merchant#1", Direction::FromService, b"A CARD 4111-CANARY"),
            ("merchant#2", Direction::ToService, b"second"),
            ("merchant#2", Direction::FromService, b"SECOND"),
        ]
    );
    let findings = Scanner::new([("card", "4111-canary")]).find_in_recording(&recording);
    let labels: Vec<_> = findings.iter().map(|finding| finding.label.as_str()).collect();
    assert_eq!(labels, ["merchant#1 to service", "merchant#1 from service"]);
}

#[tokio::test]
async fn a_connection_waits_for_the_target() {
    let recording = Recording::new();
    let tap = Tap::bind("late", &recording).await.unwrap();
    let address = tap.address();
    let early = tokio::spawn(async move { talk(address, b"early").await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    tap.forward_to(upper_case_service().await);
    assert_eq!(early.await.unwrap(), b"EARLY");
}

#[tokio::test]
async fn dropping_closes_the_port_and_the_connections() {
    let recording = Recording::new();
    let tap = Tap::bind("gone", &recording).await.unwrap();
    tap.forward_to(upper_case_service().await);
    let address = tap.address();
    let mut open = TcpStream::connect(address).await.unwrap();
    open.write_all(b"x").await.unwrap();
    assert_eq!(open.read_u8().await.unwrap(), b'X');
    drop(tap);
    assert!(!matches!(open.read(&mut [0; 8]).await, Ok(1..)));
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn an_unreachable_service_hangs_up() {
    let closed = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap();
    let tap = Tap::bind("nobody", &Recording::new()).await.unwrap();
    tap.forward_to(closed);
    let mut peer = TcpStream::connect(tap.address()).await.unwrap();
    assert!(!matches!(peer.read(&mut [0; 8]).await, Ok(1..)));
}
