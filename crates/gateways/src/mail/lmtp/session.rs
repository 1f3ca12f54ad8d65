//! One connection of a mail server.

use super::{Limits, ReplyDomain};
use crate::mail::{Decoder, Envelope};
use smtp_proto::{
    Error as Fault, Request,
    request::receiver::{DataReceiver, DummyDataReceiver, RequestReceiver},
};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};
use warifu_ports::mail::{MailError, MailIn};

/// How long the role may take for one mail; after that the server is asked to come again.
const RECEIVING: Duration = Duration::from_secs(60);
/// More wrong commands than this, and it is no mail server.
const MOST_FAULTS: u32 = 20;
/// What is read and thrown away of a mail that is too large, in multiples of the limit, and at least.
const PATIENCE_IN_MAILS: usize = 20;
const LEAST_PATIENCE: usize = 1024 * 1024;
/// How long a client may take to read our last word.
const FAREWELL: Duration = Duration::from_secs(2);

pub(super) struct Session<'a, L> {
    line: L,
    /// Bytes that were read and not yet looked at.
    unread: Vec<u8>,
    replies: &'a ReplyDomain,
    decoder: &'a Decoder,
    limits: Limits,
    greeted: bool,
    /// The mail under way: `MAIL` begins it.
    envelope: Option<Envelope>,
}

/// What was read of a mail.
enum Data {
    Whole(Vec<u8>),
    TooLarge,
}

impl<'a, L: AsyncRead + AsyncWrite + Unpin> Session<'a, L> {
    pub(super) fn new(
        line: L,
        replies: &'a ReplyDomain,
        decoder: &'a Decoder,
        limits: Limits,
    ) -> Session<'a, L> {
        let (unread, greeted, envelope) = (Vec::new(), false, None);
        Session { line, unread, replies, decoder, limits, greeted, envelope }
    }

    /// Answers commands until the client leaves, fails too often or is silent for too long.
    pub(super) async fn serve(&mut self, mail_in: &dyn MailIn) -> io::Result<()> {
        self.say("220 Warifu LMTP ready").await?;
        let mut commands = RequestReceiver::default();
        let mut faults = 0;
        loop {
            let answer = match self.command(&mut commands).await? {
                Ok(Request::Quit) => return self.leave("221 2.0.0 Bye").await,
                Ok(Request::Data) if self.has_recipients() => {
                    self.mail(mail_in).await?;
                    continue;
                }
                Ok(request) => self.answer(request),
                Err(Fault::ResponseTooLong) => {
                    return self.leave("500 5.5.2 Line too long").await;
                }
                Err(fault) => refusal(&fault),
            };
            if answer.starts_with('5') {
                faults += 1;
                if faults > MOST_FAULTS {
                    return self.leave("421 4.7.0 Too many errors").await;
                }
            }
            self.say(&answer).await?;
        }
    }

    fn has_recipients(&self) -> bool {
        self.envelope.as_ref().is_some_and(|envelope| !envelope.recipients.is_empty())
    }

    /// The answer to anything but a mail's data.
    fn answer(&mut self, request: Request<String>) -> String {
        match request {
            Request::Lhlo { .. } => {
                self.greeted = true;
                self.envelope = None;
                let size = self.limits.mail_bytes;
                format!(
                    "250-Warifu\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE {size}"
                )
            }
            Request::Ehlo { .. } | Request::Helo { .. } => "500 5.5.1 This is LMTP".into(),
            Request::Mail { .. } | Request::Rcpt { .. } if !self.greeted => {
                "503 5.5.1 LHLO first".into()
            }
            Request::Mail { from } if self.envelope.is_some() => {
                drop(from);
                "503 5.5.1 One mail at a time".into()
            }
            Request::Mail { from } if from.size > self.limits.mail_bytes => {
                "552 5.3.4 Too large".into()
            }
            Request::Mail { from } => {
                self.envelope = Some(Envelope { sender: from.address, recipients: Vec::new() });
                "250 2.1.0 OK".into()
            }
            Request::Rcpt { to } => self.recipient(to.address),
            Request::Data => "503 5.5.1 No valid recipients".into(),
            Request::Rset => {
                self.envelope = None;
                "250 2.0.0 OK".into()
            }
            Request::Noop { .. } => "250 2.0.0 OK".into(),
            Request::Vrfy { .. } => "252 2.1.5 Send some mail".into(),
            _ => "502 5.5.1 Not here".into(),
        }
    }

    fn recipient(&mut self, address: String) -> String {
        let accepted = self.replies.accepts(&address);
        let Some(envelope) = &mut self.envelope else { return "503 5.5.1 MAIL first".into() };
        if !accepted {
            return "550 5.1.1 No such address".into();
        }
        if envelope.recipients.len() >= self.limits.recipients {
            return "452 4.5.3 Too many recipients".into();
        }
        envelope.recipients.push(address);
        "250 2.1.5 OK".into()
    }

    /// Reads a mail, hands it on, and answers for each recipient.
    async fn mail(&mut self, mail_in: &dyn MailIn) -> io::Result<()> {
        self.say("354 Go on").await?;
        let data = timeout(self.limits.mail_time, self.data()).await;
        let data = data.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let Some(envelope) = self.envelope.take() else { return Ok(()) };
        let answer = match data {
            Data::TooLarge => "552 5.3.4 Too large",
            Data::Whole(bytes) => self.take(&bytes, &envelope, mail_in).await,
        };
        let answers = vec![answer; envelope.recipients.len()];
        self.say(&answers.join("\r\n")).await
    }

    async fn take(&self, bytes: &[u8], envelope: &Envelope, mail_in: &dyn MailIn) -> &'static str {
        let mail = match self.decoder.decode(bytes, Some(envelope)).await {
            Ok(mail) => mail,
            Err(MailError::Malformed(_)) => return "554 5.6.0 This is no mail",
            Err(_) => return "451 4.3.0 Try again later",
        };
        match timeout(RECEIVING, mail_in.receive(mail)).await {
            Ok(Ok(())) => "250 2.0.0 Taken",
            _ => "451 4.3.0 Try again later",
        }
    }

    async fn data(&mut self) -> io::Result<Data> {
        let mut receiver = DataReceiver::new();
        let mut bytes = Vec::new();
        loop {
            let mut unread = self.unread.iter();
            let ended = receiver.ingest(&mut unread, &mut bytes);
            let left = unread.as_slice().len();
            self.looked_at(left);
            if bytes.len() > self.limits.mail_bytes {
                drop(bytes);
                if !ended {
                    self.thrown_away(DummyDataReceiver::new_data(&receiver)).await?;
                }
                return Ok(Data::TooLarge);
            }
            if ended {
                return Ok(Data::Whole(bytes));
            }
            self.read().await?;
        }
    }

    /// Reads to the end of a mail, so that the answer comes where the client waits for it.
    async fn thrown_away(&mut self, mut receiver: DummyDataReceiver) -> io::Result<()> {
        let mut rest = self.limits.mail_bytes.saturating_mul(PATIENCE_IN_MAILS).max(LEAST_PATIENCE);
        loop {
            self.read().await?;
            rest = rest.checked_sub(self.unread.len()).ok_or(io::ErrorKind::InvalidData)?;
            let mut unread = self.unread.iter();
            let ended = receiver.ingest(&mut unread);
            let left = unread.as_slice().len();
            self.looked_at(left);
            if ended {
                return Ok(());
            }
        }
    }

    async fn command(
        &mut self,
        commands: &mut RequestReceiver,
    ) -> io::Result<Result<Request<String>, Fault>> {
        loop {
            if !self.unread.is_empty() {
                let mut unread = self.unread.iter();
                let request = commands.ingest(&mut unread).map(Request::into_owned);
                let left = unread.as_slice().len();
                match request {
                    // What is not a whole line the receiver has kept.
                    Err(Fault::NeedsMoreData { .. }) => self.unread.clear(),
                    request => {
                        self.looked_at(left);
                        return Ok(request);
                    }
                }
            }
            self.read().await?;
        }
    }

    fn looked_at(&mut self, left: usize) {
        self.unread.drain(..self.unread.len() - left);
    }

    async fn read(&mut self) -> io::Result<()> {
        let read = timeout(self.limits.silence, self.line.read_buf(&mut self.unread)).await;
        match read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Says a last word. What the client has sent meanwhile is read: closing upon it would tear the
    /// word away before the client has read it.
    async fn leave(&mut self, answer: &str) -> io::Result<()> {
        self.say(answer).await?;
        self.line.shutdown().await?;
        let rest = async {
            let mut thrown_away = [0; 4096];
            while self.line.read(&mut thrown_away).await? > 0 {}
            Ok(())
        };
        timeout(FAREWELL, rest).await.unwrap_or(Ok(()))
    }

    async fn say(&mut self, answer: &str) -> io::Result<()> {
        let answer = format!("{answer}\r\n");
        let said = timeout(self.limits.silence, self.line.write_all(answer.as_bytes())).await;
        said.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}

fn refusal(fault: &Fault) -> String {
    match fault {
        Fault::UnknownCommand => "500 5.5.1 Unknown command",
        Fault::InvalidSenderAddress => "501 5.1.7 No such sender",
        Fault::InvalidRecipientAddress => "501 5.1.3 No such address",
        Fault::UnsupportedParameter { .. } => "555 5.5.4 Unknown parameter",
        _ => "501 5.5.4 Syntax error",
    }
    .to_string()
}
