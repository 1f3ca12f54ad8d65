//! A world of mail in one process: for the demonstration, and for tests that need no server.

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex, PoisonError};
use warifu_ports::mail::{
    IncomingKind, IncomingMail, MailError, MailIn, MailOut, OutgoingMail, SenderCheck,
};

/// Takes mail out, keeps it, and lets the one who got it answer. Clones are the same world.
#[derive(Clone, Default)]
pub struct MailWorld {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    mails: Vec<OutgoingMail>,
    down: bool,
}

impl std::fmt::Debug for MailWorld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailWorld").finish_non_exhaustive()
    }
}

impl MailWorld {
    /// An empty world whose server is up.
    pub fn new() -> MailWorld {
        MailWorld::default()
    }

    /// Stops (`true`) or starts (`false`) the server: while it is down nothing is taken.
    pub fn set_down(&self, down: bool) {
        self.locked(|state| state.down = down);
    }

    /// The mails to an address, oldest first; one that was sent twice is there once.
    pub fn mails_to(&self, address: &str) -> Vec<OutgoingMail> {
        self.locked(|state| state.mails.iter().filter(|mail| mail.to == address).cloned().collect())
    }

    /// All mails, oldest first.
    pub fn mails(&self) -> Vec<OutgoingMail> {
        self.locked(|state| state.mails.clone())
    }

    /// The user sends a mail back as it is: nothing written, all of it quoted.
    ///
    /// # Errors
    /// Those of the receiver; [`MailError::BadAddress`] where the mail wants no reply.
    pub async fn reply_as_it_is(
        &self,
        mail: &OutgoingMail,
        to: &dyn MailIn,
    ) -> Result<(), MailError> {
        self.reply_with(mail, "", to).await
    }

    /// The user answers a mail with a text above the quotation.
    ///
    /// # Errors
    /// As [`MailWorld::reply_as_it_is`].
    pub async fn reply_with(
        &self,
        mail: &OutgoingMail,
        text: &str,
        to: &dyn MailIn,
    ) -> Result<(), MailError> {
        to.receive(reply(mail, text).ok_or(MailError::BadAddress("reply_to"))?).await
    }

    fn locked<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl MailOut for MailWorld {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), MailError> {
        self.locked(|state| {
            if state.down {
                return Err(MailError::Unreachable("switched off".to_string()));
            }
            if state.mails.iter().all(|kept| kept.id != mail.id) {
                state.mails.push(mail.clone());
            }
            Ok(())
        })
    }
}

/// The reply to a mail as a mail program would write it; `None` where the mail wants none. Tests
/// change its fields to forge one.
pub fn reply(mail: &OutgoingMail, text: &str) -> Option<IncomingMail> {
    let quoted: String = mail.text.lines().map(|line| format!("> {line}\n")).collect();
    let text = format!("{text}\n\nOn Sat, 21 Nov 2026 at 19:00, the broker wrote:\n\n{quoted}");
    let recipient = mail.reply_to.clone()?;
    let mut digest = Sha256::new();
    for part in [&recipient, &mail.to, &mail.id, &text] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    Some(IncomingMail {
        recipients: vec![recipient],
        from: mail.to.clone(),
        kind: IncomingKind::Personal,
        subject: format!("Re: {}", mail.subject),
        text,
        dkim: SenderCheck::Pass,
        spf: SenderCheck::Pass,
        digest: digest.finalize().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::Mutex as AsyncMutex;

    struct Keeping(AsyncMutex<Vec<IncomingMail>>);

    #[async_trait]
    impl MailIn for Keeping {
        async fn receive(&self, mail: IncomingMail) -> Result<(), MailError> {
            self.0.lock().await.push(mail);
            Ok(())
        }
    }

    fn mail() -> OutgoingMail {
        OutgoingMail {
            id: "a".into(),
            to: "hanako@example.jp".into(),
            reply_to: Some("confirm+abc@broker.test".into()),
            language: "en".into(),
            subject: "Please confirm".into(),
            text: "one\ntwo\n".into(),
            html: None,
        }
    }

    #[tokio::test]
    async fn a_mail_is_kept_once_and_answered() {
        let (world, keeping) = (MailWorld::new(), Keeping(AsyncMutex::default()));
        world.set_down(true);
        assert!(matches!(world.send(&mail()).await, Err(MailError::Unreachable(_))));
        world.set_down(false);
        world.send(&mail()).await.unwrap();
        world.send(&mail()).await.unwrap();
        assert_eq!(world.mails_to("hanako@example.jp").len(), 1);
        assert!(world.mails_to("taro@example.jp").is_empty());
        world.reply_as_it_is(&mail(), &keeping).await.unwrap();
        world.reply_with(&mail(), "cancel", &keeping).await.unwrap();
        let got = keeping.0.lock().await;
        assert_eq!(got.len(), 2);
        assert_eq!(got[0].recipients, ["confirm+abc@broker.test"]);
        assert_eq!(got[0].from, "hanako@example.jp");
        assert!(got[0].text.contains("> two"));
        assert!(got[1].text.starts_with("cancel\n"));
        assert_ne!(got[0].digest, got[1].digest);
        let without = OutgoingMail { reply_to: None, ..mail() };
        assert!(world.reply_as_it_is(&without, &keeping).await.is_err());
    }
}
