//! The states of an order at the broker, and what comes next in each.
//!
//! `placed → held → confirming → approved → passed → accepted → served → closed`; and at its end
//! `refused` (the registry says no), `expired` (nobody replied, or a service of the broker's was away),
//! `cancelled` (by the user, or because the provider was silent), `declined` (by the provider).

use serde::{Deserialize, Serialize};
use warifu_protocol::status;
use warifu_types::UnixTime;

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The user has ordered (step 23 of the document); the registry was not asked yet.
    Placed,
    /// The registry says yes (51); the confirmation is to be sent.
    Held,
    /// The confirmation is sent (43); the user's reply is awaited.
    Confirming,
    /// The user has approved (24); the provider is to have the order.
    Approved,
    /// The provider has the order, and the card is on its way (44).
    Passed,
    /// The provider has accepted it and the amount is held (31).
    Accepted,
    /// The provider has served (32).
    Served,
    /// The provider has billed the issuer, who pays it later (33): the last for the broker.
    Closed,
    /// The registry says no: nothing went out.
    Refused,
    /// Given up by the user, or void because the provider was silent.
    Cancelled,
    /// Nobody replied in time; or, before the confirmation, nobody could be asked.
    Expired,
    /// The provider declines, or cannot do it as it was ordered, or it is sold out.
    Declined,
}

impl State {
    /// The word in formats.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Placed => "placed",
            State::Held => "held",
            State::Confirming => "confirming",
            State::Approved => "approved",
            State::Passed => "passed",
            State::Accepted => "accepted",
            State::Served => "served",
            State::Closed => "closed",
            State::Refused => "refused",
            State::Cancelled => "cancelled",
            State::Expired => "expired",
            State::Declined => "declined",
        }
    }

    /// Whether nothing more happens.
    pub fn is_final(self) -> bool {
        use State::{Cancelled, Closed, Declined, Expired, Refused};
        matches!(self, Closed | Refused | Cancelled | Expired | Declined)
    }

    /// Whether it is at an end without service.
    pub fn is_without_service(self) -> bool {
        self.is_final() && self != State::Closed
    }

    /// Whether the user may still give the order up.
    pub fn may_cancel(self) -> bool {
        matches!(self, State::Placed | State::Held | State::Confirming)
    }
}

/// What of an order decides the next step.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Its state.
    pub state: State,
    /// Whether the registry has given a reference for it.
    pub reference: bool,
    /// Whether that was called back, or has done its service.
    pub released: bool,
    /// Whether it is sealed and kept.
    pub sealed: bool,
    /// Whether the provider has answered that it has it.
    pub received: bool,
    /// Until when a reply approves, or the provider has to answer.
    pub until: UnixTime,
    /// When the user is reminded, if that is still to be done.
    pub remind: Option<UnixTime>,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Ask the registry.
    Authenticate,
    /// Nothing by itself: a mail has to go out, or a reply to come.
    Wait,
    /// Remind the user.
    Remind,
    /// Nobody has replied, or the registry did not answer, in time.
    Expire,
    /// Make, sign and seal the order for the provider, and keep it.
    Seal,
    /// Send the sealed order.
    Send,
    /// Have the registry send the card.
    Dispatch,
    /// Ask the provider how far it is; once its time is over and it is away, the issuer.
    Ask,
    /// The provider is silent: call the card back, and end if that succeeds.
    Withdraw,
    /// At the end: call the card back, as far as it has not gone out.
    Release,
    /// Nothing: the order is at its end.
    Nothing,
}

/// What comes next.
pub fn next(facts: Facts, now: UnixTime) -> Next {
    let late = now > facts.until;
    match facts.state {
        State::Placed if late => Next::Expire,
        State::Placed => Next::Authenticate,
        State::Held | State::Confirming if late => Next::Expire,
        State::Confirming if facts.remind.is_some_and(|at| now >= at) => Next::Remind,
        State::Held | State::Confirming => Next::Wait,
        State::Approved | State::Passed if late && !facts.released => Next::Withdraw,
        State::Approved if !facts.sealed => Next::Seal,
        State::Approved if !facts.received => Next::Send,
        State::Approved => Next::Dispatch,
        State::Passed | State::Accepted | State::Served => Next::Ask,
        State::Closed => Next::Nothing,
        _ if facts.reference && !facts.released => Next::Release,
        _ => Next::Nothing,
    }
}

/// The states that the provider's signed word leads to, one after the other, from `state` on; the
/// reason is the provider's code.
pub fn after_status(state: State, heard: status::State, reason: Option<&str>) -> Vec<State> {
    use status::State as Word;
    let way: &[State] = match heard {
        Word::Ordered => &[],
        Word::Authorized | Word::Dispatched => &[State::Accepted],
        Word::Delivered => &[State::Accepted, State::Served],
        Word::Settled => &[State::Accepted, State::Served, State::Closed],
        Word::Refused if reason == Some(SILENT) => &[State::Cancelled],
        Word::Refused => &[State::Declined],
        Word::Cancelled => &[State::Cancelled],
    };
    if state.is_final() {
        return Vec::new();
    }
    way.iter().copied().filter(|next| *next > state).collect()
}

/// The provider's code for an order that nobody there accepted in time.
pub const SILENT: &str = "not_accepted";

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(state: State) -> Facts {
        let until = UnixTime(100);
        Facts {
            state,
            reference: true,
            released: false,
            sealed: false,
            received: false,
            until,
            remind: Some(UnixTime(50)),
        }
    }

    #[test]
    fn each_state_has_its_step() {
        use State::*;
        let at = |state, now| next(facts(state), UnixTime(now));
        assert_eq!((at(Placed, 1), at(Placed, 101)), (Next::Authenticate, Next::Expire));
        assert_eq!((at(Held, 60), at(Held, 101)), (Next::Wait, Next::Expire));
        assert_eq!((at(Confirming, 1), at(Confirming, 50)), (Next::Wait, Next::Remind));
        assert_eq!((at(Confirming, 100), at(Confirming, 101)), (Next::Remind, Next::Expire));
        assert_eq!((at(Approved, 1), at(Approved, 101)), (Next::Seal, Next::Withdraw));
        let sealed = Facts { sealed: true, ..facts(Approved) };
        assert_eq!(next(sealed, UnixTime(1)), Next::Send);
        assert_eq!(next(Facts { received: true, ..sealed }, UnixTime(1)), Next::Dispatch);
        assert_eq!((at(Passed, 1), at(Passed, 101)), (Next::Ask, Next::Withdraw));
        // What is out cannot be called back: provider and issuer are asked on and on.
        let out = Facts { released: true, ..facts(Passed) };
        assert_eq!(next(out, UnixTime(101)), Next::Ask);
        assert_eq!((at(Accepted, 101), at(Served, 101)), (Next::Ask, Next::Ask));
        for state in [Cancelled, Expired, Declined, Refused] {
            assert_eq!(at(state, 1), Next::Release);
            let nothing = Facts { reference: false, ..facts(state) };
            assert_eq!(next(nothing, UnixTime(1)), Next::Nothing);
        }
        assert_eq!(at(Closed, 1), Next::Nothing);
    }

    #[test]
    fn the_providers_word_leads_on_and_never_back() {
        use State::*;
        use status::State as Word;
        let after = |state, word| after_status(state, word, None);
        assert_eq!(after(Passed, Word::Settled), [Accepted, Served, Closed]);
        assert_eq!(after(Accepted, Word::Settled), [Served, Closed]);
        assert_eq!(after(Served, Word::Authorized), []);
        assert_eq!(after(Passed, Word::Ordered), []);
        assert_eq!(after(Passed, Word::Refused), [Declined]);
        assert_eq!(after_status(Passed, Word::Refused, Some(SILENT)), [Cancelled]);
        assert_eq!(after(Accepted, Word::Cancelled), [Cancelled]);
        for end in [Closed, Refused, Cancelled, Expired, Declined] {
            assert!(end.is_final() && after(end, Word::Settled).is_empty());
        }
    }
}
