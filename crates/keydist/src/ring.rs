//! All keys of one party, from their three sources.

use crate::{CenterEpoch, KeyError, Matrix, PairKey, Route, Share, met::Met};
use std::{collections::BTreeMap, fmt};
use warifu_types::{Identifier, OrderId};

/// All key sources of one party in one network: shares, keys agreed beforehand, and keys that the
/// center handed out for one trade (rows A2 to A4). Which of them counts is the network's and the
/// protocol's choice: the three have methods of their own and never stand in for one another.
pub struct KeyRing {
    network: String,
    owner: Identifier,
    shares: BTreeMap<Matrix, Vec<Share>>,
    // Boxed, so that a map that moves its entries leaves no copies of keys behind.
    agreed: BTreeMap<Identifier, Box<PairKey>>,
    handed_out: BTreeMap<OrderId, BTreeMap<Identifier, Box<PairKey>>>,
    dropped: u64,
    met: Met,
}

impl KeyRing {
    /// An empty ring.
    pub fn new(network: &str, owner: Identifier) -> KeyRing {
        KeyRing {
            network: network.to_string(),
            owner,
            shares: BTreeMap::new(),
            agreed: BTreeMap::new(),
            handed_out: BTreeMap::new(),
            dropped: 0,
            met: Met::default(),
        }
    }

    /// The network's name.
    pub fn network(&self) -> &str {
        &self.network
    }

    /// Whose keys these are.
    pub fn owner(&self) -> &Identifier {
        &self.owner
    }

    /// Adds a share of the ring's owner in the ring's network. The same share again changes
    /// nothing; a different one in its place, or one on the other side of the same matrix, is
    /// refused.
    pub fn insert(&mut self, share: Share) -> Result<(), KeyError> {
        if share.network() != self.network {
            return Err(KeyError::WrongNetwork);
        }
        if *share.owner() != self.owner {
            return Err(KeyError::WrongOwner);
        }
        let matrix = share.matrix();
        let held = self.shares.entry(matrix).or_default();
        if held.iter().any(|other| other.side() != share.side()) {
            return Err(KeyError::OtherSide { matrix });
        }
        let same_place = held
            .iter()
            .find(|other| other.center == share.center && other.further == share.further);
        match same_place {
            None => held.push(share),
            Some(other) if other.coefficients.same(&share.coefficients) => {}
            Some(_) => return Err(KeyError::DifferentShare { matrix }),
        }
        Ok(())
    }

    /// All shares.
    pub fn shares(&self) -> impl Iterator<Item = &Share> {
        self.shares.values().flatten()
    }

    /// Forgets every share of this epoch of this center, sums that contain it too. A
    /// [`crate::KeyCache`] notices.
    pub fn drop_epoch(&mut self, epoch: &CenterEpoch) {
        for held in self.shares.values_mut() {
            held.retain(|share| !share.epochs().contains(epoch));
        }
        self.shares.retain(|_, held| !held.is_empty());
        self.dropped += 1;
    }

    /// Whether the shares for this route are all here. If not, a holder fetches [`Self::missing`].
    pub fn has(&self, route: &Route) -> bool {
        route.check().is_ok()
            && (self.sum_for(route).is_some() || self.lacking(route).next().is_none())
    }

    /// The centers of this route whose shares have to be fetched.
    pub fn missing(&self, route: &Route) -> Result<Vec<CenterEpoch>, KeyError> {
        route.check()?;
        if self.sum_for(route).is_some() {
            return Ok(Vec::new());
        }
        Ok(self.lacking(route).cloned().collect())
    }

    /// The key with a peer on the other side of the route's matrix: the exclusive or, over the
    /// route's centers, of that center's share at the peer's point in that center's epoch. A sum
    /// of exactly these centers serves as well, and gives the same key.
    pub fn pair_key(&self, peer: &Identifier, route: &Route) -> Result<PairKey, KeyError> {
        route.check()?;
        if let Some(sum) = self.sum_for(route) {
            let at = self.met.points(&self.network, sum.center.epoch, peer);
            return Ok(sum.pair_key_at(&at));
        }
        // Before any key is computed.
        if let Some(center) = self.lacking(route).next() {
            return Err(KeyError::MissingShare { matrix: route.matrix, center: center.clone() });
        }
        let mut key: Option<PairKey> = None;
        for share in route.epochs.iter().filter_map(|epoch| self.single(route.matrix, epoch)) {
            let at = self.met.points(&self.network, share.center.epoch, peer);
            let part = share.pair_key_at(&at);
            match &mut key {
                None => key = Some(part),
                Some(sum) => sum.xor(&part),
            }
        }
        key.ok_or(KeyError::NoCenters)
    }

    /// Sets the key that was agreed beforehand with a peer: 256 random bits, not a password. A
    /// later agreement replaces an earlier one.
    pub fn agree(&mut self, peer: Identifier, key: PairKey) -> Result<(), KeyError> {
        self.agreed.insert(peer, Box::new(key.filled()?));
        Ok(())
    }

    /// Sets the key that the center handed out for one trade with one peer: 256 random bits. A
    /// different key for the same trade and peer is refused.
    pub fn hand_out(
        &mut self,
        trade: OrderId,
        peer: Identifier,
        key: PairKey,
    ) -> Result<(), KeyError> {
        let key = Box::new(key.filled()?);
        let held = self.handed_out.entry(trade).or_default().entry(peer).or_insert(key.clone());
        if *held == key { Ok(()) } else { Err(KeyError::DifferentTradeKey { trade }) }
    }

    /// The key agreed beforehand with a peer.
    pub fn agreed_key(&self, peer: &Identifier) -> Option<PairKey> {
        self.agreed.get(peer).map(|key| PairKey::clone(key))
    }

    /// The key handed out for a trade with a peer.
    pub fn trade_key(&self, trade: &OrderId, peer: &Identifier) -> Option<PairKey> {
        self.handed_out.get(trade)?.get(peer).map(|key| PairKey::clone(key))
    }

    /// Forgets the key agreed with a peer.
    pub fn forget_agreed(&mut self, peer: &Identifier) {
        self.agreed.remove(peer);
    }

    /// Forgets the keys of a trade, once it is over.
    pub fn forget_trade(&mut self, trade: &OrderId) {
        self.handed_out.remove(trade);
    }

    /// Goes up when shares are dropped: only then can a key that was right become stale.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    fn lacking<'a>(&self, route: &'a Route) -> impl Iterator<Item = &'a CenterEpoch> {
        route.epochs.iter().filter(|epoch| self.single(route.matrix, epoch).is_none())
    }

    fn single(&self, matrix: Matrix, epoch: &CenterEpoch) -> Option<&Share> {
        self.shares.get(&matrix)?.iter().find(|share| !share.is_sum() && share.center == *epoch)
    }

    /// The sum of exactly the route's centers, each of which stands there once.
    fn sum_for(&self, route: &Route) -> Option<&Share> {
        let named = |center: &Identifier, epoch: u32| {
            route.epochs.iter().any(|named| named.epoch == epoch && named.center == *center)
        };
        self.shares.get(&route.matrix)?.iter().find(|share| {
            share.is_sum()
                && share.further.len() + 1 == route.epochs.len()
                && named(&share.center.center, share.center.epoch)
                && share.further.iter().all(|center| named(center, share.center.epoch))
        })
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("network", &self.network)
            .field("owner", &self.owner)
            .field("shares", &self.shares)
            .field("agreed", &self.agreed.keys())
            .field("handed_out", &self.handed_out.keys())
            .finish_non_exhaustive()
    }
}
