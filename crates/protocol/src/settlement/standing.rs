//! What may become of an authorization: captured once, or released once.

use super::Action;
use warifu_types::UnixTime;

/// Where an authorization stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether anything was held at all.
    pub held: bool,
    /// What the front has had done.
    pub done: Option<Action>,
    /// Whether the hold was released because its time was over.
    pub released: bool,
    /// Until when the hold stands.
    pub expires: UnixTime,
}

/// What to do on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Move the money, then answer.
    Move,
    /// The money is where it should be; only the answer is missing.
    Acknowledge,
    /// Give the stored answer again.
    Repeat,
    /// The other of the two was done.
    Conflict,
    /// The hold's time is over.
    Expired,
    /// There is nothing to settle: a refusal, or a badge.
    NothingHeld,
}

/// The step from a standing on a request.
pub fn step(standing: Standing, action: Action, now: UnixTime) -> Step {
    match (standing, action) {
        (Standing { held: false, .. }, _) => Step::NothingHeld,
        (Standing { done: Some(done), .. }, _) if done == action => Step::Repeat,
        (Standing { done: Some(_), .. }, _) => Step::Conflict,
        (Standing { released: true, .. }, Action::Void) => Step::Acknowledge,
        (Standing { released: true, .. }, Action::Capture) => Step::Expired,
        (Standing { expires, .. }, Action::Capture) if expires <= now => Step::Expired,
        _ => Step::Move,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::{Capture, Void};

    #[test]
    fn every_standing_has_its_step() {
        let open = Standing { held: true, done: None, released: false, expires: UnixTime(100) };
        let captured = Standing { done: Some(Capture), ..open };
        let voided = Standing { done: Some(Void), ..open };
        let released = Standing { released: true, ..open };
        let nothing = Standing { held: false, ..open };
        for (standing, action, now, expected) in [
            (open, Capture, 99, Step::Move),
            (open, Capture, 100, Step::Expired),
            (open, Void, 99, Step::Move),
            (open, Void, 100, Step::Move),
            (captured, Capture, 200, Step::Repeat),
            (captured, Void, 99, Step::Conflict),
            (voided, Void, 200, Step::Repeat),
            (voided, Capture, 99, Step::Conflict),
            (released, Void, 200, Step::Acknowledge),
            (released, Capture, 99, Step::Expired),
            (nothing, Capture, 99, Step::NothingHeld),
            (nothing, Void, 99, Step::NothingHeld),
        ] {
            assert_eq!(step(standing, action, UnixTime(now)), expected, "{standing:?} {action:?}");
        }
    }
}
