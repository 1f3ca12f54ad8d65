//! The states of an order at its front, and what comes next in each.
//!
//! `ordered → authorized | refused → dispatched → delivered → settled`, and `cancelled` between
//! authorization and dispatch. Without a carrier the front hands over itself, and captures next; at
//! a door, delivered means that it has opened, and nothing comes after. Files are delivered with the
//! holder's receipt, or some time after the last byte; use in real time, when it is over.

use serde::{Deserialize, Serialize};
use warifu_protocol::{
    authorization::Decision, delivery::DeliveryState, goods::Kind, status::State,
};

/// What of the form decides an order's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// Whether a carrier delivers.
    pub carrier: bool,
    /// Whether the front is a door: nothing is paid.
    pub door: bool,
    /// How the goods come to the holder.
    #[serde(default)]
    pub kind: Kind,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Ask the authorizer.
    Authorize,
    /// Ask the authorizer to let the hold go.
    Void,
    /// Ask the carrier to deliver.
    Deliver,
    /// Ask the carrier how far it is.
    AskDelivery,
    /// Hand the goods over, or open the door: nobody is asked.
    HandOver,
    /// Wait until a broker's order is accepted and has its card, for a time.
    AwaitProvider,
    /// Wait until the provider of a broker's order says that it has served.
    AwaitService,
    /// Wait for the holder's receipt of its files, for a time.
    AwaitReceipt,
    /// Follow the use in real time: tell the authorizer how far it has come, until it is over.
    Meter,
    /// Ask the authorizer to pay.
    Capture,
    /// Nothing: the order is at its end.
    Nothing,
}

/// What comes next.
pub fn next(way: Way, state: State, cancelling: bool) -> Next {
    match state {
        State::Ordered => Next::Authorize,
        // Refused, and the center has taken the money all the same.
        State::Authorized | State::Refused if cancelling => Next::Void,
        State::Authorized => match way.kind {
            Kind::Download => Next::AwaitReceipt,
            Kind::Metered => Next::Meter,
            Kind::Later if way.carrier => Next::Deliver,
            Kind::Later => Next::HandOver,
        },
        State::Dispatched => Next::AskDelivery,
        State::Delivered if way.door => Next::Nothing,
        State::Delivered => Next::Capture,
        State::Refused | State::Settled | State::Cancelled => Next::Nothing,
    }
}

/// The state after the authorizer's answer.
pub fn after_authorization(decision: Decision) -> State {
    match decision {
        Decision::Authorized => State::Authorized,
        Decision::Refused => State::Refused,
    }
}

/// The state after the carrier's answer.
pub fn after_delivery(delivery: DeliveryState) -> State {
    match delivery {
        DeliveryState::Accepted => State::Dispatched,
        DeliveryState::Delivered => State::Delivered,
    }
}

/// Whether the operator may still give the order up.
pub fn may_cancel(state: State) -> bool {
    state == State::Authorized
}

/// Whether what the order has taken from the stock goes back.
pub fn gives_back(state: State) -> bool {
    matches!(state, State::Refused | State::Cancelled)
}

/// Whether further parties are told of the order in this state: only after a good authorization.
pub fn is_noticed(state: State) -> bool {
    !matches!(state, State::Ordered | State::Refused | State::Cancelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: Way = Way { carrier: true, door: false, kind: Kind::Later };

    /// The states that an order passes when every answer is good.
    fn path(way: Way) -> Vec<State> {
        let mut states = vec![State::Ordered];
        while let Some(state) = states.last().copied() {
            states.push(match next(way, state, false) {
                Next::Authorize => after_authorization(Decision::Authorized),
                Next::Deliver => after_delivery(DeliveryState::Accepted),
                Next::AskDelivery => after_delivery(DeliveryState::Delivered),
                Next::HandOver | Next::AwaitReceipt | Next::Meter => State::Delivered,
                Next::Capture => State::Settled,
                Next::Void => State::Cancelled,
                Next::AwaitProvider | Next::AwaitService | Next::Nothing => break,
            });
        }
        states
    }

    #[test]
    fn three_ways() {
        use State::*;
        let all = [Ordered, Authorized, Dispatched, Delivered, Settled];
        assert_eq!(path(SHOP), all);
        let no_carrier = Way { carrier: false, ..SHOP };
        for kind in [Kind::Later, Kind::Download, Kind::Metered] {
            let way = Way { kind, ..no_carrier };
            assert_eq!(path(way), [Ordered, Authorized, Delivered, Settled], "{kind}");
        }
        assert_eq!(path(Way { door: true, ..no_carrier }), [Ordered, Authorized, Delivered]);
        assert_eq!(
            next(Way { kind: Kind::Download, ..SHOP }, Authorized, false),
            Next::AwaitReceipt
        );
        assert_eq!(next(Way { kind: Kind::Metered, ..SHOP }, Authorized, false), Next::Meter);
    }

    #[test]
    fn given_up_only_between_authorization_and_dispatch() {
        use State::*;
        for state in [Ordered, Authorized, Refused, Dispatched, Delivered, Settled, Cancelled] {
            assert_eq!(may_cancel(state), state == Authorized, "{state}");
            let voids = next(SHOP, state, true) == Next::Void;
            assert_eq!(voids, [Authorized, Refused].contains(&state), "{state}");
            if gives_back(state) {
                assert_eq!(next(SHOP, state, false), Next::Nothing, "{state}");
                assert!(!is_noticed(state), "{state}");
            }
        }
        assert!(!is_noticed(Ordered));
    }
}
