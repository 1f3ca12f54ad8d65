//! One order is worked on by one at a time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::OwnedMutexGuard;
use warifu_types::OrderId;

type Turn = Arc<tokio::sync::Mutex<()>>;

/// Who waits for which order.
#[derive(Default)]
pub struct Turns {
    waiting: Mutex<HashMap<OrderId, Turn>>,
}

impl Turns {
    /// Waits until nobody else works on the order. The turn ends when the guard is dropped.
    pub async fn take(&self, order: OrderId) -> OwnedMutexGuard<()> {
        let turn = {
            let mut waiting = self.lock();
            // Whoever holds or awaits a turn has a reference of its own.
            waiting.retain(|_, turn| Arc::strong_count(turn) > 1);
            waiting.entry(order).or_default().clone()
        };
        turn.lock_owned().await
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OrderId, Turn>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_at_a_time_and_nothing_is_kept() {
        let turns = Turns::default();
        let first = turns.take(OrderId([1; 32])).await;
        let other = turns.take(OrderId([2; 32])).await;
        let waits = tokio::time::timeout(
            std::time::Duration::from_millis(20),
            turns.take(OrderId([1; 32])),
        );
        assert!(waits.await.is_err());
        drop((first, other));
        let _again = turns.take(OrderId([1; 32])).await;
        assert_eq!(turns.lock().len(), 1);
    }
}
