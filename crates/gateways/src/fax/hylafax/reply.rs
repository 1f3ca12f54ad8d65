//! What a HylaFAX server says: replies as in FTP (RFC 959, section 4.2).

use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// The longest line that a server may send.
const LONGEST_LINE: u64 = 4_096;
/// The most lines of one reply.
const MOST_LINES: usize = 1_000;

/// A server's reply: its code, and its lines without the codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// 100 to 599.
    pub code: u16,
    /// One line at least.
    pub lines: Vec<String>,
}

impl Reply {
    /// The reply's only or last line.
    pub fn text(&self) -> &str {
        self.lines.last().map_or("", String::as_str)
    }
}

/// Reads one reply, of one line or several.
///
/// # Errors
/// If the line goes down before its end, or what comes is no reply.
pub async fn read_reply(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Reply> {
    let nonsense =
        || io::Error::new(io::ErrorKind::InvalidData, "the server's reply cannot be read");
    let mut lines = Vec::new();
    loop {
        let line = read_line(stream).await?;
        let (code, rest) = line.split_at_checked(3).unwrap_or((&line, ""));
        let code: Option<u16> = code.parse().ok().filter(|code| (100..600).contains(code));
        match (code, rest.chars().next()) {
            (Some(code), Some(' ') | None) => {
                lines.push(rest.trim_start().to_owned());
                return Ok(Reply { code, lines });
            }
            (Some(_), Some('-')) => lines.push(rest[1..].to_owned()),
            _ if !lines.is_empty() => lines.push(line),
            _ => return Err(nonsense()),
        }
        if lines.len() > MOST_LINES {
            return Err(nonsense());
        }
    }
}

async fn read_line(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<String> {
    let mut line = Vec::new();
    if stream.take(LONGEST_LINE).read_until(b'\n', &mut line).await? == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the line went down"));
    }
    let line = String::from_utf8_lossy(&line);
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// The port of `227 … (h1,h2,h3,h4,p1,p2)` (RFC 959, section 4.1.2).
pub fn data_port(text: &str) -> Option<u16> {
    let inside = text.split_once('(')?.1.split_once(')')?.0;
    let numbers: Vec<u8> =
        inside.split(',').map(|number| number.trim().parse().ok()).collect::<Option<_>>()?;
    match numbers.as_slice() {
        [_, _, _, _, high, low] => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_of_data_connections() {
        assert_eq!(data_port("Entering passive mode (127,0,0,1,180,231)"), Some(46_311));
        for bad in
            ["", "(127,0,0,1,180)", "(127,0,0,1,180,256)", "(1,2,3,4,5,6,7)", "127,0,0,1,1,1"]
        {
            assert_eq!(data_port(bad), None, "{bad}");
        }
    }
}
