//! What a reader remembers of mails that were not taken.

use std::collections::HashMap;

/// The failures of each mail, by UID, as long as the mailbox keeps its UIDs.
#[derive(Debug, Default)]
pub(super) struct Memory {
    validity: Option<u32>,
    taken: u64,
    failures: HashMap<u32, Failure>,
}

#[derive(Debug)]
struct Failure {
    times: u32,
    /// How many others had been taken when this one failed first.
    taken_before: u64,
}

impl Memory {
    /// A mailbox was opened: UIDs mean the same mails only under the same validity.
    pub(super) fn opened(&mut self, validity: Option<u32>) {
        if self.validity != validity {
            self.failures.clear();
            self.validity = validity;
        }
    }

    pub(super) fn taken(&mut self, uid: u32) {
        self.taken += 1;
        self.failures.remove(&uid);
    }

    /// Notes a failure; `true` if the fault is the mail's: it has failed often enough while others
    /// were taken. Where none is taken the role is at fault, and the mail stays.
    pub(super) fn failed(&mut self, uid: u32, attempts: u32) -> bool {
        let fresh = Failure { times: 0, taken_before: self.taken };
        let failure = self.failures.entry(uid).or_insert(fresh);
        failure.times = failure.times.saturating_add(1);
        failure.times >= attempts && self.taken > failure.taken_before
    }

    pub(super) fn gone(&mut self, uid: u32) {
        self.failures.remove(&uid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_given_up_only_while_others_are_taken() {
        let mut memory = Memory::default();
        for _ in 0..50 {
            assert!(!memory.failed(7, 3), "the role takes nothing at all");
        }
        memory.taken(8);
        assert!(memory.failed(7, 3));
        memory.gone(7);
        assert!(!memory.failed(7, 3));
        memory.taken(9);
        assert!(!memory.failed(7, 3));
        memory.opened(Some(2));
        assert!(!memory.failed(7, 3), "another mailbox, another mail");
    }
}
