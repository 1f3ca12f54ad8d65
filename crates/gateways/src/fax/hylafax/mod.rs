//! Fax by a HylaFAX server, which dials, tries again and knows what was received.
//!
//! The protocol has no encryption: the server stands on this machine, or at the end of a line that
//! nobody else has. To remove a page from the spool, a client needs the server's administrative
//! password (`faxadduser -a`): its own documents are read-only to it.

mod reply;
mod session;

pub use reply::{Reply, data_port, read_reply};

use super::{
    number::{check_id, check_number},
    page::{Page, Typeface},
};
use async_trait::async_trait;
use session::Session;
use std::{net::SocketAddr, time::Duration};
use warifu_ports::fax::{CardSheet, Fax, FaxError, FaxJob, FaxState, Known, Spool};
use zeroize::Zeroizing;

/// Where the server is, and as whom it is spoken with.
#[derive(Clone)]
pub struct HylafaxSettings {
    address: SocketAddr,
    /// The user name, for `etc/hosts.hfaxd`.
    pub user: String,
    /// The user's password, where the server wants one.
    pub password: Option<Zeroizing<String>>,
    /// The administrative password: without it pages stay in the spool until the server cleans it.
    pub admin_password: Option<Zeroizing<String>>,
    /// How long any one answer may take.
    pub patience: Duration,
    /// How often a page is tried before the server gives up.
    pub tries: u8,
    /// How often the server dials in all.
    pub dials: u8,
    /// How long the server tries, in minutes, up to a day.
    pub give_up_minutes: u16,
}

impl std::fmt::Debug for HylafaxSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HylafaxSettings").field("address", &self.address).finish_non_exhaustive()
    }
}

impl HylafaxSettings {
    /// A server on this machine: three tries, twelve dials, three hours.
    ///
    /// # Errors
    /// [`FaxError::Refused`] for an address elsewhere: card data would cross a network in clear.
    pub fn here(address: SocketAddr) -> Result<HylafaxSettings, FaxError> {
        match address.ip().is_loopback() {
            true => Ok(HylafaxSettings::over_private_line(address)),
            false => Err(FaxError::Refused { step: "leave this machine in clear", code: 0 }),
        }
    }

    /// A server at the end of a line that only the operator has (row C7).
    pub fn over_private_line(address: SocketAddr) -> HylafaxSettings {
        HylafaxSettings {
            address,
            user: "warifu".into(),
            password: None,
            admin_password: None,
            patience: Duration::from_secs(30),
            tries: 3,
            dials: 12,
            give_up_minutes: 180,
        }
    }
}

/// Faxes by a HylaFAX server.
#[derive(Debug)]
pub struct Hylafax {
    settings: HylafaxSettings,
    typeface: Typeface,
}

/// A job as [`FaxJob`] has it: the server's number of it, and its document in the spool.
struct Job {
    number: u32,
    document: String,
}

impl Job {
    fn read(job: &FaxJob) -> Option<Job> {
        let (number, document) = job.0.split_once(':')?;
        is_document(document).then_some(())?;
        Some(Job { number: number.parse().ok()?, document: document.to_owned() })
    }

    fn write(&self) -> FaxJob {
        FaxJob(format!("{}:{}", self.number, self.document))
    }
}

/// A document's name in the folder `docq`: `doc12.tif.17`.
fn is_document(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
    name.starts_with("doc") && name.len() < 64 && name.bytes().all(plain)
}

impl Hylafax {
    /// A gateway to a server, with the typeface that pages are drawn in.
    pub fn new(settings: HylafaxSettings, typeface: Typeface) -> Hylafax {
        Hylafax { settings, typeface }
    }

    async fn open(&self) -> Result<Session, FaxError> {
        let settings = &self.settings;
        let password = settings.password.as_ref();
        Session::open(settings.address, settings.patience, &settings.user, password).await
    }

    /// Makes a job of a page and submits it. What it has stored stands in `document`, also when it
    /// does not come to the end.
    async fn queue(
        &self,
        session: &mut Session,
        (id, to): (&str, &str),
        page: &[u8],
        document: &mut Option<String>,
    ) -> Result<Job, FaxError> {
        let settings = &self.settings;
        session.command("take a page", "FORM TIFF").await?;
        session.command("take a page", "TYPE I").await?;
        let made = session.command("make a job", "JNEW").await?;
        let number = made
            .text()
            .split_once("jobid: ")
            .and_then(|(_, rest)| rest.split([' ', '.']).next()?.parse().ok())
            .ok_or(FaxError::Refused { step: "number a job", code: made.code })?;
        let (hours, minutes) = (settings.give_up_minutes / 60, settings.give_up_minutes % 60);
        for parameter in [
            format!("JOBINFO {id}"),
            format!("FROMUSER {}", settings.user),
            format!("DIALSTRING {to}"),
            format!("EXTERNAL {to}"),
            format!("LASTTIME {:02}{:02}{minutes:02}", hours / 24, hours % 24),
            format!("MAXDIALS {}", settings.dials),
            format!("MAXTRIES {}", settings.tries),
            "VRES 98".into(),
            "PAGEWIDTH 215".into(),
            "PAGELENGTH 297".into(),
            "PAGECHOP none".into(),
            "USETAGLINE no".into(),
            // Notices go by mail; nothing of this job does.
            "NOTIFY none".into(),
        ] {
            session.command("set up a job", &format!("JPARM {parameter}")).await?;
        }
        // The page comes last: a session that is lost before it leaves nothing behind.
        let stored = session.store(page).await?;
        let added = session.command("add the page", &format!("JPARM DOCUMENT {stored}")).await?;
        let name = added.text().split(" as docq/").nth(1).map(|name| name.trim_end_matches('.'));
        let name = name.filter(|name| is_document(name));
        let name = name.ok_or(FaxError::Refused { step: "name the page", code: added.code })?;
        *document = Some(name.to_owned());
        session.command("submit the job", "JSUBM").await?;
        Ok(Job { number, document: name.to_owned() })
    }

    /// The job that has this id, if the server knows one.
    async fn job_of(&self, session: &mut Session, id: &str) -> Result<Option<Job>, FaxError> {
        session.command("list jobs", "JOBFMT \"%j %J\"").await?;
        for queue in ["sendq", "doneq"] {
            for line in session.list(&format!("LIST {queue}")).await? {
                let (number, tag) = line.trim().split_once(' ').unwrap_or_default();
                if let (true, Ok(number)) = (tag.trim() == id, number.parse()) {
                    return Ok(Some(self.job(session, number).await?));
                }
            }
        }
        Ok(None)
    }

    async fn job(&self, session: &mut Session, number: u32) -> Result<Job, FaxError> {
        session.command("find a job", &format!("JOB {number}")).await?;
        let documents = session.command("name the page", "JPARM DOCUMENT").await?;
        let name = documents.lines.iter().find_map(|line| line.split("docq/").nth(1));
        // A job that is over may have let go of its document.
        let document = name.filter(|name| is_document(name)).unwrap_or("doc").to_owned();
        Ok(Job { number, document })
    }

    /// Removes a document, and what the server made of it to send.
    async fn remove(&self, session: &mut Session, document: &str) -> Result<(), FaxError> {
        // `doc12.tif.17` is a link to `doc12.tif`; what is made of it has its name and a suffix.
        let base: Vec<&str> = document.split('.').take(2).collect();
        let base = base.join(".");
        if !base.contains('.') {
            return Ok(());
        }
        if let Some(password) = &self.settings.admin_password {
            let line = Zeroizing::new(format!("ADMIN {}", password.as_str()));
            session.command("give the rights to remove a page", &line).await?;
        }
        let of_this = |name: &str| {
            name.strip_prefix(base.as_str()).is_some_and(|rest| rest.starts_with(['.', ';']))
        };
        for name in session.list("NLST /docq").await? {
            let name = name.trim();
            if of_this(name) {
                session.command("remove the page", &format!("DELE /docq/{name}")).await?;
            }
        }
        // Deleted is what is no longer there, whatever the server said.
        match session.list("NLST /docq").await?.iter().any(|name| of_this(name.trim())) {
            true => Err(FaxError::Refused { step: "remove the page", code: 0 }),
            false => Ok(()),
        }
    }

    /// After a submission that broke off: the job may be there, or a page without a job.
    async fn tidy(&self, id: &str, document: &str) -> Result<Option<Job>, FaxError> {
        let mut session = self.open().await?;
        if let Some(job) = self.job_of(&mut session, id).await? {
            session.quit().await;
            return Ok(Some(job));
        }
        self.remove(&mut session, document).await?;
        session.quit().await;
        Ok(None)
    }
}

#[async_trait]
impl Fax for Hylafax {
    async fn submit(&self, id: &str, to: &str, sheet: &CardSheet) -> Result<FaxJob, FaxError> {
        check_id(id)?;
        check_number(to)?;
        let mut session = self.open().await?;
        if let Some(job) = self.job_of(&mut session, id).await? {
            session.quit().await;
            return Ok(job.write());
        }
        let page = Page::draw(&self.typeface, sheet)?.tiff();
        let mut document = None;
        let queued = self.queue(&mut session, (id, to), &page, &mut document).await;
        match (queued, document) {
            (Ok(job), _) => {
                session.quit().await;
                Ok(job.write())
            }
            (Err(error), Some(document)) => match self.tidy(id, &document).await {
                Ok(Some(job)) => Ok(job.write()),
                Ok(None) => Err(error),
                Err(_) => Err(FaxError::Unclear(error.to_string())),
            },
            (Err(error), None) => Err(error),
        }
    }

    async fn find(&self, id: &str) -> Result<Known, FaxError> {
        check_id(id)?;
        let mut session = self.open().await?;
        let found = self.job_of(&mut session, id).await?;
        session.quit().await;
        Ok(found.map_or(Known::Nothing, |job| Known::Job(job.write())))
    }

    async fn state(&self, job: &FaxJob) -> Result<FaxState, FaxError> {
        let Some(job) = Job::read(job) else { return Ok(FaxState::Unconfirmed) };
        let mut session = self.open().await?;
        let found = session.send(&format!("JOB {}", job.number)).await?;
        if found.code >= 500 {
            session.quit().await;
            return Ok(FaxState::Unconfirmed);
        }
        let mut answers = Vec::new();
        for parameter in ["STATE", "NPAGES", "TOTDIALS", "STATUS", "STATUSCODE"] {
            let reply = session.send(&format!("JPARM {parameter}")).await?;
            answers.push(if reply.code < 400 { reply.text().to_owned() } else { String::new() });
        }
        session.quit().await;
        let [state, pages, dials, status, code] = answers.as_slice() else {
            return Ok(FaxState::Unconfirmed);
        };
        Ok(read_state(state, pages, dials, status, code))
    }

    async fn clear(&self, job: &FaxJob) -> Result<Spool, FaxError> {
        let job = Job::read(job).ok_or(FaxError::Refused { step: "find the job", code: 0 })?;
        let mut session = self.open().await?;
        let number = job.number;
        if session.send(&format!("JOB {number}")).await?.code < 400 {
            let state = session.command("tell a job's state", "JPARM STATE").await?;
            if !matches!(state.text(), "DONE" | "FAILED") {
                return Err(FaxError::Refused { step: "clear a job that is not over", code: 0 });
            }
            self.remove(&mut session, &job.document).await?;
            session.command("delete the job", &format!("JDELE {number}")).await?;
        } else {
            self.remove(&mut session, &job.document).await?;
        }
        session.quit().await;
        Ok(Spool::Clear)
    }
}

/// What a job's parameters say. A call that broke off when the page was out and only its
/// confirmation was missing is unconfirmed, not failed: sent again, it may come twice.
pub fn read_state(state: &str, pages: &str, dials: &str, status: &str, code: &str) -> FaxState {
    let number = |text: &str| text.parse::<u32>().unwrap_or(0);
    match (state, number(pages)) {
        ("DONE", 0) => FaxState::Unconfirmed,
        ("DONE", pages) => FaxState::Sent { pages },
        ("FAILED", 1..) => FaxState::Unconfirmed,
        ("FAILED", 0) if ["EOP", "EOM", "MPS", "PPS"].iter().any(|word| status.contains(word)) => {
            FaxState::Unconfirmed
        }
        ("FAILED", 0) => FaxState::Failed {
            reason: format!("{code} {status}").trim().chars().take(200).collect(),
        },
        ("SLEEPING", _) if !status.is_empty() || number(dials) > 0 => FaxState::Busy,
        ("SUSPENDED" | "PENDING" | "SLEEPING" | "BLOCKED" | "READY" | "ACTIVE", _) => {
            FaxState::Waiting
        }
        _ => FaxState::Unconfirmed,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn states() {
        let waiting = FaxState::Waiting;
        assert_eq!(read_state("READY", "0", "0", "", "000"), waiting);
        assert_eq!(read_state("SLEEPING", "0", "0", "", "000"), waiting);
        let busy = "Busy signal detected";
        assert_eq!(read_state("SLEEPING", "0", "1", busy, "001"), FaxState::Busy);
        assert_eq!(read_state("DONE", "1", "1", "", "000"), FaxState::Sent { pages: 1 });
        let failed = read_state("FAILED", "0", "12", busy, "001");
        assert_eq!(failed, FaxState::Failed { reason: "001 Busy signal detected".into() });
        let silent = "No response to EOP repeated 3 times";
        for (state, pages, status) in
            [("FAILED", "0", silent), ("FAILED", "1", busy), ("DONE", "0", ""), ("?", "1", "")]
        {
            assert_eq!(read_state(state, pages, "1", status, ""), FaxState::Unconfirmed, "{state}");
        }
    }

    #[test]
    fn jobs_are_read_back() {
        let job = Job { number: 17, document: "doc12.tif.17".into() };
        let read = Job::read(&job.write()).unwrap();
        assert_eq!((read.number, read.document.as_str()), (17, "doc12.tif.17"));
        for bad in ["", "17", "x:doc1.tif.1", "17:../etc/passwd", "17:doc1\r\nQUIT", "17:q17"] {
            assert!(Job::read(&FaxJob(bad.into())).is_none(), "{bad}");
        }
    }

    #[test]
    fn card_data_in_clear_stays_on_this_machine() {
        assert!(HylafaxSettings::here("127.0.0.1:4559".parse().unwrap()).is_ok());
        assert!(HylafaxSettings::here("192.0.2.1:4559".parse().unwrap()).is_err());
    }
}
