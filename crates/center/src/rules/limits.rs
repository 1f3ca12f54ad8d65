//! How much a card and a member may have (row B7).

use warifu_types::Money;

/// The limits in one currency, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What a card may hold.
    pub card: Money,
    /// What all of a member's cards may hold together.
    pub member: Money,
}

/// What a member has already, in the currency of the top-up, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holding {
    /// On the card that is to be loaded.
    pub card: u64,
    /// On all cards, this one included.
    pub all: u64,
    /// Asked for on this card, and not issued yet.
    pub card_asked: u64,
    /// Asked for on any card, and not issued yet.
    pub asked: u64,
}

/// Refuses a top-up beyond the limits; none of them in its currency means that the center does not
/// offer it. The refusal is a stable code.
pub fn check(limits: &[Limit], amount: Money, has: Holding) -> Result<(), &'static str> {
    let limit = limits.iter().find(|limit| limit.card.currency() == amount.currency());
    let limit = limit.ok_or("currency_not_served")?;
    let sum = |parts: [u64; 3]| parts.iter().try_fold(0u64, |sum, part| sum.checked_add(*part));
    if amount.minor() == 0 {
        return Err("amount_is_zero");
    }
    if sum([has.card, has.card_asked, amount.minor()]).is_none_or(|s| s > limit.card.minor()) {
        return Err("card_limit_exceeded");
    }
    if sum([has.all, has.asked, amount.minor()]).is_none_or(|s| s > limit.member.minor()) {
        return Err("member_limit_exceeded");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use warifu_types::Currency;

    #[test]
    fn limits_count_what_was_asked_for_too() {
        let yen = |minor| Money::new(minor, Currency::JPY).unwrap();
        let limits = [Limit { card: yen(50), member: yen(100) }];
        let has = |card, all, card_asked, asked| Holding { card, all, card_asked, asked };
        let of = |amount, has| check(&limits, amount, has);
        assert_eq!(of(yen(50), has(0, 50, 0, 0)), Ok(()));
        assert_eq!(of(yen(0), has(0, 0, 0, 0)), Err("amount_is_zero"));
        assert_eq!(of(yen(51), has(0, 0, 0, 0)), Err("card_limit_exceeded"));
        assert_eq!(of(yen(31), has(10, 10, 10, 10)), Err("card_limit_exceeded"));
        assert_eq!(of(yen(30), has(0, 50, 0, 21)), Err("member_limit_exceeded"));
        assert_eq!(of(yen(1), has(u64::MAX, 0, 0, 0)), Err("card_limit_exceeded"));
        let euro = Money::new(1, Currency::EUR).unwrap();
        assert_eq!(of(euro, has(0, 0, 0, 0)), Err("currency_not_served"));
    }
}
