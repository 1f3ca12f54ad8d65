//! One request over a socket of its own, so that a test can send what no client would.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// Sends a request and returns status, content type and body.
pub fn request(url: &str, head: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
    attempt(url, head, &[], body).unwrap()
}

/// As [`request`], with headers; none where nobody answers, or not to the end.
pub fn attempt(
    url: &str,
    head: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<(u16, String, Vec<u8>)> {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "{head} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{more}content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    // A server that has seen enough may close while the body is still on its way.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n")?;
    let text = String::from_utf8(answer[..end].to_vec()).unwrap().to_lowercase();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    let cut = |length: &str| length.parse() != Ok(answer.len() - end - 4);
    if !head.starts_with("HEAD ") && length.is_some_and(cut) {
        return None;
    }
    let kind = text
        .lines()
        .find_map(|line| line.strip_prefix("content-type: "))
        .unwrap_or_default()
        .to_string();
    Some((status, kind, answer[end + 4..].to_vec()))
}
