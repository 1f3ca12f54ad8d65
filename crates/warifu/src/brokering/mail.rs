//! The broker's mail: out by SMTP, replies in by IMAP and LMTP.

use crate::{
    Failure,
    config::brokering::{BrokerConfig, ServerConfig, TlsConfig},
    setup::read_secret_line,
};
use std::sync::Arc;
use warifu_gateways::mail::{
    Access, Decoder, DkimKeys, Limits, Lmtp, Login, Mailbox, MailboxSettings, ReceivingServer,
    ReplyDomain, Roots, Submission, Tls,
};
use warifu_ports::mail::{MailError, MailIn, MailOut};

/// What goes out, and where replies come from.
pub struct MailSide {
    /// What goes out.
    pub out: Arc<dyn MailOut>,
    mailbox: Option<Mailbox>,
    lmtp: Option<Lmtp>,
}

impl MailSide {
    /// As it is configured.
    pub async fn open(config: &BrokerConfig) -> Result<MailSide, Failure> {
        let out = Arc::new(submission(&config.smtp, &config.from)?);
        let decoder = decoder(config)?;
        let mailbox = config.imap.as_ref().map(|imap| {
            let settings = MailboxSettings::new(access(imap)?);
            Mailbox::new(settings, decoder.clone()).map_err(failure("broker.imap"))
        });
        let lmtp = match config.lmtp {
            Some(address) => {
                let mailbox = config.mailbox.clone().unwrap_or_else(|| "confirm".to_string());
                let replies = ReplyDomain { mailbox, domain: config.mail_domain.clone() };
                let bound = Lmtp::bind(address, replies, decoder, Limits::default()).await;
                Some(bound.map_err(failure("broker.lmtp"))?)
            }
            None => None,
        };
        Ok(MailSide { out, mailbox: mailbox.transpose()?, lmtp })
    }

    /// Whether replies come in at all.
    pub fn hears(&self) -> bool {
        self.mailbox.is_some() || self.lmtp.is_some()
    }

    /// Takes replies for `mail_in` from now on.
    pub fn start(self, mail_in: Arc<dyn MailIn>) {
        if let Some(mailbox) = self.mailbox {
            let mail_in = mail_in.clone();
            tokio::spawn(async move { mailbox.run(mail_in).await });
        }
        if let Some(lmtp) = self.lmtp {
            tokio::spawn(lmtp.run(mail_in));
        }
    }
}

/// Mail out through a server.
fn submission(server: &ServerConfig, from: &str) -> Result<Submission, Failure> {
    Submission::new(&access(server)?, from).map_err(failure("smtp"))
}

/// How a server is reached.
pub fn access(server: &ServerConfig) -> Result<Access, Failure> {
    let login = match (&server.user, &server.password_file) {
        (Some(user), Some(file)) => Some(Login::new(user, read_secret_line(file)?)),
        (None, None) => None,
        _ => return Err(Failure::input("user", "user and password_file stand together")),
    };
    let tls = match server.tls {
        TlsConfig::Implicit => Tls::Implicit(Roots::System),
        TlsConfig::Starttls => Tls::StartTls(Roots::System),
        TlsConfig::None => Tls::None,
    };
    Ok(Access { host: server.host.clone(), port: server.port, tls, login })
}

fn decoder(config: &BrokerConfig) -> Result<Decoder, Failure> {
    let mut decoder = Decoder::new();
    if let Some(name) = &config.authserv_id {
        let server = ReceivingServer { authserv_id: name.clone(), received_above: 0 };
        decoder = decoder.with_server(server);
    }
    if config.dkim_by_dns {
        decoder = decoder.with_keys(DkimKeys::from_dns().map_err(failure("broker.dkim_by_dns"))?);
    }
    Ok(decoder)
}

fn failure(field: &'static str) -> impl Fn(MailError) -> Failure {
    move |error| Failure::input(field, error.to_string())
}
