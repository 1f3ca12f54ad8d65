//! A fax line in memory, for trials and the demonstration: what was sent can be read off at the
//! other end, as a provider does who types it in.

use super::number::{check_id, check_number};
use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use warifu_ports::fax::{CardSheet, Fax, FaxError, FaxJob, FaxState, Known, Spool};

/// What the line does with the pages that are handed over from now on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Line {
    /// They arrive at once.
    #[default]
    Good,
    /// The number is busy; they arrive when the line is good again.
    Busy,
    /// They do not arrive.
    Broken,
    /// They arrive, but nobody confirms it.
    Silent,
    /// The server itself does not answer.
    Down,
}

struct Job {
    to: String,
    line: Line,
    /// As the server keeps it; gone after `clear`.
    kept: Option<CardSheet>,
}

#[derive(Default)]
struct Inner {
    line: Line,
    jobs: BTreeMap<String, Job>,
    /// What lies in the machines at the other end, by number.
    received: BTreeMap<String, Vec<CardSheet>>,
}

/// A fax server and the machines of everyone whom it can call.
#[derive(Default)]
pub struct FaxWorld(Mutex<Inner>);

impl std::fmt::Debug for FaxWorld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaxWorld").field("jobs", &self.lock().jobs.len()).finish_non_exhaustive()
    }
}

impl FaxWorld {
    /// Good lines, and nothing sent.
    pub fn new() -> FaxWorld {
        FaxWorld::default()
    }

    /// What the line does from now on. When it is good, the pages for which it was busy arrive.
    pub fn set_line(&self, line: Line) {
        let inner = &mut *self.lock();
        inner.line = line;
        if line != Line::Good {
            return;
        }
        for job in inner.jobs.values_mut().filter(|job| job.line == Line::Busy) {
            job.line = Line::Good;
            let sheets = inner.received.entry(job.to.clone()).or_default();
            sheets.extend(job.kept.clone());
        }
    }

    /// Takes the sheets out of the machine of a number, in the order in which they arrived.
    pub fn take(&self, number: &str) -> Vec<CardSheet> {
        self.lock().received.remove(number).unwrap_or_default()
    }

    /// How many pages the server still keeps.
    pub fn kept(&self) -> usize {
        self.lock().jobs.values().filter(|job| job.kept.is_some()).count()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn up(&self) -> Result<MutexGuard<'_, Inner>, FaxError> {
        let inner = self.lock();
        match inner.line {
            Line::Down => Err(FaxError::Unreachable("down".into())),
            _ => Ok(inner),
        }
    }
}

#[async_trait]
impl Fax for FaxWorld {
    async fn submit(&self, id: &str, to: &str, sheet: &CardSheet) -> Result<FaxJob, FaxError> {
        check_id(id)?;
        check_number(to)?;
        let inner = &mut *self.up()?;
        if !inner.jobs.contains_key(id) {
            let line = inner.line;
            if matches!(line, Line::Good | Line::Silent) {
                inner.received.entry(to.to_owned()).or_default().push(sheet.clone());
            }
            let job = Job { to: to.to_owned(), line, kept: Some(sheet.clone()) };
            inner.jobs.insert(id.to_owned(), job);
        }
        Ok(FaxJob(id.to_owned()))
    }

    async fn find(&self, id: &str) -> Result<Known, FaxError> {
        Ok(match self.up()?.jobs.contains_key(id) {
            true => Known::Job(FaxJob(id.to_owned())),
            false => Known::Nothing,
        })
    }

    async fn state(&self, job: &FaxJob) -> Result<FaxState, FaxError> {
        Ok(match self.up()?.jobs.get(&job.0).map(|job| job.line) {
            Some(Line::Good) => FaxState::Sent { pages: 1 },
            Some(Line::Busy) => FaxState::Busy,
            Some(Line::Broken) => FaxState::Failed { reason: "no carrier".into() },
            Some(Line::Silent | Line::Down) | None => FaxState::Unconfirmed,
        })
    }

    async fn clear(&self, job: &FaxJob) -> Result<Spool, FaxError> {
        let mut inner = self.up()?;
        match inner.jobs.get_mut(&job.0) {
            Some(job) if job.line == Line::Busy => {
                Err(FaxError::Refused { step: "clear a job that is not over", code: 0 })
            }
            Some(job) => {
                job.kept = None;
                Ok(Spool::Clear)
            }
            None => Ok(Spool::Clear),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use warifu_types::UnixTime;

    fn sheet(number: &str) -> CardSheet {
        CardSheet {
            number: number.into(),
            provider: "Ryokan".into(),
            holder_name: "HANAKO YAMADA".to_owned().into(),
            card_number: "4111111111111111".to_owned().into(),
            card_expiry: "2028-12".to_owned().into(),
            written: UnixTime(0),
        }
    }

    #[tokio::test]
    async fn a_page_arrives_once_and_is_read_off() {
        let world = FaxWorld::new();
        let job = world.submit("a", "5551234", &sheet("A-1")).await.unwrap();
        assert_eq!(world.submit("a", "5551234", &sheet("A-1")).await.unwrap(), job);
        assert_eq!(world.find("a").await, Ok(Known::Job(job.clone())));
        assert_eq!(world.find("b").await, Ok(Known::Nothing));
        assert_eq!(world.state(&job).await, Ok(FaxState::Sent { pages: 1 }));
        let read = world.take("5551234");
        assert_eq!((read.len(), read[0].number.as_str()), (1, "A-1"));
        assert_eq!(read[0].card_number.as_str(), "4111111111111111");
        assert_eq!(world.kept(), 1);
        world.clear(&job).await.unwrap();
        assert_eq!((world.kept(), world.take("5551234").len()), (0, 0));
    }

    #[tokio::test]
    async fn a_line_has_its_faults() {
        let world = FaxWorld::new();
        world.set_line(Line::Busy);
        let busy = world.submit("busy", "5551234", &sheet("B")).await.unwrap();
        assert_eq!(world.state(&busy).await, Ok(FaxState::Busy));
        assert!(world.clear(&busy).await.is_err());
        world.set_line(Line::Broken);
        let broken = world.submit("broken", "5551234", &sheet("C")).await.unwrap();
        assert!(matches!(world.state(&broken).await, Ok(FaxState::Failed { .. })));
        world.set_line(Line::Silent);
        let silent = world.submit("silent", "5551234", &sheet("D")).await.unwrap();
        assert_eq!(world.state(&silent).await, Ok(FaxState::Unconfirmed));
        world.set_line(Line::Down);
        assert!(matches!(world.state(&silent).await, Err(FaxError::Unreachable(_))));
        world.set_line(Line::Good);
        assert_eq!(world.state(&busy).await, Ok(FaxState::Sent { pages: 1 }));
        let numbers: Vec<_> = world.take("5551234").iter().map(|s| s.number.clone()).collect();
        assert_eq!(numbers, ["D", "B"]);
        assert_eq!(world.submit("x", "12", &sheet("E")).await, Err(FaxError::BadNumber));
        assert_eq!(world.submit("x y", "123", &sheet("E")).await, Err(FaxError::BadId));
    }
}
