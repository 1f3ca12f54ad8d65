//! Use in real time, counted by the merchant's clock (row B10).

use super::handing::CLAIM_MARGIN;
use serde::{Deserialize, Serialize};
use warifu_types::{Money, UnixTime};

/// After this many whole ticks without a word from the holder, the use is over.
pub const SILENT_TICKS: u64 = 2;

/// What the use costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tariff {
    /// The length of a tick in seconds.
    pub tick_seconds: u32,
    /// The most ticks that are paid for: the held amount is their price.
    pub most: u32,
    /// The price of one tick.
    pub price: Money,
}

/// How far the use has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// When it began.
    pub started: UnixTime,
    /// When the holder last kept it up.
    pub heard: UnixTime,
    /// Whether the holder has stopped.
    pub stopped: bool,
    /// The ticks that the authorizer knows of.
    pub told: u32,
}

/// Why the use does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoUse {
    /// It is over.
    Over,
    /// The holder counts otherwise than the merchant.
    WrongTick,
}

impl Tariff {
    /// The ticks begun at a time, from 1, whether they are paid for or not.
    fn begun(&self, used: &Use, at: UnixTime) -> u64 {
        at.0.saturating_sub(used.started.0) / u64::from(self.tick_seconds.max(1)) + 1
    }

    /// The ticks that the holder owes: up to when it last kept the use up.
    pub fn ticks(&self, used: &Use) -> u32 {
        let begun = self.begun(used, used.heard);
        u32::try_from(begun).unwrap_or(u32::MAX).min(self.most)
    }

    /// What the holder owes. None cannot be: the price of the most ticks is an amount.
    pub fn amount(&self, used: &Use) -> Option<Money> {
        self.price.times(u64::from(self.ticks(used))).ok()
    }

    /// Whether the use is over: stopped, silent, all used up, or the hold near its end.
    pub fn is_over(&self, used: &Use, hold_until: UnixTime, now: UnixTime) -> bool {
        let running = self.begun(used, now);
        used.stopped
            || running > u64::from(self.most)
            || running > self.begun(used, used.heard) + SILENT_TICKS
            || now.plus(CLAIM_MARGIN) >= hold_until
    }

    /// The use after the holder has asked to play tick `tick`; none before is the beginning. The
    /// two may count apart by one, since a tick may turn while the question travels.
    pub fn play(
        &self,
        used: Option<Use>,
        tick: u32,
        hold_until: UnixTime,
        now: UnixTime,
    ) -> Result<Use, NoUse> {
        let used = used.unwrap_or(Use { started: now, heard: now, stopped: false, told: 0 });
        if self.is_over(&used, hold_until, now) {
            return Err(NoUse::Over);
        }
        if tick == 0 || u64::from(tick).abs_diff(self.begun(&used, now)) > 1 {
            return Err(NoUse::WrongTick);
        }
        Ok(Use { heard: used.heard.max(now), ..used })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use warifu_types::Currency;

    const UNTIL: UnixTime = UnixTime(1_000_000);

    fn tariff() -> Tariff {
        Tariff { tick_seconds: 60, most: 5, price: Money::new(10, Currency::JPY).unwrap() }
    }

    fn play(used: Option<Use>, tick: u32, now: u64) -> Result<Use, NoUse> {
        tariff().play(used, tick, UNTIL, UnixTime(now))
    }

    #[test]
    fn each_tick_begun_is_owed() {
        let mut used = play(None, 1, 1_000).unwrap();
        let mut owed = vec![tariff().ticks(&used)];
        for (tick, now) in [(1, 1_059), (2, 1_060), (2, 1_119), (4, 1_180), (5, 1_299)] {
            used = play(Some(used), tick, now).unwrap();
            owed.push(tariff().ticks(&used));
        }
        assert_eq!(owed, [1, 1, 2, 2, 4, 5]);
        assert_eq!(tariff().amount(&used).unwrap().minor(), 50);
        assert_eq!(play(Some(used), 6, 1_300), Err(NoUse::Over), "all are used up");
    }

    #[test]
    fn silence_ends_it_and_is_not_owed() {
        let used = play(None, 1, 1_000).unwrap();
        let over = |now| tariff().is_over(&used, UNTIL, UnixTime(now));
        assert!(!over(1_179), "two ticks were missed, the third not yet");
        assert!(over(1_180));
        assert_eq!(tariff().ticks(&used), 1);
        let used = Use { stopped: true, ..used };
        assert_eq!(play(Some(used), 1, 1_001), Err(NoUse::Over));
    }

    #[test]
    fn the_two_count_alike() {
        assert_eq!(play(None, 0, 1_000), Err(NoUse::WrongTick));
        assert_eq!(play(None, 3, 1_000), Err(NoUse::WrongTick));
        let used = play(None, 1, 1_000).unwrap();
        for (tick, good) in [(0, false), (1, true), (2, true), (3, true), (4, false)] {
            assert_eq!(play(Some(used), tick, 1_070).is_ok(), good, "{tick}");
        }
        let back = play(Some(used), 1, 900).unwrap();
        assert_eq!(back.heard, used.heard, "a clock that was set back owes no less");
    }

    #[test]
    fn no_use_that_the_hold_does_not_cover() {
        let late = UNTIL.minus(CLAIM_MARGIN);
        assert_eq!(tariff().play(None, 1, UNTIL, late), Err(NoUse::Over));
    }
}
