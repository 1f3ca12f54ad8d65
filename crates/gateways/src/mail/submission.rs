//! Hands mail to the operator's mail server (RFC 6409).

use super::access::{Access, Roots, Tls};
use async_trait::async_trait;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    address::Envelope,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls as SmtpTls, TlsParameters},
    },
};
use std::time::Duration;
use warifu_ports::mail::{MailError, MailOut, OutgoingMail};

/// How long a server may take for one step.
const PATIENCE: Duration = Duration::from_secs(60);

/// What HTML must not have: it would tell others when and where the mail is read.
const REMOTE: &[&str] = &["<img", "<script", "<link", "<iframe", "src=", "url(", "@import"];

pub(crate) type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// Sends mail through one server. The sender of the envelope is the mail's reply address where it
/// has one, so that a report of failure comes back to where the reply would (RFC 3464).
pub struct Submission {
    transport: Transport,
    from: Mailbox,
}

impl std::fmt::Debug for Submission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submission").finish_non_exhaustive()
    }
}

impl Submission {
    /// Mail from `from`: an address, with a name or without (`Warifu <orders@example.jp>`).
    ///
    /// # Errors
    /// [`MailError::BadAddress`] for `from`, [`MailError::Setup`] for what cannot be used.
    pub fn new(access: &Access, from: &str) -> Result<Submission, MailError> {
        let from = from.parse().map_err(|_| MailError::BadAddress("from"))?;
        Ok(Submission { transport: transport(access)?, from })
    }

    fn message(&self, mail: &OutgoingMail) -> Result<Message, MailError> {
        let to: Address = mail.to.parse().map_err(|_| MailError::BadAddress("to"))?;
        let reply_to = mail.reply_to.as_deref().map(str::parse).transpose();
        let reply_to: Option<Address> = reply_to.map_err(|_| MailError::BadAddress("reply_to"))?;
        checked(mail)?;
        let sender = reply_to.clone().unwrap_or_else(|| self.from.email.clone());
        let envelope = Envelope::new(Some(sender), vec![to.clone()]);
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject.as_str())
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())))
            .date_now()
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("Content-Language", &mail.language))
            .envelope(envelope.map_err(|_| MailError::BadAddress("to"))?);
        if let Some(reply_to) = reply_to {
            message = message.reply_to(Mailbox::new(None, reply_to));
        }
        let text = SinglePart::plain(mail.text.clone());
        let made = match &mail.html {
            Some(html) => message.multipart(
                MultiPart::alternative()
                    .singlepart(text)
                    .singlepart(SinglePart::html(html.clone())),
            ),
            None => message.singlepart(text),
        };
        made.map_err(|_| MailError::Malformed("header"))
    }
}

#[async_trait]
impl MailOut for Submission {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), MailError> {
        let message = self.message(mail)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(fault(&error)),
        }
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_string())
}

/// The fields that become headers as they are, and the HTML.
fn checked(mail: &OutgoingMail) -> Result<(), MailError> {
    let plain = |text: &str, more: &str| {
        !text.is_empty()
            && text.len() <= 200
            && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    if !plain(&mail.id, "-_.") {
        return Err(MailError::Malformed("id"));
    }
    if !plain(&mail.language, "-") {
        return Err(MailError::Malformed("language"));
    }
    if mail.subject.chars().any(char::is_control) {
        return Err(MailError::Malformed("subject"));
    }
    let html = mail.html.as_deref().unwrap_or_default().to_lowercase();
    if REMOTE.iter().any(|element| html.contains(element)) {
        return Err(MailError::Malformed("html"));
    }
    Ok(())
}

/// The way to a server: under TLS, or on this machine.
pub(crate) fn transport(access: &Access) -> Result<Transport, MailError> {
    let access = access.checked()?;
    let mut transport = Transport::builder_dangerous(&access.host)
        .port(access.port)
        .tls(smtp_tls(access)?)
        .timeout(Some(PATIENCE));
    if let Some(login) = &access.login {
        let (user, password) = (login.user().to_string(), login.password().to_string());
        transport = transport.credentials(Credentials::new(user, password));
    }
    Ok(transport.build())
}

fn smtp_tls(access: &Access) -> Result<SmtpTls, MailError> {
    let parameters = |roots: &Roots| {
        let bad = |_| MailError::Setup("a root certificate cannot be read");
        let mut builder = TlsParameters::builder(access.host.clone());
        if let Roots::Only(certificates) = roots {
            builder = builder.certificate_store(CertificateStore::None);
            for certificate in certificates {
                let root = Certificate::from_der(certificate.to_vec()).map_err(bad)?;
                builder = builder.add_root_certificate(root);
            }
        }
        builder.build_rustls().map_err(bad)
    };
    Ok(match &access.tls {
        Tls::Implicit(roots) => SmtpTls::Wrapper(parameters(roots)?),
        Tls::StartTls(roots) => SmtpTls::Required(parameters(roots)?),
        Tls::None => SmtpTls::None,
    })
}

/// Whose fault it is. A server that refuses *us* (530 to 538: our login) has not judged the mail,
/// which therefore waits.
fn fault(error: &lettre::transport::smtp::Error) -> MailError {
    let code = error.status().map(u16::from);
    match code {
        Some(530..=538) => MailError::Unreachable("the server refuses our login".into()),
        Some(code) if error.is_permanent() => MailError::Refused(code),
        Some(code) => MailError::Unreachable(format!("reply {code}")),
        None if error.is_timeout() => MailError::Unreachable("no answer in time".into()),
        None if error.is_tls() => MailError::Unreachable("no TLS with the server".into()),
        None => MailError::Unreachable("no connection".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submission() -> Submission {
        let access = Access { host: "127.0.0.1".into(), port: 1, tls: Tls::None, login: None };
        Submission::new(&access, "割符 <orders@broker.test>").unwrap()
    }

    fn mail() -> OutgoingMail {
        OutgoingMail {
            id: "order-1.confirm".into(),
            to: "hanako@example.jp".into(),
            reply_to: Some("confirm+abc@broker.test".into()),
            language: "ja".into(),
            subject: "ご注文の確認".into(),
            text: "下記のご注文を承りました。\n".into(),
            html: Some("<p>下記のご注文を承りました。</p>".into()),
        }
    }

    #[test]
    fn a_mail_has_both_texts_a_stable_id_and_says_that_a_machine_wrote_it() {
        let message = submission().message(&mail()).unwrap();
        let sender = message.envelope().from().map(ToString::to_string);
        assert_eq!(sender.as_deref(), Some("confirm+abc@broker.test"));
        let bytes = message.formatted();
        let read = mail_parser::MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(read.message_id(), Some("order-1.confirm@broker.test"));
        assert_eq!(read.subject(), Some("ご注文の確認"));
        assert_eq!(read.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));
        assert_eq!(read.header_raw("Content-Language").map(str::trim), Some("ja"));
        let reply_to = read.reply_to().and_then(|a| a.first()).and_then(|a| a.address());
        assert_eq!(reply_to, Some("confirm+abc@broker.test"));
        assert_eq!(read.body_text(0).as_deref().map(str::trim), Some("下記のご注文を承りました。"));
        assert!(read.body_html(0).unwrap().contains("<p>下記"));
        assert!(bytes.is_ascii(), "it passes servers that know seven bits");
        assert!(String::from_utf8_lossy(&bytes).contains("multipart/alternative"));
    }

    #[test]
    fn what_would_break_a_header_or_fetch_something_is_refused_with_its_field() {
        let bad = |change: fn(&mut OutgoingMail)| {
            let mut mail = mail();
            change(&mut mail);
            submission().message(&mail).unwrap_err()
        };
        assert_eq!(bad(|m| m.to = "nobody".into()), MailError::BadAddress("to"));
        assert_eq!(bad(|m| m.to = "a@b.test\r\nBcc: c@d.test".into()), MailError::BadAddress("to"));
        assert_eq!(bad(|m| m.reply_to = Some("x".into())), MailError::BadAddress("reply_to"));
        assert_eq!(bad(|m| m.id = "a>b".into()), MailError::Malformed("id"));
        assert_eq!(bad(|m| m.id = String::new()), MailError::Malformed("id"));
        assert_eq!(bad(|m| m.language = "ja\r\n".into()), MailError::Malformed("language"));
        assert_eq!(
            bad(|m| m.subject = "a\r\nBcc: c@d.test".into()),
            MailError::Malformed("subject")
        );
        assert_eq!(bad(|m| m.html = Some("<IMG SRC=x>".into())), MailError::Malformed("html"));
    }

    #[tokio::test]
    async fn no_server_is_not_the_mails_fault() {
        let error = submission().send(&mail()).await.unwrap_err();
        assert!(matches!(error, MailError::Unreachable(_)), "{error}");
        assert!(!error.to_string().contains("abc"));
    }
}
