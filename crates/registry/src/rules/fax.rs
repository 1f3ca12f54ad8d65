//! What a fax server's word means for a sheet.

use warifu_ports::fax::{FaxError, FaxState};
use warifu_wire::private_line::SheetState;

/// What to do with a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Nothing has changed: ask again later.
    Wait,
    /// It is in this state now.
    Now(SheetState),
    /// The other side has confirmed so many pages.
    Sent(u32),
    /// This attempt is over, for this reason: hand it over anew.
    Again(String),
    /// It will not go out by itself.
    Failed(String),
}

/// After the server's word on a job in `state`, the `attempt`th of `attempts`.
pub fn after_state(state: SheetState, heard: &FaxState, attempt: u32, attempts: u32) -> Turn {
    match heard {
        FaxState::Waiting if state == SheetState::HandedOver => Turn::Wait,
        FaxState::Waiting => Turn::Now(SheetState::HandedOver),
        FaxState::Busy if state == SheetState::Busy => Turn::Wait,
        FaxState::Busy => Turn::Now(SheetState::Busy),
        // A job that was sent without a confirmed page is none that the provider surely has.
        FaxState::Sent { pages: 0 } | FaxState::Unconfirmed => Turn::Now(SheetState::Unconfirmed),
        FaxState::Sent { pages } => Turn::Sent(*pages),
        FaxState::Failed { reason } if attempt < attempts => Turn::Again(short(reason)),
        FaxState::Failed { reason } => Turn::Failed(short(reason)),
    }
}

/// After the server has not taken a job: wait for what may pass, give up on what will not.
pub fn after_error(error: &FaxError) -> Turn {
    match error {
        FaxError::Unreachable(_) => Turn::Wait,
        // 4yz passes (RFC 959).
        FaxError::Refused { code: 400..=499, .. } => Turn::Wait,
        FaxError::Refused { code, .. } => Turn::Failed(format!("refused_{code}")),
        FaxError::BadNumber => Turn::Failed("bad_number".to_string()),
        FaxError::Page(_) => Turn::Failed("page".to_string()),
        _ => Turn::Wait,
    }
}

/// A server's reason is a code or a word; no long text is kept, and no digits in a row that could be
/// a card.
fn short(reason: &str) -> String {
    let plain: String = reason.chars().filter(|c| !c.is_control()).take(60).collect();
    let mut run = 0;
    let digits = |c: char| {
        run = if c.is_ascii_digit() { run + 1 } else { 0 };
        run >= 8
    };
    if plain.chars().any(digits) { "failed".to_string() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_server() {
        use SheetState::{Busy, HandedOver, Unconfirmed};
        let failed = FaxState::Failed { reason: "no carrier".into() };
        for (state, heard, attempt, turn) in [
            (HandedOver, FaxState::Waiting, 1, Turn::Wait),
            (HandedOver, FaxState::Busy, 1, Turn::Now(Busy)),
            (Busy, FaxState::Busy, 1, Turn::Wait),
            (Busy, FaxState::Waiting, 1, Turn::Now(HandedOver)),
            (Busy, FaxState::Sent { pages: 1 }, 1, Turn::Sent(1)),
            (Busy, FaxState::Sent { pages: 0 }, 1, Turn::Now(Unconfirmed)),
            (Busy, FaxState::Unconfirmed, 1, Turn::Now(Unconfirmed)),
            (Busy, failed.clone(), 1, Turn::Again("no carrier".into())),
            (Busy, failed, 3, Turn::Failed("no carrier".into())),
        ] {
            assert_eq!(after_state(state, &heard, attempt, 3), turn, "{heard:?}");
        }
        let reason = FaxState::Failed { reason: "page 4111111111111111".into() };
        assert_eq!(after_state(Busy, &reason, 3, 3), Turn::Failed("failed".into()));
        assert_eq!(after_error(&FaxError::Refused { step: "x", code: 550 }), {
            Turn::Failed("refused_550".into())
        });
        assert_eq!(after_error(&FaxError::Refused { step: "x", code: 450 }), Turn::Wait);
    }
}
