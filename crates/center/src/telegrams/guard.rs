//! The guard (row B1): who asks too often is told when to come again.

use crate::settings::Rates;
use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};
use warifu_types::{Bucket, Identifier, Nonce, Rate, UnixTime};
use warifu_wire::Problem;

/// No more buckets of a kind than this are kept; full ones go first.
const MOST: usize = 20_000;

/// The buckets.
pub(crate) struct Guard {
    rates: Rates,
    addresses: Buckets<IpAddr>,
    all: Buckets<()>,
    members: Buckets<Identifier>,
    sessions: Buckets<Nonce>,
    enclosing: Buckets<Nonce>,
}

struct Buckets<K>(Mutex<HashMap<K, Bucket>>);

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Buckets(Mutex::default())
    }
}

impl Guard {
    pub fn new(rates: Rates) -> Guard {
        Guard {
            rates,
            addresses: Buckets::default(),
            all: Buckets::default(),
            members: Buckets::default(),
            sessions: Buckets::default(),
            enclosing: Buckets::default(),
        }
    }

    /// Before a session is opened, which costs a decapsulation. The address is unknown behind a
    /// listener that does not tell it; then all together are counted.
    pub fn opening(&self, from: Option<IpAddr>, now: UnixTime) -> Result<(), u64> {
        if let Some(address) = from {
            self.addresses.take(block(address), self.rates.opens_of_address, now)?;
        }
        self.all.take((), self.rates.opens_of_all, now)
    }

    /// Before a member's telegram is acted on.
    pub fn telegram(&self, member: &Identifier, now: UnixTime) -> Result<(), u64> {
        self.members.take(member.clone(), self.rates.telegrams, now)
    }

    /// Before a form is handed out, an application or a registration is taken: all of them are
    /// written down for somebody who is not known.
    pub fn application(&self, session: Nonce, now: UnixTime) -> Result<(), u64> {
        self.sessions.take(session, self.rates.applications, now)
    }

    /// Before documents are kept that telegrams will name.
    pub fn enclosing(&self, session: Nonce, now: UnixTime) -> Result<(), u64> {
        self.enclosing.take(session, self.rates.telegrams, now)
    }
}

/// Whoever has one IPv6 address has a network of 64 bits.
fn block(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

impl<K: Hash + Eq> Buckets<K> {
    fn take(&self, whose: K, rate: Rate, now: UnixTime) -> Result<(), u64> {
        let mut buckets = self.lock();
        if buckets.len() >= MOST {
            buckets.retain(|_, bucket| !bucket.is_full(rate, now));
            if buckets.len() >= MOST && !buckets.contains_key(&whose) {
                return Err(60);
            }
        }
        buckets.entry(whose).or_insert_with(|| Bucket::full(rate, now)).take(rate, now)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Bucket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The problem of whoever asks too often.
pub(crate) fn too_often() -> Problem {
    Problem::new(429, "too_often", "too many at once; come again later", None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_share_a_bucket() {
        let of = |text: &str| block(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
