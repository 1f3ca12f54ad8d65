//! One connection to an IMAP server.

use super::{Done, MailboxSettings, UNREAD_FOLDER, memory::Memory};
use crate::mail::{
    Decoder,
    access::{Access, Line, Tls},
};
use async_imap::{Client, error::Error};
use futures_util::TryStreamExt;
use std::{collections::BTreeMap, future::Future, pin::pin, time::Duration};
use tokio::time::timeout;
use warifu_ports::mail::{MailError, MailIn};

/// How long a server may take for one command.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the role may take for one mail.
const RECEIVING: Duration = Duration::from_secs(60);
/// Mails looked at in one round.
const ROUND: usize = 100;

type Imap = async_imap::Session<Box<dyn Line>>;

pub(super) struct Session<'a> {
    imap: Imap,
    settings: &'a MailboxSettings,
    can_idle: bool,
    can_move: bool,
    can_expunge_one: bool,
}

impl<'a> Session<'a> {
    /// Connects, logs in and opens the folder.
    pub(super) async fn open(
        settings: &'a MailboxSettings,
        memory: &mut Memory,
    ) -> Result<Session<'a>, MailError> {
        let client = within(connect(&settings.access)).await??;
        let login = settings.access.login.as_ref();
        let login = login.ok_or(MailError::Setup("a mailbox needs a login"))?;
        let refused = |_| MailError::Unreachable("the server refuses our login".into());
        let logged_in = within(client.login(login.user(), login.password())).await?;
        let mut imap = logged_in.map_err(refused)?;
        let can = within(imap.capabilities()).await?.map_err(lost)?;
        let (can_idle, can_move) = (can.has_str("IDLE"), can.has_str("MOVE"));
        let can_expunge_one = can.has_str("UIDPLUS");
        if let Done::MoveTo(folder) = &settings.done {
            // The server says no where it is there already.
            let _ = within(imap.create(folder)).await?;
        }
        let folder = within(imap.select(&settings.folder)).await?.map_err(lost)?;
        memory.opened(folder.uid_validity);
        Ok(Session { imap, settings, can_idle, can_move, can_expunge_one })
    }

    /// Looks through the folder once; says how many mails the role did not take.
    pub(super) async fn look(
        &mut self,
        decoder: &Decoder,
        memory: &mut Memory,
        mail_in: &dyn MailIn,
    ) -> Result<usize, MailError> {
        let mut left = 0;
        let mut uids: Vec<u32> =
            within(self.imap.uid_search("UNDELETED")).await?.map_err(lost)?.into_iter().collect();
        uids.sort_unstable();
        for round in uids.chunks(ROUND) {
            for (uid, size) in self.sizes(round).await? {
                if size > self.settings.mail_bytes {
                    self.set_aside(uid, memory, "it is too large").await?;
                    continue;
                }
                let Some(bytes) = self.bytes(uid).await? else { continue };
                let Ok(mail) = decoder.decode(&bytes, None).await else {
                    self.set_aside(uid, memory, "it cannot be read").await?;
                    continue;
                };
                if matches!(timeout(RECEIVING, mail_in.receive(mail)).await, Ok(Ok(()))) {
                    memory.taken(uid);
                    self.finish(uid).await?;
                } else if memory.failed(uid, self.settings.attempts) {
                    self.set_aside(uid, memory, "it was never taken").await?;
                } else {
                    left += 1;
                }
            }
        }
        Ok(left)
    }

    /// Waits for new mail, or for some time.
    pub(super) async fn wait(mut self, time: Duration) -> Result<Session<'a>, MailError> {
        if !self.can_idle {
            tokio::time::sleep(time).await;
            within(self.imap.noop()).await?.map_err(lost)?;
            return Ok(self);
        }
        let mut idle = self.imap.idle();
        within(idle.init()).await?.map_err(lost)?;
        {
            let (waiting, _stop) = idle.wait_with_timeout(time);
            waiting.await.map_err(lost)?;
        }
        self.imap = within(idle.done()).await?.map_err(lost)?;
        Ok(self)
    }

    /// The sizes of these mails, in bytes, by UID; without those that are gone.
    async fn sizes(&mut self, uids: &[u32]) -> Result<BTreeMap<u32, u32>, MailError> {
        let set = uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        let read = async {
            let mut answers = pin!(self.imap.uid_fetch(set, "(UID RFC822.SIZE)").await?);
            let mut sizes = BTreeMap::new();
            while let Some(mail) = answers.try_next().await? {
                if let (Some(uid), Some(size)) = (mail.uid, mail.size) {
                    sizes.insert(uid, size);
                }
            }
            Ok(sizes)
        };
        within(read).await?.map_err(lost)
    }

    /// A mail's bytes, without marking it as seen.
    async fn bytes(&mut self, uid: u32) -> Result<Option<Vec<u8>>, MailError> {
        let read = async {
            let fetched = self.imap.uid_fetch(uid.to_string(), "(UID BODY.PEEK[])").await?;
            let mut answers = pin!(fetched);
            let mut bytes = None;
            while let Some(mail) = answers.try_next().await? {
                if mail.uid == Some(uid) {
                    bytes = mail.body().map(<[u8]>::to_vec);
                }
            }
            Ok(bytes)
        };
        within(read).await?.map_err(lost)
    }

    async fn finish(&mut self, uid: u32) -> Result<(), MailError> {
        match &self.settings.done {
            Done::Delete => self.delete(uid).await,
            Done::MoveTo(folder) => self.move_to(uid, folder).await,
        }
    }

    async fn set_aside(
        &mut self,
        uid: u32,
        memory: &mut Memory,
        why: &'static str,
    ) -> Result<(), MailError> {
        let _ = within(self.imap.create(UNREAD_FOLDER)).await?;
        self.move_to(uid, UNREAD_FOLDER).await?;
        memory.gone(uid);
        tracing::warn!(uid, why, folder = UNREAD_FOLDER, "a mail was set aside");
        Ok(())
    }

    async fn move_to(&mut self, uid: u32, folder: &str) -> Result<(), MailError> {
        if self.can_move {
            return within(self.imap.uid_mv(uid.to_string(), folder)).await?.map_err(lost);
        }
        within(self.imap.uid_copy(uid.to_string(), folder)).await?.map_err(lost)?;
        self.delete(uid).await
    }

    async fn delete(&mut self, uid: u32) -> Result<(), MailError> {
        let mark = async {
            let marked = self.imap.uid_store(uid.to_string(), "+FLAGS.SILENT (\\Deleted)").await?;
            pin!(marked).try_for_each(|_| std::future::ready(Ok(()))).await
        };
        within(mark).await?.map_err(lost)?;
        let expunge = async {
            if self.can_expunge_one {
                let gone = self.imap.uid_expunge(uid.to_string()).await?;
                pin!(gone).try_for_each(|_| std::future::ready(Ok(()))).await
            } else {
                let gone = self.imap.expunge().await?;
                pin!(gone).try_for_each(|_| std::future::ready(Ok(()))).await
            }
        };
        within(expunge).await?.map_err(lost)
    }
}

async fn connect(access: &Access) -> Result<Client<Box<dyn Line>>, MailError> {
    let line = access.connect().await?;
    let line: Box<dyn Line> = match &access.tls {
        Tls::Implicit(roots) => access.secured(roots, line).await?,
        Tls::None => Box::new(line),
        Tls::StartTls(roots) => {
            let mut client = Client::new(line);
            greeted(&mut client).await?;
            client.run_command_and_check_ok("STARTTLS", None).await.map_err(lost)?;
            // The server greets once only.
            return Ok(Client::new(access.secured(roots, client.into_inner()).await?));
        }
    };
    let mut client = Client::new(line);
    greeted(&mut client).await?;
    Ok(client)
}

async fn greeted<T: Line>(client: &mut Client<T>) -> Result<(), MailError> {
    let silent = || MailError::Unreachable("the server does not greet".into());
    client.read_response().await.map_err(|_| silent())?.ok_or_else(silent)?;
    Ok(())
}

async fn within<T>(work: impl Future<Output = T>) -> Result<T, MailError> {
    let late = |_| MailError::Unreachable("no answer in time".into());
    timeout(PATIENCE, work).await.map_err(late)
}

/// What the server said stays out of logs: it may repeat what is in a mail.
fn lost(error: Error) -> MailError {
    let why = match error {
        Error::Io(_) | Error::ConnectionLost => "the connection is lost",
        Error::No(_) => "the server says no",
        Error::Bad(_) => "the server does not understand",
        Error::Parse(_) => "the server is not understood",
        _ => "the mailbox cannot be used",
    };
    MailError::Unreachable(why.into())
}
