//! Two parties get the same key with no message between them (rows A3, A4, D6).
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{NETWORK, id};
use proptest::prelude::*;
use warifu_keydist::{
    CenterEpoch, CenterMatrices, CenterSeed, KeyCache, KeyRing, Matrix, PairKey, Route, Share,
    Thresholds,
};
use warifu_types::{Identifier, OrderId};

/// The groups of two services, or the group of a service that a holder meets.
#[derive(Debug, Clone, Copy)]
enum Meeting {
    HolderAndService { group: u32 },
    Services { ours: u32, theirs: u32 },
}

impl Meeting {
    fn matrix(self) -> Matrix {
        match self {
            Meeting::HolderAndService { group } => Matrix::Holders { group },
            Meeting::Services { ours, theirs } => Matrix::between_services(ours, theirs),
        }
    }

    fn shares(self, center: &CenterMatrices, us: &Identifier, them: &Identifier) -> [Share; 2] {
        match self {
            Meeting::HolderAndService { group } => {
                [center.holder_share(group, us), center.service_share(group, them)]
            }
            Meeting::Services { ours, theirs } => {
                [center.services_share(ours, theirs, us), center.services_share(theirs, ours, them)]
            }
        }
    }
}

fn meetings() -> impl Strategy<Value = Meeting> {
    prop_oneof![
        (0..4u32).prop_map(|group| Meeting::HolderAndService { group }),
        (0..3u32, 0..3u32).prop_map(|(ours, theirs)| Meeting::Services { ours, theirs }),
    ]
}

fn parties() -> impl Strategy<Value = (Identifier, Identifier)> {
    let one = || {
        prop_oneof![
            "mail:[a-z]{1,8}@example\\.jp",
            "domain:[a-z]{1,8}\\.example",
            "name:[あ-ん]{1,6}\\|address:東京都港区芝[1-9]-[1-9]",
        ]
        .prop_map(|text| id(&text))
    };
    (one(), one()).prop_filter("two parties", |(a, b)| a != b)
}

fn centers(seeds: &[u8], epochs: &[u32], thresholds: Thresholds) -> Vec<CenterMatrices> {
    let center = |(n, (seed, epoch)): (usize, (&u8, &u32))| {
        let center = CenterEpoch { center: id(&format!("domain:c{n}.example")), epoch: *epoch };
        CenterMatrices::new(CenterSeed::from_bytes([*seed; 32]), NETWORK, center, thresholds)
    };
    seeds.iter().zip(epochs).enumerate().map(center).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn both_sides_get_the_same_key(
        meeting in meetings(),
        (us, them) in parties(),
        holders in 2..300usize,
        services in 2..160usize,
        seeds in prop::collection::vec(any::<u8>(), 1..4),
        epochs in prop::array::uniform4(0..3u32),
    ) {
        let thresholds = Thresholds::new(holders, services).unwrap();
        let centers = centers(&seeds, &epochs, thresholds);
        let mut ours = KeyRing::new(NETWORK, us.clone());
        let mut theirs = KeyRing::new(NETWORK, them.clone());
        let mut expected = PairKey::from_bytes([0; 32]);
        for center in &centers {
            let [our_share, their_share] = meeting.shares(center, &us, &them);
            expected.xor(&our_share.pair_key(&them));
            ours.insert(our_share).unwrap();
            theirs.insert(their_share).unwrap();
        }
        let epochs: Vec<CenterEpoch> = centers.iter().map(|c| c.center().clone()).collect();
        let route = Route { epochs, matrix: meeting.matrix() };
        let key = ours.pair_key(&them, &route).unwrap();
        prop_assert_eq!(&theirs.pair_key(&us, &route).unwrap(), &key);
        prop_assert_eq!(&expected, &key);
        let cache = KeyCache::new(8);
        for _ in 0..2 {
            prop_assert_eq!(&cache.key(&theirs, &us, &route).unwrap(), &key);
        }
    }

    #[test]
    fn the_sum_of_shares_gives_the_sum_of_keys(
        meeting in meetings(),
        (us, them) in parties(),
        seeds in prop::array::uniform3(any::<u8>()),
        epoch in 0..3u32,
    ) {
        let centers = centers(&seeds, &[epoch; 3], Thresholds::new(9, 6).unwrap());
        let shares: Vec<[Share; 2]> =
            centers.iter().map(|center| meeting.shares(center, &us, &them)).collect();
        let mut expected = shares[0][0].pair_key(&them);
        expected.xor(&shares[1][0].pair_key(&them));
        expected.xor(&shares[2][0].pair_key(&them));
        let sum = shares[0][0].add(&shares[1][0]).unwrap().add(&shares[2][0]).unwrap();
        prop_assert_eq!(sum.pair_key(&them), expected.clone());
        // Another order, on the other side, through a file.
        let sum = shares[2][1].add(&shares[0][1]).unwrap().add(&shares[1][1]).unwrap();
        let sum = Share::from_file(&sum.to_file()).unwrap();
        prop_assert_eq!(sum.pair_key(&us), expected);
    }

    #[test]
    fn keys_from_the_other_sources_are_the_ones_put_in(
        (us, them) in parties(),
        agreed in prop::array::uniform32(1..=u8::MAX),
        handed in prop::array::uniform32(1..=u8::MAX),
    ) {
        let trade = OrderId([9; 32]);
        let mut ours = KeyRing::new(NETWORK, us.clone());
        let mut theirs = KeyRing::new(NETWORK, them.clone());
        for (ring, peer) in [(&mut ours, &them), (&mut theirs, &us)] {
            ring.agree(peer.clone(), PairKey::from_bytes(agreed)).unwrap();
            ring.hand_out(trade, peer.clone(), PairKey::from_bytes(handed)).unwrap();
        }
        prop_assert_eq!(ours.agreed_key(&them), theirs.agreed_key(&us));
        prop_assert_eq!(ours.agreed_key(&them), Some(PairKey::from_bytes(agreed)));
        prop_assert_eq!(ours.trade_key(&trade, &them), theirs.trade_key(&trade, &us));
        prop_assert_eq!(ours.trade_key(&trade, &them), Some(PairKey::from_bytes(handed)));
    }
}
