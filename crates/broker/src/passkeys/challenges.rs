//! Challenges: each for one purpose, one browser, five minutes and one answer, good or bad.
//!
//! A ticket is `END.RANDOM`; its challenge is a keyed hash of the purpose and the ticket. Nobody can tell
//! the challenge of a ticket that the broker did not hand out, and nobody can move its end. What is
//! kept is the challenges that were answered, until their time is over anyway.

use super::records::SPENT;
use crate::{broker::Broker, rules::token};
use warifu_ports::Unit;
use warifu_types::UnixTime;
use warifu_wire::Problem;
use zeroize::Zeroizing;

/// How long a challenge can be answered, in seconds.
pub(crate) const LIFETIME: u64 = 300;
/// Spent challenges that one answer sweeps away at most.
const SWEPT: usize = 100;

/// What a challenge is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A new passkey of this member.
    Enrol(String),
    /// Somebody comes in.
    Enter,
}

impl Purpose {
    /// The challenge of a ticket: 32 bytes in unpadded base64url.
    pub fn challenge(&self, unit: &mut dyn Unit, ticket: &str) -> String {
        let text = match self {
            Purpose::Enrol(member) => Zeroizing::new(format!("enrol {member} {ticket}")),
            Purpose::Enter => Zeroizing::new(format!("enter {ticket}")),
        };
        unit.keyed_hash("broker passkey challenge", text.as_bytes())
    }
}

impl Broker {
    /// A fresh ticket.
    pub(super) fn ticket(&self) -> Zeroizing<String> {
        let end = self.party.now().plus(LIFETIME);
        Zeroizing::new(format!("{}.{}", end.0, self.fresh_token().as_str()))
    }

    /// Spends a ticket: returns the challenge that this answer has to answer, and no other will.
    pub(super) async fn spend(&self, ticket: &str, purpose: Purpose) -> Result<String, Problem> {
        let now = self.party.now();
        let title = "the page was open for too long, or this was sent before; try again";
        let over = || Problem::new(409, "challenge_over", title, Some("challenge"));
        let end = end(ticket, now).ok_or_else(over)?;
        let ticket = Zeroizing::new(ticket.to_string());
        let work = move |unit: &mut dyn Unit| {
            sweep(unit, now)?;
            let challenge = purpose.challenge(unit, &ticket);
            // Padded, so that the order of keys is the order of time.
            let fresh = SPENT.insert(unit, &format!("{:020} {challenge}", end.0), &true)?;
            Ok::<_, Problem>(fresh.then_some(challenge))
        };
        self.store.run(work).await?.ok_or_else(over)
    }
}

/// The end of a ticket's time, if that is still to come and no further off than it can be.
fn end(ticket: &str, now: UnixTime) -> Option<UnixTime> {
    let (end, random) = ticket.split_once('.')?;
    let end = UnixTime(end.parse().ok()?);
    (random.len() == token::LENGTH && end >= now && end <= now.plus(LIFETIME)).then_some(end)
}

/// Forgets challenges whose time is over.
fn sweep(unit: &mut dyn Unit, now: UnixTime) -> Result<(), Problem> {
    let now = format!("{:020}", now.0);
    for (key, _) in SPENT.scan(unit, "", SWEPT)? {
        if key >= now {
            break;
        }
        SPENT.delete(unit, &key)?;
    }
    Ok(())
}
