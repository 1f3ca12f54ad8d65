//! Which group a service joins, and which shares a party gets.

use warifu_keydist::{CenterMatrices, Share};
use warifu_protocol::credential::Class;
use warifu_types::Identifier;

/// The group for the next service: the first that is not full. A group admits no more services than
/// its threshold, so that all of them together learn nothing.
pub fn group_for_next(admitted: u32, capacity: usize) -> u32 {
    let capacity = u32::try_from(capacity.max(1)).unwrap_or(u32::MAX);
    admitted / capacity
}

/// A further center takes no service of a later group than this: what the first center names there
/// decides how many shares it has to compute.
pub const LAST_GROUP: u32 = 1023;

/// Whether a further center may take one more party of this class: a group that has `known` services
/// there is full at its capacity.
pub fn has_room(class: Class, known: u32, capacity: usize) -> bool {
    match class {
        Class::Holder {} => true,
        Class::Service { group } => {
            group <= LAST_GROUP && usize::try_from(known).is_ok_and(|known| known < capacity)
        }
    }
}

/// The shares that a party gets at enrolment: a holder that of group 0 (further ones on first
/// contact), a service those of its own group and with every earlier group.
pub fn first_shares(matrices: &CenterMatrices, class: Class, who: &Identifier) -> Vec<Share> {
    match class {
        Class::Holder {} => vec![matrices.holder_share(0, who)],
        Class::Service { group } => std::iter::once(matrices.service_share(group, who))
            .chain((0..=group).map(|other| matrices.services_share(group, other, who)))
            .collect(),
    }
}

/// The same, with a holder's share that was computed beforehand. One of another party or of an epoch
/// that has ended since is not used.
pub fn first_shares_with(
    ready: Option<Share>,
    matrices: &CenterMatrices,
    class: Class,
    who: &Identifier,
) -> Vec<Share> {
    let fits = |share: &Share| share.owner() == who && share.center() == matrices.center();
    match ready.filter(fits) {
        Some(share) if class == (Class::Holder {}) => vec![share],
        _ => first_shares(matrices, class, who),
    }
}

/// The share for meeting a service of a further group.
pub fn further_share(
    matrices: &CenterMatrices,
    class: Class,
    who: &Identifier,
    group: u32,
) -> Share {
    match class {
        Class::Holder {} => matrices.holder_share(group, who),
        Class::Service { group: own } => matrices.services_share(own, group, who),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use warifu_keydist::{CenterEpoch, CenterSeed, Thresholds};

    fn matrices(epoch: u32) -> CenterMatrices {
        let center = Identifier::parse("domain:center.example").unwrap();
        let seed = CenterSeed::from_bytes([epoch as u8; 32]);
        let thresholds = Thresholds::new(4, 3).unwrap();
        CenterMatrices::new(seed, "town", CenterEpoch { center, epoch }, thresholds)
    }

    #[test]
    fn a_share_made_ready_counts_for_its_party_and_epoch_only() {
        let who = |name: &str| Identifier::parse(name).unwrap();
        let (hanako, taro, shop) = (who("name:1"), who("name:2"), who("domain:shop.example"));
        let service = Class::Service { group: 0 };
        for (ready, class, party) in [
            (matrices(1).holder_share(0, &hanako), Class::Holder {}, &hanako),
            (matrices(1).holder_share(0, &hanako), Class::Holder {}, &taro),
            (matrices(0).holder_share(0, &hanako), Class::Holder {}, &hanako),
            (matrices(1).holder_share(0, &shop), service, &shop),
        ] {
            let files = |shares: Vec<Share>| -> Vec<_> {
                shares.iter().map(|share| share.to_file().to_vec()).collect()
            };
            let got = first_shares_with(Some(ready), &matrices(1), class, party);
            assert_eq!(files(got), files(first_shares(&matrices(1), class, party)), "{party}");
        }
    }

    #[test]
    fn a_group_is_filled_before_the_next_opens() {
        assert_eq!(group_for_next(0, 255), 0);
        assert_eq!(group_for_next(254, 255), 0);
        assert_eq!(group_for_next(255, 255), 1);
        assert_eq!(group_for_next(3, 1), 3);
    }

    #[test]
    fn a_further_center_fills_no_group_beyond_its_capacity() {
        let service = |group| Class::Service { group };
        assert!(has_room(service(0), 254, 255) && !has_room(service(0), 255, 255));
        assert!(!has_room(service(LAST_GROUP + 1), 0, 255));
        assert!(has_room(Class::Holder {}, u32::MAX, 1));
    }
}
