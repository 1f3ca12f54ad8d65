//! The load: connections that are kept open, requests whose bytes were made before the clock starts,
//! and answers that are looked at after it has stopped.

use crate::Failure;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

/// One connection's requests, in their order.
#[derive(Default)]
pub struct Queue {
    /// Whole HTTP requests.
    pub requests: Vec<Vec<u8>>,
}

/// What has come of a request.
pub struct Answered {
    /// From the moment at which it was due to its last byte.
    pub latency: Duration,
    /// The answer's body.
    pub body: Vec<u8>,
}

/// A POST of one message as HTTP/1.1 has it.
pub fn request(address: SocketAddr, message: &str) -> Vec<u8> {
    let length = message.len();
    format!(
        "POST /v1/telegram HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/jose\r\n\
         content-length: {length}\r\n\r\n{message}"
    )
    .into_bytes()
}

/// Sends every queue over its own connection, each request when the one before it is answered; with
/// a `pace`, no earlier than its turn comes. Returns the answers of each queue and the whole time.
pub async fn send(
    address: SocketAddr,
    queues: Vec<Queue>,
    pace: Option<Duration>,
) -> Result<(Vec<Vec<Answered>>, Duration), Failure> {
    let mut connections = Vec::new();
    for queue in &queues {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        connections.push((stream, queue.requests.len()));
    }
    let begun = Instant::now();
    let count = queues.len() as u32;
    let mut running = Vec::new();
    for (place, ((stream, _), queue)) in (0u32..).zip(connections.into_iter().zip(queues)) {
        // The connections take turns, so that the load is even.
        let first = pace.map(|pace| begun + pace * place / count);
        running.push(tokio::spawn(one(stream, queue, first.zip(pace))));
    }
    let mut all = Vec::new();
    for task in running {
        let done =
            task.await.map_err(|_| Failure::input("benchmark", "the load was broken off"))?;
        all.push(done?);
    }
    Ok((all, begun.elapsed()))
}

async fn one(
    mut stream: TcpStream,
    queue: Queue,
    pace: Option<(Instant, Duration)>,
) -> Result<Vec<Answered>, std::io::Error> {
    let mut answers = Vec::with_capacity(queue.requests.len());
    let mut buffer = Vec::with_capacity(16 * 1024);
    for (n, request) in (0u32..).zip(&queue.requests) {
        let due = match pace {
            Some((first, pace)) => {
                let due = first + pace * n;
                tokio::time::sleep_until(due).await;
                due
            }
            None => Instant::now(),
        };
        stream.write_all(request).await?;
        let body = answer(&mut stream, &mut buffer).await?;
        answers.push(Answered { latency: due.elapsed(), body });
    }
    Ok(answers)
}

/// Reads one answer of known length; what is no answer of our server is an error.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Vec<u8>, std::io::Error> {
    use std::io::{Error, ErrorKind::InvalidData};
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(Error::new(InvalidData, "the server closed the connection"));
        }
        let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .and_then(|length| length.trim().parse::<usize>().ok())
            .ok_or_else(|| Error::new(InvalidData, "an answer without a length"))?;
        let start = end + 4;
        while buffer.len() < start + length {
            if stream.read_buf(buffer).await? == 0 {
                return Err(Error::new(InvalidData, "the server closed the connection"));
            }
        }
        if !head.starts_with("http/1.1 200") {
            return Err(Error::new(InvalidData, "the service refused a request of the load"));
        }
        return Ok(buffer[start..start + length].to_vec());
    }
}
