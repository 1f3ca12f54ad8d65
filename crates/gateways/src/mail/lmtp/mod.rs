//! Takes replies from the operator's mail server by LMTP (RFC 2033).
//!
//! The server keeps a mail until it is answered with 250, which happens only when the role has
//! taken it: nothing is stored here, and nothing can be lost here.

mod session;

use super::Decoder;
use session::Session;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use warifu_ports::mail::{MailError, MailIn};

/// The addresses that replies come to: `confirm+TOKEN@example.jp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyDomain {
    /// What stands before the `+`.
    pub mailbox: String,
    /// What stands behind the `@`.
    pub domain: String,
}

impl ReplyDomain {
    /// Whether an address looks like one of these. Whether the token is right, the role decides: a
    /// mail server must not learn from us which tokens there are.
    pub fn accepts(&self, address: &str) -> bool {
        let Some((local, domain)) = address.rsplit_once('@') else { return false };
        let Some((mailbox, token)) = local.split_once('+') else { return false };
        domain.eq_ignore_ascii_case(&self.domain)
            && mailbox.eq_ignore_ascii_case(&self.mailbox)
            && (16..=128).contains(&token.len())
            && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    }
}

/// What a client may ask of us. Command lines end at 4,096 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The size of a mail, in bytes.
    pub mail_bytes: usize,
    /// Recipients of one mail.
    pub recipients: usize,
    /// Connections at once.
    pub connections: usize,
    /// How long a connection may be silent.
    pub silence: Duration,
    /// How long a mail may take from `DATA` to its end.
    pub mail_time: Duration,
}

impl Default for Limits {
    /// A mail of 1 MiB, 20 recipients, 20 connections, 5 minutes, 10 minutes.
    fn default() -> Limits {
        Limits {
            mail_bytes: 1024 * 1024,
            recipients: 20,
            connections: 20,
            silence: Duration::from_secs(300),
            mail_time: Duration::from_secs(600),
        }
    }
}

/// A receiver on an address of its own, which only the operator's mail server should reach: LMTP
/// has neither login nor TLS.
#[derive(Debug)]
pub struct Lmtp {
    listener: TcpListener,
    replies: ReplyDomain,
    decoder: Decoder,
    limits: Limits,
}

impl Lmtp {
    /// Opens the address.
    ///
    /// # Errors
    /// [`MailError::Setup`] where it cannot be had.
    pub async fn bind(
        address: SocketAddr,
        replies: ReplyDomain,
        decoder: Decoder,
        limits: Limits,
    ) -> Result<Lmtp, MailError> {
        let listener = TcpListener::bind(address).await;
        let listener =
            listener.map_err(|_| MailError::Setup("the LMTP address cannot be opened"))?;
        Ok(Lmtp { listener, replies, decoder, limits })
    }

    /// The address that it listens on.
    ///
    /// # Errors
    /// [`MailError::Setup`] where the system does not say.
    pub fn address(&self) -> Result<SocketAddr, MailError> {
        self.listener.local_addr().map_err(|_| MailError::Setup("the LMTP address is not known"))
    }

    /// Takes mail until it is dropped. A mail that is under way then has not been answered, and
    /// comes again.
    pub async fn run(self, mail_in: Arc<dyn MailIn>) {
        let Lmtp { listener, replies, decoder, limits } = self;
        let shared = Arc::new((replies, decoder, limits));
        let mut sessions = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((line, _)) if sessions.len() < limits.connections => {
                        let (shared, mail_in) = (shared.clone(), mail_in.clone());
                        sessions.spawn(async move {
                            let (replies, decoder, limits) = &*shared;
                            let served = serve(line, (replies, decoder, *limits), &*mail_in);
                            if let Err(error) = served.await {
                                tracing::debug!(kind = ?error.kind(), "an LMTP connection ended");
                            }
                        });
                    }
                    Ok((line, _)) => turn_away(line).await,
                    Err(error) => {
                        tracing::warn!(kind = ?error.kind(), "no LMTP connection was taken");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
                Some(_) = sessions.join_next(), if !sessions.is_empty() => {}
            }
        }
    }
}

/// Speaks LMTP on one line, until the client leaves or is silent for too long.
///
/// # Errors
/// If the line ends before.
pub async fn serve(
    line: impl AsyncRead + AsyncWrite + Send + Unpin,
    (replies, decoder, limits): (&ReplyDomain, &Decoder, Limits),
    mail_in: &dyn MailIn,
) -> io::Result<()> {
    Session::new(line, replies, decoder, limits).serve(mail_in).await
}

async fn turn_away(mut line: TcpStream) {
    let said = line.write_all(b"421 4.3.2 Too many connections\r\n");
    let _ = tokio::time::timeout(Duration::from_secs(1), said).await;
}

#[cfg(test)]
mod tests;
