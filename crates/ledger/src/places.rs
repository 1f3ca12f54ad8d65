//! Where a transfer lies in a list that grows.

use crate::{IdMap, StoredTransfer, TransferId};

/// Finds transfers of a list by id. While ids grow along the list, nothing is kept for it; the map
/// is made when an id is asked for that may be in it.
#[derive(Debug, Clone, Default)]
pub struct Places {
    highest: Option<TransferId>,
    noted: usize,
    map: IdMap<TransferId, usize>,
    mapped: usize,
}

impl Places {
    /// The place of `id` in `list`, which only grows at its end between calls of this.
    pub fn find(&mut self, list: &[StoredTransfer], id: TransferId) -> Option<usize> {
        for stored in &list[self.noted..] {
            self.highest = self.highest.max(Some(stored.transfer.id));
        }
        self.noted = list.len();
        if Some(id) > self.highest {
            return None;
        }
        for (place, stored) in list.iter().enumerate().skip(self.mapped) {
            self.map.insert(stored.transfer.id, place);
        }
        self.mapped = list.len();
        self.map.get(&id).copied()
    }

    /// To be called before the end of `list` is cut off at `length`.
    pub fn truncate(&mut self, list: &[StoredTransfer], length: usize) {
        for stored in list[..self.mapped].iter().skip(length) {
            self.map.remove(&stored.transfer.id);
        }
        self.mapped = self.mapped.min(length);
        self.noted = self.noted.min(length);
    }

    /// To be called when the list is emptied.
    pub fn clear(&mut self) {
        self.map.clear();
        (self.highest, self.noted, self.mapped) = (None, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountId, Transfer};
    use warifu_types::{Currency, Money};

    fn stored(id: u128) -> StoredTransfer {
        let yen = Money::new(1, Currency::JPY).unwrap();
        let transfer = Transfer::plain(TransferId(id), AccountId(1), AccountId(2), yen);
        StoredTransfer { transfer, previous_debit: None, previous_credit: None }
    }

    #[test]
    fn growing_ids_need_no_map() {
        let (mut places, mut list) = (Places::default(), Vec::new());
        for id in 0..9 {
            assert_eq!(places.find(&list, TransferId(id)), None);
            list.push(stored(id));
        }
        assert!(places.map.is_empty());
        assert_eq!(places.find(&list, TransferId(4)), Some(4));
    }

    #[test]
    fn what_is_cut_off_is_not_found() {
        let (mut places, mut list) = (Places::default(), Vec::new());
        for id in [5, 1, 9] {
            list.push(stored(id));
        }
        assert_eq!(places.find(&list, TransferId(9)), Some(2));
        list.push(stored(3));
        places.truncate(&list, 1);
        list.truncate(1);
        for id in [1, 3, 9] {
            assert_eq!(places.find(&list, TransferId(id)), None);
        }
        list.push(stored(3));
        assert_eq!(places.find(&list, TransferId(3)), Some(1));
        assert_eq!(places.find(&list, TransferId(5)), Some(0));
        places.clear();
        assert_eq!(places.find(&[], TransferId(5)), None);
    }
}
