//! The states of a delivery.

use warifu_protocol::{delivery::DeliveryState, status::State};

/// The state that a view shows.
pub fn shown(state: DeliveryState) -> State {
    match state {
        DeliveryState::Accepted => State::Dispatched,
        DeliveryState::Delivered => State::Delivered,
    }
}

/// The state of a delivery that was just taken on.
pub fn first(auto_deliver: bool) -> DeliveryState {
    if auto_deliver { DeliveryState::Delivered } else { DeliveryState::Accepted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states() {
        assert_eq!(shown(first(false)), State::Dispatched);
        assert_eq!(shown(first(true)), State::Delivered);
    }
}
