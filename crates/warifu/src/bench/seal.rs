//! `warifu bench seal`: one order of four parts, sealed and opened, beside the same work done with
//! HPKE, age and JWE.

use super::{
    measure::{median_us, medians_us},
    peers::{AgePeer, HpkePeer, JwePeer},
    scheme::Scheme,
    stage::Stage,
};
use serde::Serialize;
use std::cell::RefCell;
use warifu_keydist::{CenterEpoch, KeyCache, KeyRing, Matrix, Route};
use warifu_protocol::{ProtocolError, suite::Suite};

/// The medians of one way to do it, in microseconds.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// Keys and encryption of the four parts.
    pub keys_and_encryption_us: f64,
    /// The complete sealed order: digests, signature, encryption, encoding.
    pub seal_us: f64,
    /// Opening and fully checking one part of a holder seen before.
    pub open_us: f64,
    /// The same for a new holder, under a form that is known.
    pub open_new_us: f64,
}

/// What deriving a pair key costs.
#[derive(Debug, Serialize)]
pub struct Keys {
    /// By a holder.
    pub holder_us: f64,
    /// By a service that has not met the holder.
    pub service_us: f64,
    /// By a service that has.
    pub service_cached_us: f64,
    /// A holder's share file.
    pub share_bytes: usize,
}

/// The report.
#[derive(Debug, Serialize)]
pub struct SealReport {
    kps: Figures,
    #[serde(rename = "kps+hpke")]
    kps_hpke: Figures,
    hpke: Figures,
    age: Figures,
    jwe: Figures,
    keys: Keys,
}

/// Measures everything, telling how far it is.
pub fn seal(mut progress: impl FnMut(&str)) -> Result<SealReport, ProtocolError> {
    progress("setting up");
    let kps = RefCell::new(Stage::new(Suite::Kps)?);
    let kps_hpke = RefCell::new(Stage::new(Suite::KpsHpke)?);
    let (hpke, age, jwe) = (HpkePeer::new(), AgePeer::new(), JwePeer::new());
    let schemes = [
        Scheme::own(&kps)?,
        Scheme::own(&kps_hpke)?,
        Scheme::peer(&kps, &hpke)?,
        Scheme::peer(&kps, &age)?,
        Scheme::peer(&kps, &jwe)?,
    ];
    progress("keys and encryption of four parts, all schemes in turns");
    let encrypting = medians_us(&schemes, Scheme::keys_and_encryption);
    progress("sealing");
    let sealing = medians_us(&schemes, Scheme::seal);
    progress("opening, a holder seen before");
    let opening = medians_us(&schemes, |scheme, _| scheme.open());
    progress("opening, a new holder");
    let opening_new = medians_us(&schemes, |scheme, _| scheme.open_new());
    progress("pair keys");
    let keys = keys(&kps.borrow());
    let figures = |n: usize| Figures {
        keys_and_encryption_us: encrypting[n],
        seal_us: sealing[n],
        open_us: opening[n],
        open_new_us: opening_new[n],
    };
    Ok(SealReport {
        kps: figures(0),
        kps_hpke: figures(1),
        hpke: figures(2),
        age: figures(3),
        jwe: figures(4),
        keys,
    })
}

fn keys(stage: &Stage) -> Keys {
    let (holder_share, service_share) = stage.shares();
    let (holder, merchant) = (stage.holder.id(), stage.merchant.id());
    let holder_us = median_us(|| holder_share.pair_key(merchant));
    let service_us = median_us(|| service_share.pair_key(holder));
    let share_bytes = holder_share.to_file().len();
    let epoch: CenterEpoch = service_share.center().clone();
    let route = Route { epochs: vec![epoch], matrix: Matrix::Holders { group: 0 } };
    let mut ring = KeyRing::new(stage.merchant.trust.network(), merchant.clone());
    let cached = ring.insert(service_share).is_ok();
    let cache = KeyCache::new(100);
    let service_cached_us =
        if cached { median_us(|| cache.key(&ring, holder, &route)) } else { f64::NAN };
    Keys { holder_us, service_us, service_cached_us, share_bytes }
}
