//! What becomes of a sheet that the broker calls back, because its order is dead.

use warifu_wire::private_line::SheetState;

/// How a sheet is called back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recall {
    /// Nothing has gone out, and nothing will.
    Void,
    /// Something was begun: only the fax server can tell whether it has the page.
    AskServer,
    /// It may be out.
    Out,
}

/// How a sheet in `state` is called back; `started` says that something may have gone out.
pub fn recall(state: SheetState, started: bool, by_fax: bool) -> Recall {
    match state {
        SheetState::Void => Recall::Void,
        SheetState::Queued if !started => Recall::Void,
        SheetState::Queued if by_fax => Recall::AskServer,
        _ => Recall::Out,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_not_begun_is_void_at_once() {
        use SheetState::*;
        assert_eq!(recall(Queued, false, true), Recall::Void);
        assert_eq!(recall(Queued, false, false), Recall::Void);
        assert_eq!(recall(Queued, true, true), Recall::AskServer);
        // An operator has it before the eyes, or the provider's line has been posted to.
        assert_eq!(recall(Queued, true, false), Recall::Out);
        for state in [HandedOver, Busy, Sent, Failed, Unconfirmed, ReadOut, Cleared] {
            assert_eq!(recall(state, true, true), Recall::Out);
        }
    }
}
