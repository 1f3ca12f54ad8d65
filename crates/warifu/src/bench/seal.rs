//! `warifu bench seal`: one order of four parts, sealed and opened, beside the same work done with
//! HPKE, age and JWE.

use super::{
    measure::median_us,
    peers::{AgePeer, HpkePeer, JwePeer, Peer},
    stage::{NOW, Stage},
};
use serde::Serialize;
use std::collections::BTreeMap;
use warifu_keydist::{CenterEpoch, KeyCache, KeyRing, Matrix, Route};
use warifu_protocol::{
    ChaCha20Rng, ProtocolError, SeedableRng,
    order::Disclosure,
    part::{Address, seal_part},
    sealed::{self, SealedOrder, disclose},
    suite::Suite,
};
use warifu_types::{OrderId, Role};

/// The medians of one way to do it, in microseconds.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// Keys and encryption of the four parts.
    pub keys_and_encryption_us: f64,
    /// The complete sealed order: digests, signature, encryption, encoding.
    pub seal_us: f64,
    /// Opening and fully checking one part of a holder seen before.
    pub open_us: f64,
    /// The same for a new holder.
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
    progress("suite kps");
    let mut stage = Stage::new(Suite::Kps)?;
    let kps = own(&mut stage)?;
    progress("keys");
    let keys = keys(&stage);
    progress("suite kps+hpke");
    let kps_hpke = own(&mut Stage::new(Suite::KpsHpke)?)?;
    progress("HPKE base mode");
    let hpke = peer(&mut stage, &HpkePeer::new())?;
    progress("age");
    let age = peer(&mut stage, &AgePeer::new())?;
    progress("JWE ECDH-ES+A256KW");
    let jwe = peer(&mut stage, &JwePeer::new())?;
    Ok(SealReport { kps, kps_hpke, hpke, age, jwe, keys })
}

fn rng(round: u64) -> ChaCha20Rng {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&round.to_be_bytes());
    ChaCha20Rng::from_seed(seed)
}

fn order_id(round: u64) -> OrderId {
    let mut id = [7; 32];
    id[..8].copy_from_slice(&round.to_be_bytes());
    OrderId(id)
}

/// Warifu's own sealing and opening, through the library's functions.
fn own(stage: &mut Stage) -> Result<Figures, ProtocolError> {
    let suite = stage.merchant.floor.general;
    // Pair keys are derived anew for every order: the holder's cache is emptied each time.
    let disclosures = disclose(&stage.draft(), &mut rng(0))?;
    let keys_and_encryption_us = median_us(
        |round| {
            stage.holder.cache.clear();
            (order_id(round), rng(round))
        },
        |(id, mut rng)| seal_parts(stage, suite, &disclosures, &id, &mut rng),
    );
    let seal_us = median_us(
        |round| {
            stage.holder.cache.clear();
            (order_id(round), rng(round))
        },
        |(id, mut rng)| sealed::seal(&stage.holder, &stage.draft(), id, NOW, &mut rng),
    );
    let bundle = sealed::seal(&stage.holder, &stage.draft(), order_id(1), NOW, &mut rng(1))?.bundle;
    open(stage, &bundle)?;
    let open_us = median_us(|_| (), |()| open(stage, &bundle));
    let open_new_us = {
        let cell = std::cell::RefCell::new(stage);
        median_us(|_| cell.borrow_mut().forgetful_merchant(), |()| open(&cell.borrow(), &bundle))
    };
    Ok(Figures { keys_and_encryption_us, seal_us, open_us, open_new_us })
}

fn seal_parts(
    stage: &Stage,
    suite: Suite,
    disclosures: &BTreeMap<warifu_types::FieldName, Disclosure>,
    id: &OrderId,
    rng: &mut ChaCha20Rng,
) -> Result<Vec<String>, ProtocolError> {
    stage
        .form
        .form
        .rule
        .parts
        .iter()
        .map(|(role, fields)| {
            let chosen: Vec<&Disclosure> =
                fields.iter().filter_map(|f| disclosures.get(f)).collect();
            let address = Address {
                order: id,
                form: &stage.form.hash,
                to: &stage.recipients[role],
                role: *role,
            };
            seal_part(&stage.holder, address, suite, &chosen, NOW, rng)
        })
        .collect()
}

fn open(stage: &Stage, bundle: &SealedOrder) -> Result<(), ProtocolError> {
    sealed::open(&stage.merchant, bundle, &stage.merchant.credential, Role::Merchant, NOW).map(drop)
}

/// The same order with its parts encrypted by another scheme, everything else as Warifu does it.
fn peer(stage: &mut Stage, peer: &dyn Peer) -> Result<Figures, ProtocolError> {
    let disclosures = disclose(&stage.draft(), &mut rng(0))?;
    let plain: Vec<Vec<u8>> = stage
        .form
        .form
        .rule
        .parts
        .values()
        .map(|fields| {
            let texts: Vec<&str> = fields
                .iter()
                .filter_map(|field| disclosures.get(field))
                .map(|disclosure| disclosure.text.as_str())
                .collect();
            serde_json::to_vec(&texts).unwrap_or_default()
        })
        .collect();
    let keys_and_encryption_us =
        median_us(|_| (), |()| plain.iter().map(|part| peer.encrypt(part)).collect::<Vec<_>>());
    let without_keys = signed_only(stage)?;
    let sealed: Vec<Vec<u8>> = plain.iter().map(|part| peer.encrypt(part)).collect();
    let seal_us = median_us(rng, |mut rng| {
        let parts: Vec<Vec<u8>> = plain.iter().map(|part| peer.encrypt(part)).collect();
        (parts, without_keys(stage, &mut rng))
    });
    let Some(part) = sealed.first() else { return Ok(Figures::none()) };
    let bundle = sealed::seal(&stage.holder, &stage.draft(), order_id(1), NOW, &mut rng(1))?.bundle;
    open(stage, &bundle)?;
    let checks =
        |stage: &Stage| sealed::check(&stage.merchant, &bundle, &stage.merchant.credential, NOW);
    let open_us = median_us(|_| (), |()| (peer.decrypt(part), checks(stage)));
    let cell = std::cell::RefCell::new(stage);
    let open_new_us = median_us(
        |_| cell.borrow_mut().forgetful_merchant(),
        |()| (peer.decrypt(part), checks(&cell.borrow())),
    );
    Ok(Figures { keys_and_encryption_us, seal_us, open_us, open_new_us })
}

impl Figures {
    fn none() -> Figures {
        Figures { keys_and_encryption_us: 0.0, seal_us: 0.0, open_us: 0.0, open_new_us: 0.0 }
    }
}

type SignedOnly = fn(&Stage, &mut ChaCha20Rng) -> Option<String>;

/// Digests, claims and signature of the order without its parts.
fn signed_only(_stage: &Stage) -> Result<SignedOnly, ProtocolError> {
    fn sign(stage: &Stage, rng: &mut ChaCha20Rng) -> Option<String> {
        let disclosures = disclose(&stage.draft(), rng).ok()?;
        let fields: BTreeMap<_, _> =
            disclosures.iter().map(|(field, d)| (field.as_str(), [("...", d.digest)])).collect();
        let claims = serde_json::json!({ "fields": fields, "iss": stage.holder.id() });
        Some(warifu_protocol::jws::sign(
            warifu_protocol::order::ORDER,
            &claims,
            stage.holder.signer.as_ref(),
        ))
    }
    Ok(sign)
}

fn keys(stage: &Stage) -> Keys {
    let (holder_share, service_share) = stage.shares();
    let (holder, merchant) = (stage.holder.id(), stage.merchant.id());
    let holder_us = median_us(|_| (), |()| holder_share.pair_key(merchant));
    let service_us = median_us(|_| (), |()| service_share.pair_key(holder));
    let share_bytes = holder_share.to_file().len();
    let epoch: CenterEpoch = service_share.center().clone();
    let route = Route { epochs: vec![epoch], matrix: Matrix::Holders { group: 0 } };
    let mut ring = KeyRing::new(stage.merchant.trust.network(), merchant.clone());
    let cached = ring.insert(service_share).is_ok();
    let cache = KeyCache::new(100);
    let service_cached_us =
        if cached { median_us(|_| (), |()| cache.key(&ring, holder, &route)) } else { f64::NAN };
    Keys { holder_us, service_us, service_cached_us, share_bytes }
}
