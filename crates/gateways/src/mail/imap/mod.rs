//! Reads a mailbox by IMAP (RFC 3501, with IDLE, MOVE and UIDPLUS where the server has them).
//!
//! A mail is removed only when the role has taken it, so a cut connection at any moment means that
//! it is read again.

mod memory;
mod session;

use super::{Access, Decoder};
use memory::Memory;
use session::Session;
use std::{sync::Arc, time::Duration};
use warifu_ports::mail::{MailError, MailIn};

/// The folder for mails that could not be read or were never taken: a person has to look.
pub const UNREAD_FOLDER: &str = "Warifu-Unread";

/// What becomes of a mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// It is deleted.
    Delete,
    /// It is moved to this folder, which is made if it is not there.
    MoveTo(String),
}

/// How a mailbox is read.
#[derive(Debug, Clone)]
pub struct MailboxSettings {
    /// The server; it must have a login.
    pub access: Access,
    /// The folder that replies come to, mostly `INBOX`. Nobody else should remove mail there.
    pub folder: String,
    /// What becomes of a mail that was taken.
    pub done: Done,
    /// The longest time between two looks. A server that has IDLE tells of new mail at once.
    pub poll: Duration,
    /// A larger mail, in bytes, is set aside unread.
    pub mail_bytes: u32,
    /// How often the role may fail to take a mail while it takes others, before it is set aside.
    pub attempts: u32,
    /// The pause after a first failure; it doubles up to `longest_pause`.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl MailboxSettings {
    /// `INBOX`, deleted when taken, a look each minute, 1 MiB, 10 attempts, pauses of 1 second to 5
    /// minutes.
    pub fn new(access: Access) -> MailboxSettings {
        MailboxSettings {
            access,
            folder: "INBOX".into(),
            done: Done::Delete,
            poll: Duration::from_secs(60),
            mail_bytes: 1024 * 1024,
            attempts: 10,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(300),
        }
    }
}

/// A reader of one mailbox.
#[derive(Debug)]
pub struct Mailbox {
    settings: MailboxSettings,
    decoder: Decoder,
}

impl Mailbox {
    /// Checks the settings; nothing is connected yet.
    ///
    /// # Errors
    /// [`MailError::Setup`].
    pub fn new(settings: MailboxSettings, decoder: Decoder) -> Result<Mailbox, MailError> {
        settings.access.checked()?;
        if settings.access.login.is_none() {
            return Err(MailError::Setup("a mailbox needs a login"));
        }
        Ok(Mailbox { settings, decoder })
    }

    /// Reads until it is dropped, which it may be at any moment.
    pub async fn run(&self, mail_in: Arc<dyn MailIn>) {
        let mut memory = Memory::default();
        let mut pause = self.settings.first_pause;
        loop {
            let Err(error) = self.connected(&mut memory, &mut pause, &*mail_in).await;
            tracing::warn!(%error, seconds = pause.as_secs(), "the mailbox is tried again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.settings.longest_pause);
        }
    }

    /// Reads over one connection until it breaks.
    async fn connected(
        &self,
        memory: &mut Memory,
        pause: &mut Duration,
        mail_in: &dyn MailIn,
    ) -> Result<std::convert::Infallible, MailError> {
        let mut session = Session::open(&self.settings, memory).await?;
        let mut retry = self.settings.first_pause;
        loop {
            let left = session.look(&self.decoder, memory, mail_in).await?;
            *pause = self.settings.first_pause;
            let wait = if left == 0 {
                retry = self.settings.first_pause;
                self.settings.poll
            } else {
                let now = retry.min(self.settings.poll);
                retry = (retry * 2).min(self.settings.longest_pause);
                now
            };
            session = session.wait(wait).await?;
        }
    }
}
