//! Fax by a mail-to-fax gateway: the page goes as a TIFF to `NUMBER@gateway`.
//!
//! Such a gateway reports by mail, to people: a page that it has taken is unconfirmed until an
//! operator has the provider's word or the gateway's report. It cannot be asked for a page either, so
//! that one whose mailing broke off is unconfirmed, too, and is not mailed again by itself. What it
//! keeps of a page is beyond reach.
//! The way to it is under TLS, or on this machine. The text library's copies of the page are freed,
//! not wiped.

use super::{
    number::{check_id, check_number},
    page::{Page, Typeface},
};
use crate::mail::{Access, Transport, transport};
use async_trait::async_trait;
use lettre::{
    Address, AsyncTransport, Message,
    message::{Attachment, Mailbox, MultiPart, SinglePart, header::ContentType},
};
use warifu_ports::fax::{CardSheet, Fax, FaxError, FaxJob, FaxState, Known, Spool};

/// Mails pages to a gateway.
pub struct MailToFax {
    transport: Transport,
    from: Mailbox,
    gateway: String,
    typeface: Typeface,
}

impl std::fmt::Debug for MailToFax {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailToFax").field("gateway", &self.gateway).finish_non_exhaustive()
    }
}

impl MailToFax {
    /// Through the mail server of `access`, from an address that the gateway knows, to the gateway's
    /// domain.
    ///
    /// # Errors
    /// [`FaxError::Refused`], whose step names what cannot be used: `access`, `from` or `gateway`.
    pub fn new(
        access: &Access,
        from: &str,
        gateway: &str,
        typeface: Typeface,
    ) -> Result<MailToFax, FaxError> {
        let bad = |step| FaxError::Refused { step, code: 0 };
        let from: Mailbox = from.parse().map_err(|_| bad("mail: from"))?;
        Address::new("100", gateway).map_err(|_| bad("mail: gateway"))?;
        let transport = transport(access).map_err(|_| bad("mail: access"))?;
        Ok(MailToFax { transport, from, gateway: gateway.to_owned(), typeface })
    }

    /// The mail of a page. Its id is stable, so that a server or a gateway that gets it twice sees it.
    fn message(&self, id: &str, to: &str, sheet: &CardSheet) -> Result<Message, FaxError> {
        check_id(id)?;
        check_number(to)?;
        let bad = FaxError::Refused { step: "mail: write", code: 0 };
        let to = Address::new(to, &self.gateway).map_err(|_| FaxError::BadNumber)?;
        let kind = ContentType::parse("image/tiff").map_err(|_| bad.clone())?;
        let page = Page::draw(&self.typeface, sheet)?.tiff();
        let page = Attachment::new("page.tif".into()).body(page.to_vec(), kind);
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(format!("Fax {id}"))
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .date_now()
            .multipart(
                MultiPart::mixed()
                    .singlepart(SinglePart::plain("The page is attached.\n".to_owned()))
                    .singlepart(page),
            )
            .map_err(|_| bad)
    }
}

#[async_trait]
impl Fax for MailToFax {
    async fn submit(&self, id: &str, to: &str, sheet: &CardSheet) -> Result<FaxJob, FaxError> {
        let message = self.message(id, to, sheet)?;
        // What fails before the mail begins has mailed nothing.
        self.transport.test_connection().await.map_err(|error| refusal(&error))?;
        match self.transport.send(message).await {
            Ok(_) => Ok(FaxJob(id.to_owned())),
            Err(error) if error.status().is_some() => Err(refusal(&error)),
            Err(_) => Err(FaxError::Unclear("the mail server does not answer".into())),
        }
    }

    async fn find(&self, _id: &str) -> Result<Known, FaxError> {
        Ok(Known::Untold)
    }

    async fn state(&self, _job: &FaxJob) -> Result<FaxState, FaxError> {
        Ok(FaxState::Unconfirmed)
    }

    /// What a gateway keeps is not ours to remove.
    async fn clear(&self, _job: &FaxJob) -> Result<Spool, FaxError> {
        Ok(Spool::BeyondReach)
    }
}

/// The mail server has not taken the mail.
fn refusal(error: &lettre::transport::smtp::Error) -> FaxError {
    match error.status().map(u16::from) {
        Some(code) if error.is_permanent() => FaxError::Refused { step: "mail the page", code },
        Some(code) => FaxError::Unreachable(format!("the mail server's reply is {code}")),
        None => FaxError::Unreachable("the mail server does not answer".into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::mail::Tls;
    use warifu_types::UnixTime;

    fn sheet() -> CardSheet {
        CardSheet {
            number: "W-1".into(),
            provider: "Ryokan".into(),
            holder_name: "HANAKO YAMADA".to_owned().into(),
            card_number: "4111111111111111".to_owned().into(),
            card_expiry: "2028-12".to_owned().into(),
            written: UnixTime(0),
        }
    }

    fn access(host: &str, port: u16) -> Access {
        Access { host: host.into(), port, tls: Tls::None, login: None }
    }

    fn gateway(access: &Access) -> MailToFax {
        let typeface = Typeface::find().unwrap();
        MailToFax::new(access, "fax@broker.test", "fax.test", typeface).unwrap()
    }

    #[tokio::test]
    async fn the_mail_carries_the_page_and_no_card_in_clear() {
        let fax = gateway(&access("127.0.0.1", 1));
        let bytes = fax.message("order-1", "+81312345678", &sheet()).unwrap().formatted();
        let mail = mail_parser::MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(mail.message_id(), Some("order-1@broker.test"));
        let to = mail.to().and_then(|to| to.first()).and_then(|to| to.address());
        assert_eq!(to, Some("+81312345678@fax.test"));
        let page = Page::draw(&fax.typeface, &sheet()).unwrap().tiff();
        assert_eq!(mail.attachment(0).unwrap().contents(), page.as_slice());
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("4111111111111111") && !text.contains("HANAKO"), "{text}");
        let job = FaxJob("order-1".into());
        assert_eq!(fax.state(&job).await, Ok(FaxState::Unconfirmed));
        assert_eq!(fax.clear(&job).await, Ok(Spool::BeyondReach));
        assert_eq!(fax.find("order-1").await, Ok(Known::Untold));
        let down = fax.submit("order-1", "5551234", &sheet()).await;
        assert!(matches!(down, Err(FaxError::Unreachable(_))), "{down:?}");
        assert_eq!(fax.submit("order-1", "x@y", &sheet()).await, Err(FaxError::BadNumber));
    }

    #[test]
    fn card_data_in_clear_stays_on_this_machine() {
        let typeface = Typeface::find().unwrap();
        let far = access("192.0.2.1", 25);
        assert!(MailToFax::new(&far, "fax@broker.test", "fax.test", typeface).is_err());
    }
}
