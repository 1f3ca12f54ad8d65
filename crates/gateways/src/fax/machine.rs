//! The simulator's telephone line between processes: what is sent goes over a connection on this
//! machine to a fax machine, from which a provider reads it off. For trials and the demonstration.

use super::number::{check_id, check_number};
use async_trait::async_trait;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use warifu_ports::fax::{CardSheet, Fax, FaxError, FaxJob, FaxState, Known, Spool};
use warifu_types::UnixTime;
use zeroize::Zeroizing;

/// A page is shorter, in bytes.
const MOST: u64 = 4096;
/// Between the fields of a page as it travels; in none of them.
const BETWEEN: char = '\u{1f}';
/// What the machine says when a page has come out.
const CONFIRMED: &[u8] = b"page";
const PATIENCE: Duration = Duration::from_secs(10);

/// A line to one machine, which takes the pages for every number.
#[derive(Debug)]
pub struct MachineLine(SocketAddr);

impl MachineLine {
    /// # Errors
    /// [`FaxError::Refused`] for a machine elsewhere: card data would cross a network in clear.
    pub fn to(machine: SocketAddr) -> Result<MachineLine, FaxError> {
        match machine.ip().is_loopback() {
            true => Ok(MachineLine(machine)),
            false => Err(FaxError::Refused { step: "leave this machine in clear", code: 0 }),
        }
    }

    /// Whether the machine has printed the page, or the one of this id.
    async fn ask(&self, text: &str) -> Result<bool, FaxError> {
        let unreachable = |_| FaxError::Unreachable("nobody answers".to_owned());
        let line = TcpStream::connect(self.0).await.map_err(unreachable)?;
        match tokio::time::timeout(PATIENCE, said(line, text)).await {
            Ok(Ok(said)) => Ok(said == CONFIRMED),
            Ok(Err(_)) => Err(FaxError::Unclear("the line went down".to_owned())),
            Err(_) => Err(FaxError::Unclear("time-out".to_owned())),
        }
    }
}

async fn said(mut line: TcpStream, text: &str) -> std::io::Result<Vec<u8>> {
    line.write_all(text.as_bytes()).await?;
    line.shutdown().await?;
    let mut said = Vec::new();
    line.take(MOST).read_to_end(&mut said).await?;
    Ok(said)
}

#[async_trait]
impl Fax for MachineLine {
    async fn submit(&self, id: &str, to: &str, sheet: &CardSheet) -> Result<FaxJob, FaxError> {
        check_id(id)?;
        check_number(to)?;
        match self.ask(&write(id, sheet)).await? {
            true => Ok(FaxJob(id.to_owned())),
            false => Err(FaxError::Unclear("the machine has not confirmed the page".to_owned())),
        }
    }

    async fn find(&self, id: &str) -> Result<Known, FaxError> {
        check_id(id)?;
        Ok(match self.ask(id).await? {
            true => Known::Job(FaxJob(id.to_owned())),
            false => Known::Nothing,
        })
    }

    /// What was handed over has come out at the other end.
    async fn state(&self, _: &FaxJob) -> Result<FaxState, FaxError> {
        Ok(FaxState::Sent { pages: 1 })
    }

    /// The line keeps nothing.
    async fn clear(&self, _: &FaxJob) -> Result<Spool, FaxError> {
        Ok(Spool::Clear)
    }
}

fn write(id: &str, sheet: &CardSheet) -> Zeroizing<String> {
    let CardSheet { number, provider, written, .. } = sheet;
    let written = written.0.to_string();
    let (name, card, expiry) = (&sheet.holder_name, &sheet.card_number, &sheet.card_expiry);
    let fields = [id, number, provider, name.as_str(), card.as_str(), expiry.as_str(), &written];
    Zeroizing::new(fields.join(&BETWEEN.to_string()))
}

fn read(page: &str) -> Option<(String, CardSheet)> {
    let fields: Vec<&str> = page.split(BETWEEN).collect();
    let [id, number, provider, name, card, expiry, written] = fields.as_slice() else {
        return None;
    };
    let secret = |text: &str| Zeroizing::new(text.to_owned());
    let sheet = CardSheet {
        number: (*number).to_owned(),
        provider: (*provider).to_owned(),
        holder_name: secret(name),
        card_number: secret(card),
        card_expiry: secret(expiry),
        written: UnixTime(written.parse().ok()?),
    };
    Some(((*id).to_owned(), sheet))
}

/// A provider's fax machine. It is off when it is dropped.
#[derive(Debug)]
pub struct FaxMachine {
    address: SocketAddr,
    tray: Arc<Mutex<Vec<(String, CardSheet)>>>,
    task: JoinHandle<()>,
}

impl FaxMachine {
    /// A machine on a free port of this machine.
    ///
    /// # Errors
    /// What the system says.
    pub async fn start() -> std::io::Result<FaxMachine> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let tray = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(print(listener, tray.clone()));
        Ok(FaxMachine { address, tray, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes the page with this order number out of the tray, if it has come.
    pub fn take(&self, number: &str) -> Option<CardSheet> {
        let mut tray = self.tray.lock().unwrap_or_else(PoisonError::into_inner);
        let place = tray.iter().position(|(_, sheet)| sheet.number == number)?;
        Some(tray.remove(place).1)
    }
}

impl Drop for FaxMachine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Prints what comes; the same page again is confirmed and not printed twice. An id alone asks whether
/// its page was printed.
async fn print(listener: TcpListener, tray: Arc<Mutex<Vec<(String, CardSheet)>>>) {
    let mut printed = std::collections::BTreeSet::new();
    while let Ok((mut line, _)) = listener.accept().await {
        let mut page = Zeroizing::new(Vec::with_capacity(MOST as usize));
        let reading = async { (&mut line).take(MOST).read_to_end(&mut page).await };
        if !matches!(tokio::time::timeout(PATIENCE, reading).await, Ok(Ok(_))) {
            continue;
        }
        let Ok(text) = std::str::from_utf8(&page) else { continue };
        if printed.contains(text) {
            let _ = line.write_all(CONFIRMED).await;
        }
        let Some((id, sheet)) = read(text) else { continue };
        if printed.insert(id.clone()) {
            tray.lock().unwrap_or_else(PoisonError::into_inner).push((id, sheet));
        }
        let _ = line.write_all(CONFIRMED).await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn a_page_comes_out_once_and_is_taken_once() {
        let machine = FaxMachine::start().await.unwrap();
        let line = MachineLine::to(machine.address()).unwrap();
        let sheet = CardSheet {
            number: "4M7-Q2".into(),
            provider: "旅館".into(),
            holder_name: "山田 花子".to_owned().into(),
            card_number: "4111111111111111".to_owned().into(),
            card_expiry: "2028-12".to_owned().into(),
            written: UnixTime(7),
        };
        assert_eq!(line.find("a").await, Ok(Known::Nothing));
        let job = line.submit("a", "+81925551234", &sheet).await.unwrap();
        assert_eq!(line.find("a").await, Ok(Known::Job(job.clone())));
        assert_eq!(line.submit("a", "+81925551234", &sheet).await.unwrap(), job);
        assert_eq!(line.state(&job).await, Ok(FaxState::Sent { pages: 1 }));
        assert!(machine.take("another").is_none());
        let read = machine.take("4M7-Q2").unwrap();
        assert_eq!((read.provider.as_str(), read.holder_name.as_str()), ("旅館", "山田 花子"));
        assert_eq!(read.card_number, sheet.card_number);
        assert!(machine.take("4M7-Q2").is_none());
        let address = machine.address();
        drop(machine);
        tokio::task::yield_now().await;
        assert!(MachineLine::to("192.0.2.1:9".parse().unwrap()).is_err());
        // The line is dead once the machine is off.
        for _ in 0..100 {
            if MachineLine(address).submit("b", "+81925551234", &sheet).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("a machine that is off prints");
    }
}
