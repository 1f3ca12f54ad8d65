//! The center is not asked at every pass whether an order is paid: it says so by itself (row B9).

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use warifu_types::{OrderId, UnixTime};

/// The longest time between two questions, in seconds.
const LONGEST: u64 = 60;

/// When to ask again, and after how many seconds the time after that.
type Wait = (UnixTime, u64);

/// The orders whose payment is waited for. A merchant that begins anew asks at once.
#[derive(Default)]
pub struct Waits {
    orders: Mutex<HashMap<OrderId, Wait>>,
}

impl Waits {
    /// Whether it is too early to ask.
    pub fn is_early(&self, order: &OrderId, now: UnixTime) -> bool {
        self.lock().get(order).is_some_and(|(next, _)| now < *next)
    }

    /// Puts the next question off: a second at first, then twice as long each time.
    pub fn put_off(&self, order: OrderId, now: UnixTime) {
        let mut orders = self.lock();
        // Orders that have gone on are asked about no more.
        orders.retain(|_, (next, _)| next.plus(2 * LONGEST) > now);
        let pause = orders.get(&order).map_or(1, |(_, pause)| *pause);
        orders.insert(order, (now.plus(pause), (2 * pause).min(LONGEST)));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OrderId, Wait>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asked_less_and_less_often() {
        let waits = Waits::default();
        let order = OrderId([1; 32]);
        let (mut now, mut asked) = (UnixTime(1_000), vec![]);
        while asked.len() < 10 {
            if !waits.is_early(&order, now) {
                asked.push(now.0 - 1_000);
                waits.put_off(order, now);
            }
            now = now.plus(1);
        }
        assert_eq!(asked, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
        assert!(!waits.is_early(&OrderId([2; 32]), now));
        waits.put_off(OrderId([2; 32]), now.plus(500));
        assert_eq!(waits.lock().len(), 1, "the first is forgotten");
    }
}
