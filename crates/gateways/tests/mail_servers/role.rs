//! A role that takes mail, or does not.

use async_trait::async_trait;
use std::{
    sync::Mutex,
    time::{Duration, Instant},
};
use warifu_ports::mail::{IncomingMail, MailError, MailIn};

/// How long anything may take, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

type Hook = Box<dyn Fn(usize) + Send>;

#[derive(Default)]
struct State {
    mails: Vec<IncomingMail>,
    refuses: bool,
    refused_subject: Option<String>,
    refusals: usize,
    hook: Option<Hook>,
}

#[derive(Default)]
pub struct Role {
    state: Mutex<State>,
}

impl Role {
    pub fn refuse(&self, refuses: bool) {
        self.state.lock().unwrap().refuses = refuses;
    }

    pub fn refuse_subject(&self, subject: &str) {
        self.state.lock().unwrap().refused_subject = Some(subject.to_string());
    }

    /// Calls this when a mail was taken, with the number of those before it.
    pub fn when_taken(&self, hook: impl Fn(usize) + Send + 'static) {
        self.state.lock().unwrap().hook = Some(Box::new(hook));
    }

    pub fn mails(&self) -> Vec<IncomingMail> {
        self.state.lock().unwrap().mails.clone()
    }

    pub async fn wait_for(&self, count: usize) {
        eventually(|| self.state.lock().unwrap().mails.len() >= count, "mails").await;
    }

    pub async fn wait_for_refusals(&self, count: usize) {
        eventually(|| self.state.lock().unwrap().refusals >= count, "refusals").await;
    }
}

#[async_trait]
impl MailIn for Role {
    async fn receive(&self, mail: IncomingMail) -> Result<(), MailError> {
        let mut state = self.state.lock().unwrap();
        if state.refuses || state.refused_subject.as_ref() == Some(&mail.subject) {
            state.refusals += 1;
            return Err(MailError::NotTaken);
        }
        let before = state.mails.len();
        state.mails.push(mail);
        if let Some(hook) = &state.hook {
            hook(before);
        }
        Ok(())
    }
}

pub async fn eventually(is_so: impl Fn() -> bool, what: &str) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
