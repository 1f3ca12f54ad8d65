//! The points of parties that were met before.

use crate::Points;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use warifu_types::Identifier;

/// More parties than a holder orders from in an epoch; a service remembers keys instead.
const MOST: usize = 1024;

/// Remembers the points of peers of one network, which are public and cost four hashes. The keys
/// at these points are not kept here.
#[derive(Default)]
pub(crate) struct Met {
    peers: Mutex<HashMap<Identifier, (u32, Points)>>,
}

impl Met {
    /// [`Points::of`] this peer, hashed the first time.
    pub fn points(&self, network: &str, epoch: u32, peer: &Identifier) -> Points {
        // Whoever panicked elsewhere left whole entries or none.
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, points)) = peers.get(peer).filter(|(hashed, _)| *hashed == epoch) {
            return *points;
        }
        if peers.len() >= MOST {
            peers.clear();
        }
        let points = Points::of(network, epoch, peer);
        peers.insert(peer.clone(), (epoch, points));
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_what_would_be_hashed() {
        let met = Met::default();
        for n in 0..2 * MOST + 3 {
            let peer = Identifier::parse(&format!("mail:peer{}@example.jp", n % (MOST + 1)));
            let (peer, epoch) = (peer.unwrap(), (n % 3) as u32);
            for _ in 0..2 {
                assert_eq!(met.points("town", epoch, &peer), Points::of("town", epoch, &peer));
            }
            assert!(met.peers.lock().unwrap().len() <= MOST);
        }
    }
}
