//! The states of a delivery, and which requests are the same.

use warifu_protocol::{delivery::DeliveryState, status::State};
use warifu_types::{Digest, Identifier};
use warifu_wire::Problem;

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

/// Refuses another order under a known id, and another merchant's.
pub fn same(
    known: (&Digest, &Identifier),
    identity: &Digest,
    merchant: &Identifier,
) -> Result<(), Problem> {
    if known == (identity, merchant) { Ok(()) } else { Err(Problem::conflict("order.jti")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_order_for_one_id() {
        let shop = Identifier::parse("domain:shop.example").unwrap();
        let other = Identifier::parse("domain:other.example").unwrap();
        let (a, b) = (Digest([1; 32]), Digest([2; 32]));
        assert_eq!(same((&a, &shop), &a, &shop), Ok(()));
        assert_eq!(same((&a, &shop), &b, &shop), Err(Problem::conflict("order.jti")));
        assert_eq!(same((&a, &shop), &a, &other), Err(Problem::conflict("order.jti")));
    }

    #[test]
    fn states() {
        assert_eq!(shown(first(false)), State::Dispatched);
        assert_eq!(shown(first(true)), State::Delivered);
    }
}
