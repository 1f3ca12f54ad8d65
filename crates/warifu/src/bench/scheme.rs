//! The ways to seal and open the parts of an order that are compared with one another.

use super::{
    measure::time,
    peers::Peer,
    stage::{NOW, Stage},
};
use std::{cell::RefCell, collections::BTreeMap, time::Duration};
use warifu_protocol::{
    ChaCha20Rng, ProtocolError, SeedableRng, jws,
    order::{Disclosure, ORDER},
    part::{Address, seal_part},
    sealed::{self, SealedOrder, disclose},
    suite::Suite,
};
use warifu_types::{FieldName, OrderId, Role};

type Disclosures = BTreeMap<FieldName, Disclosure>;

/// One way, ready to run.
pub struct Scheme<'a> {
    stage: &'a RefCell<Stage>,
    disclosures: Disclosures,
    /// An order sealed by Warifu: what is opened, or checked beside a peer's part.
    bundle: SealedOrder,
    parts: Parts<'a>,
}

/// How the parts are encrypted.
enum Parts<'a> {
    /// By the library's own functions.
    Own(Suite),
    /// By another scheme, everything else as Warifu does it.
    Peer { peer: &'a dyn Peer, plain: Vec<Vec<u8>>, sealed: Vec<u8> },
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

impl<'a> Scheme<'a> {
    /// Warifu itself, in the stage's suite.
    pub fn own(stage: &'a RefCell<Stage>) -> Result<Scheme<'a>, ProtocolError> {
        let suite = stage.borrow().merchant.floor.general;
        Scheme::new(stage, |_| Parts::Own(suite))
    }

    /// Another scheme for the parts.
    pub fn peer(
        stage: &'a RefCell<Stage>,
        peer: &'a dyn Peer,
    ) -> Result<Scheme<'a>, ProtocolError> {
        Scheme::new(stage, |disclosures| {
            let plain = plain_parts(&stage.borrow(), disclosures);
            let sealed = plain.first().map(|part| peer.encrypt(part)).unwrap_or_default();
            Parts::Peer { peer, plain, sealed }
        })
    }

    fn new(
        stage: &'a RefCell<Stage>,
        parts: impl FnOnce(&Disclosures) -> Parts<'a>,
    ) -> Result<Scheme<'a>, ProtocolError> {
        let (disclosures, bundle) = {
            let stage = stage.borrow();
            let sealed =
                sealed::seal(&stage.holder, &stage.draft(), order_id(1), NOW, &mut rng(1))?;
            // What is measured must work.
            open(&stage, &sealed.bundle)?;
            (disclose(&stage.draft(), &mut rng(0))?, sealed.bundle)
        };
        let parts = parts(&disclosures);
        Ok(Scheme { stage, disclosures, bundle, parts })
    }

    /// Keys and encryption of the four parts. A holder derives its pair keys anew for each order.
    pub fn keys_and_encryption(&self, round: u64) -> Duration {
        let stage = self.stage.borrow();
        match &self.parts {
            Parts::Own(suite) => {
                let (id, mut rng) = (order_id(round), rng(round));
                let parts = chosen(&stage, &self.disclosures);
                time(|| seal_parts(&stage, *suite, &parts, &id, &mut rng))
            }
            Parts::Peer { peer, plain, .. } => time(|| encrypt(*peer, plain)),
        }
    }

    /// The complete sealed order.
    pub fn seal(&self, round: u64) -> Duration {
        let stage = self.stage.borrow();
        let (id, mut rng) = (order_id(round), rng(round));
        match &self.parts {
            Parts::Own(_) => {
                time(|| sealed::seal(&stage.holder, &stage.draft(), id, NOW, &mut rng))
            }
            Parts::Peer { peer, plain, .. } => {
                time(|| (encrypt(*peer, plain), sign_only(&stage, &mut rng)))
            }
        }
    }

    /// Opening and fully checking the merchant's part, of a holder seen before.
    pub fn open(&self) -> Duration {
        let stage = self.stage.borrow();
        match &self.parts {
            Parts::Own(_) => time(|| open(&stage, &self.bundle)),
            Parts::Peer { peer, sealed, .. } => {
                time(|| (peer.decrypt(sealed), check(&stage, &self.bundle)))
            }
        }
    }

    /// The same of a holder never seen.
    pub fn open_new(&self) -> Duration {
        self.stage.borrow_mut().forgetful_merchant();
        self.open()
    }
}

/// Which disclosures go to whom.
fn chosen<'a>(stage: &'a Stage, disclosures: &'a Disclosures) -> Vec<(Role, Vec<&'a Disclosure>)> {
    let parts = stage.form.form.rule.parts.iter();
    parts
        .map(|(role, fields)| {
            (*role, fields.iter().filter_map(|field| disclosures.get(field)).collect())
        })
        .collect()
}

fn seal_parts(
    stage: &Stage,
    suite: Suite,
    parts: &[(Role, Vec<&Disclosure>)],
    id: &OrderId,
    rng: &mut ChaCha20Rng,
) -> Result<Vec<String>, ProtocolError> {
    parts
        .iter()
        .map(|(role, disclosures)| {
            let to = &stage.recipients[role];
            let address = Address { order: id, form: &stage.form.hash, to, role: *role };
            seal_part(&stage.holder, address, suite, disclosures, NOW, rng)
        })
        .collect()
}

/// What a peer encrypts: the same disclosures, part by part.
fn plain_parts(stage: &Stage, disclosures: &Disclosures) -> Vec<Vec<u8>> {
    chosen(stage, disclosures)
        .into_iter()
        .map(|(_, disclosures)| {
            let texts: Vec<&str> =
                disclosures.iter().map(|disclosure| disclosure.text.as_str()).collect();
            serde_json::to_vec(&texts).unwrap_or_default()
        })
        .collect()
}

fn encrypt(peer: &dyn Peer, plain: &[Vec<u8>]) -> Vec<Vec<u8>> {
    plain.iter().map(|part| peer.encrypt(part)).collect()
}

fn open(stage: &Stage, bundle: &SealedOrder) -> Result<(), ProtocolError> {
    sealed::open(&stage.merchant, bundle, &stage.merchant.credential, Role::Merchant, NOW).map(drop)
}

/// Everything about an order but its part.
fn check(stage: &Stage, bundle: &SealedOrder) -> bool {
    sealed::check(&stage.merchant, bundle, &stage.merchant.credential, NOW).is_ok()
}

/// Digests, claims and signature of the order without its parts.
fn sign_only(stage: &Stage, rng: &mut ChaCha20Rng) -> Option<String> {
    let disclosures = disclose(&stage.draft(), rng).ok()?;
    let fields: BTreeMap<_, _> = disclosures
        .iter()
        .map(|(field, disclosure)| (field.as_str(), [("...", disclosure.digest)]))
        .collect();
    let claims = serde_json::json!({ "fields": fields, "iss": stage.holder.id() });
    Some(jws::sign(ORDER, &claims, stage.holder.signer.as_ref()))
}
