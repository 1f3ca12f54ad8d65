//! How a terminal keeps a use in real time up: which tick it asks for, when, and how long it is worth
//! asking (row B10). Times are counted from the beginning of the use.

use std::time::Duration;

/// The merchant ends a use after two whole ticks without a word: at the latest three ticks after the
/// last one.
const LIVES: u32 = 3;

/// The pace of a use.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    tick: Duration,
    /// The merchant's last count, and when it came.
    counted: Option<(u32, Duration)>,
}

impl Pace {
    /// A use with ticks of so many seconds, of which the merchant has not heard.
    pub fn new(tick_seconds: u32) -> Pace {
        Pace { tick: Duration::from_secs(u64::from(tick_seconds.max(1))), counted: None }
    }

    /// How long one question may take.
    pub fn tick_length(&self) -> Duration {
        self.tick
    }

    /// The tick to ask for. It goes by the merchant's count. Before there is one, a word may have
    /// arrived whose answer was lost; the second tick then is at most one off, as is allowed.
    pub fn tick(&self, now: Duration) -> u32 {
        let passed = |since: Duration| {
            let ticks = now.saturating_sub(since).as_millis() / self.tick.as_millis().max(1);
            u32::try_from(ticks).unwrap_or(u32::MAX)
        };
        match self.counted {
            Some((counted, at)) => counted.saturating_add(passed(at)),
            None => 1 + passed(Duration::ZERO).min(1),
        }
    }

    /// Takes the merchant's count.
    pub fn counted(&mut self, tick: u32, now: Duration) {
        self.counted = Some((tick, now));
    }

    /// How long to wait for the next word: a tick after an answer, and less after none.
    pub fn pause(&self, answered: bool) -> Duration {
        match answered {
            true => self.tick,
            false => (self.tick / 4).min(Duration::from_secs(1)),
        }
    }

    /// Whether the use may still go on at the merchant, as far as can be known here.
    pub fn may_live(&self, now: Duration) -> bool {
        let last = self.counted.map_or(Duration::ZERO, |(_, at)| at);
        now.saturating_sub(last) < self.tick * LIVES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tenths: u64) -> Duration {
        Duration::from_millis(tenths * 100)
    }

    #[test]
    fn the_merchants_count_goes_on() {
        let mut pace = Pace::new(1);
        assert_eq!([0, 9, 10, 29].map(|tenths| pace.tick(at(tenths))), [1, 1, 2, 2]);
        pace.counted(4, at(30));
        assert_eq!([30, 39, 40, 65].map(|tenths| pace.tick(at(tenths))), [4, 4, 5, 7]);
        assert_eq!(pace.tick(at(0)), 4, "a clock that was set back");
    }

    #[test]
    fn it_is_asked_as_long_as_the_use_may_live() {
        let mut pace = Pace::new(1);
        assert!(pace.may_live(at(29)) && !pace.may_live(at(30)));
        pace.counted(2, at(15));
        assert!(pace.may_live(at(44)) && !pace.may_live(at(45)));
        assert_eq!((pace.pause(true), pace.pause(false)), (at(10), Duration::from_millis(250)));
        assert_eq!(Pace::new(60).pause(false), at(10));
    }
}
