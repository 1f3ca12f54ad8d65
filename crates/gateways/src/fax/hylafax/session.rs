//! One session with a HylaFAX server: its client-server protocol, a dialect of FTP (RFC 959) on port
//! 4559.

use super::reply::{Reply, data_port, read_reply};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};
use warifu_ports::fax::FaxError;
use zeroize::Zeroizing;

/// The longest list that a server may send.
const LONGEST_LIST: u64 = 4 << 20;

/// A connection on which somebody has logged in.
pub(super) struct Session {
    stream: BufReader<TcpStream>,
    patience: Duration,
}

pub(super) fn unreachable(error: &io::Error) -> FaxError {
    FaxError::Unreachable(error.to_string())
}

fn nonsense(what: &'static str) -> FaxError {
    FaxError::Unreachable(format!("{what} cannot be read"))
}

impl Session {
    /// Connects, and logs in.
    pub(super) async fn open(
        address: SocketAddr,
        patience: Duration,
        user: &str,
        password: Option<&Zeroizing<String>>,
    ) -> Result<Session, FaxError> {
        let stream = within(patience, TcpStream::connect(address)).await?;
        stream.set_nodelay(true).map_err(|error| unreachable(&error))?;
        let mut session = Session { stream: BufReader::new(stream), patience };
        let greeting = session.reply().await?;
        good(&greeting, "greet")?;
        let mut login = session.send(&format!("USER {user}")).await?;
        if (300..400).contains(&login.code) {
            let password =
                password.ok_or(FaxError::Refused { step: "log in", code: login.code })?;
            let line = Zeroizing::new(format!("PASS {}", password.as_str()));
            login = session.send(&line).await?;
        }
        good(&login, "log in")?;
        Ok(session)
    }

    /// Sends a command; its reply must be good.
    pub(super) async fn command(
        &mut self,
        step: &'static str,
        line: &str,
    ) -> Result<Reply, FaxError> {
        let reply = self.send(line).await?;
        good(&reply, step)?;
        Ok(reply)
    }

    /// Sends a command and gives its reply, good or not.
    pub(super) async fn send(&mut self, line: &str) -> Result<Reply, FaxError> {
        if line.contains(['\r', '\n', '\0']) {
            return Err(nonsense("a command"));
        }
        let line = Zeroizing::new(format!("{line}\r\n"));
        within(self.patience, self.stream.get_mut().write_all(line.as_bytes())).await?;
        self.reply().await
    }

    /// Sends a file on a data connection; gives the server's name of it.
    pub(super) async fn store(&mut self, bytes: &[u8]) -> Result<String, FaxError> {
        let mut data = self.passive().await?;
        let begun = self.send("STOT").await?;
        good(&begun, "take the page")?;
        within(self.patience, data.write_all(bytes)).await?;
        within(self.patience, data.shutdown()).await?;
        drop(data);
        good(&self.reply().await?, "take the page")?;
        let name = begun.text().split_once("FILE: ").and_then(|(_, rest)| rest.split(' ').next());
        name.map(str::to_owned).ok_or_else(|| nonsense("the page's name"))
    }

    /// A list that comes on a data connection, line by line.
    pub(super) async fn list(&mut self, command: &str) -> Result<Vec<String>, FaxError> {
        let data = self.passive().await?;
        self.command("list", command).await?;
        let mut text = String::new();
        let mut data = data.take(LONGEST_LIST);
        within(self.patience, data.read_to_string(&mut text)).await?;
        good(&self.reply().await?, "list")?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Says good-bye; nothing depends on the answer.
    pub(super) async fn quit(mut self) {
        drop(self.send("QUIT").await);
    }

    /// A data connection to the host that is already spoken with: an address of its choice is not
    /// followed.
    async fn passive(&mut self) -> Result<TcpStream, FaxError> {
        let reply = self.command("open a data connection", "PASV").await?;
        let port = data_port(reply.text()).ok_or_else(|| nonsense("a data connection's port"))?;
        let host = self.stream.get_ref().peer_addr().map_err(|error| unreachable(&error))?.ip();
        within(self.patience, TcpStream::connect((host, port))).await
    }

    async fn reply(&mut self) -> Result<Reply, FaxError> {
        within(self.patience, read_reply(&mut self.stream)).await
    }
}

fn good(reply: &Reply, step: &'static str) -> Result<(), FaxError> {
    match reply.code {
        100..=399 => Ok(()),
        // Not now: the page waits.
        400..=499 => Err(FaxError::Unreachable(format!("code {} to {step}", reply.code))),
        code => Err(FaxError::Refused { step, code }),
    }
}

async fn within<T>(
    patience: Duration,
    work: impl Future<Output = io::Result<T>>,
) -> Result<T, FaxError> {
    match timeout(patience, work).await {
        Ok(done) => done.map_err(|error| unreachable(&error)),
        Err(_) => Err(FaxError::Unreachable("no answer in time".into())),
    }
}
