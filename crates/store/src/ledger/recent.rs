//! Which ids are surely new, without a look-up.

use warifu_ledger::{IdSet, TransferId};

/// So many ids are kept before the older half is given up.
const MOST: usize = 1 << 18;

/// Every stored transfer above a floor. Ids grow with time, so a new transfer is nearly always
/// above the floor and not among these: it cannot be stored, and no page is read to find that out.
pub(crate) struct Recent {
    /// Ids up to this one may be stored; `None` below everything.
    floor: Option<TransferId>,
    /// The stored ids above the floor that came in order, and those that did not.
    in_order: Vec<TransferId>,
    others: IdSet<TransferId>,
}

impl Recent {
    /// `highest` is the highest id that is stored.
    pub(crate) fn new(highest: Option<TransferId>) -> Recent {
        Recent { floor: highest, in_order: Vec::new(), others: IdSet::default() }
    }

    /// `false` only if no transfer of this id is stored.
    pub(crate) fn may_have(&self, id: TransferId) -> bool {
        if Some(id) > self.highest() {
            return false;
        }
        Some(id) <= self.floor
            || self.others.contains(&id)
            || self.in_order.binary_search(&id).is_ok()
    }

    /// Notes what has been stored.
    pub(crate) fn extend(&mut self, stored: impl Iterator<Item = TransferId>) {
        for id in stored {
            if Some(id) > self.highest() {
                self.in_order.push(id);
            } else if Some(id) > self.floor {
                self.others.insert(id);
            }
        }
        if self.in_order.len() + self.others.len() > MOST {
            self.raise_floor();
        }
    }

    fn highest(&self) -> Option<TransferId> {
        self.in_order.last().copied().or(self.floor)
    }

    fn raise_floor(&mut self) {
        let mut ids: Vec<TransferId> = self.in_order.iter().chain(&self.others).copied().collect();
        let (_, floor, _) = ids.select_nth_unstable(MOST / 2);
        let floor = *floor;
        // The highest stays, whatever the floor: it is the last of those in order.
        self.in_order.retain(|id| *id > floor);
        self.others.retain(|id| *id > floor);
        self.floor = Some(floor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_denies_what_is_stored() {
        let mut recent = Recent::new(Some(TransferId(1000)));
        assert!(recent.may_have(TransferId(1)) && recent.may_have(TransferId(1000)));
        assert!(!recent.may_have(TransferId(1001)));
        // More than are kept, in an order that jumps about.
        let count = MOST as u128 * 2;
        let id = |n: u128| TransferId(1001 + n * 7919 % (3 * count));
        for n in (0..count).step_by(1000) {
            recent.extend((n..count.min(n + 1000)).map(id));
        }
        assert!((0..count).all(|n| recent.may_have(id(n))));
        assert!(recent.in_order.len() + recent.others.len() <= MOST);
        assert!(recent.floor > Some(TransferId(1000)));
        assert!(!recent.may_have(TransferId(1001 + 3 * count)));
    }

    #[test]
    fn empty_ledger_has_nothing() {
        let mut recent = Recent::new(None);
        assert!(!recent.may_have(TransferId(0)));
        recent.extend([TransferId(0), TransferId(5)].into_iter());
        assert!(recent.may_have(TransferId(0)) && recent.may_have(TransferId(5)));
        assert!(!recent.may_have(TransferId(3)));
    }
}
