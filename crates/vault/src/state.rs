//! What is remembered in clear beside a vault: wrong passwords in a row, and the newest state seen.
//!
//! Both serve the honest terminal. Who copies the vault, or may write in its folder, is stopped by
//! neither.

use crate::{
    error::{Result, VaultError},
    file::{self, Lock, Place},
    header::Header,
};
use serde::{Deserialize, Serialize};
use warifu_types::{Nonce, UnixTime};

const ENDING: &str = "state";

/// After how many wrong passwords the terminal waits, and how long. Nothing is ever destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockOut {
    /// Wrong passwords in a row, of A or of B, before the first wait.
    pub tries: u32,
    /// The first wait, in seconds; it doubles with each further wrong password.
    pub first: u64,
    /// The longest wait, in seconds.
    pub longest: u64,
}

impl Default for LockOut {
    /// Ten tries, then half a minute, a minute, and so on up to an hour.
    fn default() -> LockOut {
        LockOut { tries: 10, first: 30, longest: 3600 }
    }
}

impl LockOut {
    /// How long after so many wrong passwords, in seconds.
    fn wait(self, wrong: u32) -> u64 {
        match wrong.checked_sub(self.tries) {
            None => 0,
            Some(further) => {
                let doubled = 1u64.checked_shl(further).unwrap_or(u64::MAX);
                self.first.saturating_mul(doubled).min(self.longest)
            }
        }
    }
}

/// The vault in the file is not the newest that this terminal knows of: a backup was restored, or
/// the file was put there by hand. **Telegrams that wait in it may have been sent already**: the
/// center is asked by their ids before they are sent, and shares or cards may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// The file's generation when it was opened.
    pub generation: u64,
    /// The newest generation known, if any is.
    pub newest: Option<u64>,
}

/// Which password is tried.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which {
    A,
    B,
}

/// Tries of one password.
#[derive(Default, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tries {
    wrong: u32,
    last: u64,
}

/// The file beside the vault. One that is absent or damaged stands for "nothing is known".
#[derive(Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    vault: Option<Nonce>,
    newest: u64,
    restored: bool,
    a: Tries,
    b: Tries,
}

impl State {
    pub(crate) fn load(place: &Place, _held: &Lock) -> State {
        let bytes = file::read(&place.beside(ENDING)).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    pub(crate) fn save(&self, place: &Place, held: &Lock) -> Result<()> {
        place.replace_beside(held, ENDING, &warifu_protocol::encode::to_json(self))
    }

    fn tries(&mut self, which: Which) -> &mut Tries {
        match which {
            Which::A => &mut self.a,
            Which::B => &mut self.b,
        }
    }

    /// Lets a try through and counts it as wrong, or says until when to wait. It is counted before
    /// the password is looked at, so that ending the program does not undo it.
    pub(crate) fn admit(&mut self, which: Which, now: UnixTime, rule: LockOut) -> Result<()> {
        let tries = self.tries(which);
        // A clock that was set back must not lock anyone out for years.
        tries.last = tries.last.min(now.0);
        let until = UnixTime(tries.last).plus(rule.wait(tries.wrong));
        if now < until {
            return Err(VaultError::Wait { until });
        }
        *tries = Tries { wrong: tries.wrong.saturating_add(1), last: now.0 };
        Ok(())
    }

    /// The password was right.
    pub(crate) fn forgive(&mut self, which: Which) {
        *self.tries(which) = Tries::default();
    }

    /// Looks at what was opened; an older state than the newest stays marked until it is accepted.
    pub(crate) fn meet(&mut self, header: &Header) -> Option<Restored> {
        let newest = self.newest_of(header);
        if newest.is_none_or(|newest| header.generation < newest) {
            self.restored = true;
        }
        self.restored.then_some(Restored { generation: header.generation, newest })
    }

    /// A backup is about to be put in place of what was there.
    pub(crate) fn restore(&mut self, replaced: Option<&Header>, backup: &Header) {
        if let Some(replaced) = replaced.filter(|replaced| replaced.vault == backup.vault) {
            self.wrote(replaced);
        }
        let newest = self.newest_of(backup).unwrap_or_default().max(backup.generation);
        (self.vault, self.newest, self.restored) = (Some(backup.vault), newest, true);
    }

    /// The owner knows that the vault is an older one.
    pub(crate) fn accept(&mut self) {
        self.restored = false;
    }

    /// What follows an older state still counts on from the newest, so that no two states of one
    /// vault have one number.
    pub(crate) fn next_generation(&self, header: &Header) -> u64 {
        self.newest_of(header).unwrap_or_default().max(header.generation).saturating_add(1)
    }

    /// The vault was written.
    pub(crate) fn wrote(&mut self, header: &Header) {
        let newest = self.newest_of(header).unwrap_or_default().max(header.generation);
        (self.vault, self.newest) = (Some(header.vault), newest);
    }

    fn newest_of(&self, header: &Header) -> Option<u64> {
        (self.vault == Some(header.vault)).then_some(self.newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest() {
        let rule = LockOut::default();
        let waits: Vec<u64> = (8..20).map(|wrong| rule.wait(wrong)).collect();
        assert_eq!(waits, [0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
        assert_eq!(rule.wait(u32::MAX), 3600);
    }

    #[test]
    fn a_clock_set_back_waits_once_and_no_longer() {
        let rule = LockOut { tries: 1, first: 30, longest: 30 };
        let mut state = State::default();
        state.admit(Which::A, UnixTime(1_000_000), rule).unwrap();
        let refused = state.admit(Which::A, UnixTime(100), rule);
        assert!(matches!(refused, Err(VaultError::Wait { until: UnixTime(130) })));
        state.admit(Which::A, UnixTime(130), rule).unwrap();
    }
}
