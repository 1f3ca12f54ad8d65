//! How a broker is set up.

use crate::rules::forwarded::Proxies;
use warifu_wire::Problem;

/// The settings of a broker.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The local part of reply addresses: `confirm` in `confirm+TOKEN@mail_domain`.
    pub mailbox: String,
    /// The domain of reply addresses.
    pub mail_domain: String,
    /// Where the pages are, without a slash at the end, for the links in mails.
    pub pages: String,
    /// How long a reply approves, in seconds.
    pub reply_time: u64,
    /// After how many seconds the user is reminded; 0 for never.
    pub remind_after: u64,
    /// How long the provider has to answer after the approval, in seconds. Longer than its own time
    /// to accept, so that its own word comes first.
    pub provider_time: u64,
    /// How often a user is asked again after a reply that was not understood.
    pub ask_again: u32,
    /// How long a login lasts, in seconds.
    pub session_time: u64,
    /// The web servers before the broker, whose word on who calls is believed.
    pub proxies: Proxies,
    /// Argon2id: memory in KiB and passes. Less than the usual is for tests alone.
    pub password_cost: (u32, u32),
}

impl Settings {
    /// The usual settings: a day to reply with a reminder after half of it, two days for the
    /// provider, logins of an hour; passwords as RFC 9106's second choice has it, with one lane.
    pub fn new(mail_domain: &str, pages: &str) -> Settings {
        Settings {
            mailbox: "confirm".to_string(),
            mail_domain: mail_domain.to_string(),
            pages: pages.trim_end_matches('/').to_string(),
            reply_time: 86_400,
            remind_after: 43_200,
            provider_time: 2 * 86_400,
            ask_again: 3,
            session_time: 3_600,
            proxies: Proxies::default(),
            password_cost: (64 * 1024, 3),
        }
    }

    /// Refuses settings under which no order could go through; the problem names the setting.
    pub fn check(&self) -> Result<(), Problem> {
        let bad = |field, title| Err(Problem::bad_value(field, title));
        let plain = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
        };
        if !plain(&self.mailbox) {
            return bad("mailbox", "the local part of a mail address, without a +");
        }
        if !plain(&self.mail_domain) {
            return bad("mail_domain", "a domain");
        }
        if !self.pages.starts_with("http://") && !self.pages.starts_with("https://") {
            return bad("pages", "an http or https address");
        }
        if self.reply_time < 60 || self.remind_after >= self.reply_time {
            return bad("reply_time", "at least a minute, and longer than remind_after");
        }
        if self.provider_time < 60 {
            return bad("provider_time", "at least a minute");
        }
        Ok(())
    }
}
