//! What the taps have recorded.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The way that bytes went through a tap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the one who connected to the service behind the tap.
    ToService,
    /// From the service behind the tap to the one who connected.
    FromService,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Direction::ToService => "to service",
            Direction::FromService => "from service",
        })
    }
}

/// All bytes of one direction of one connection, joined: neither a segment's nor a read's boundary
/// can split a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The tap's label and the connection's number at this tap: `merchant#1`.
    pub label: String,
    /// The way that the bytes went.
    pub direction: Direction,
    /// The bytes, in the order in which they came.
    pub bytes: Vec<u8>,
}

/// A store of recorded bytes that any number of taps share: a clone is the same recording.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    entries: Arc<Mutex<Vec<Entry>>>,
}

/// Where one connection's bytes go in a recording.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot(usize);

impl Recording {
    /// An empty recording.
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy of what was recorded until now: two entries for each connection, one for each
    /// direction, in the order of connecting.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// The number of bytes recorded until now.
    pub fn len(&self) -> usize {
        self.lock().iter().map(|entry| entry.bytes.len()).sum()
    }

    /// Whether no byte was recorded: a test that expects traffic asks this first.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn open(&self, label: &str) -> Slot {
        let mut entries = self.lock();
        let first = entries.len();
        for direction in [Direction::ToService, Direction::FromService] {
            entries.push(Entry { label: label.to_string(), direction, bytes: Vec::new() });
        }
        Slot(first)
    }

    pub(crate) fn add(&self, slot: Slot, direction: Direction, bytes: &[u8]) {
        let index = slot.0 + usize::from(direction == Direction::FromService);
        self.lock()[index].bytes.extend_from_slice(bytes);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        // A test that panicked elsewhere leaves the bytes as they are: they can still be read.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
