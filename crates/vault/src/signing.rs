//! A vault that is open under A and B: it signs.

use crate::{
    contents::{self, BoxA, BoxB, LayerA},
    error::{Result, VaultError},
    file::Lock,
    header::Header,
    keys::{RootA, RootB},
    open::VaultA,
};
use rand_core::CryptoRng;
use std::{fmt, sync::Arc};
use warifu_protocol::signer::{Signer, SigningKey, VerifyingKey};

/// A vault open under both passwords, or under A alone in one-password mode.
pub struct VaultAB {
    pub(crate) a: VaultA,
    pub(crate) root_b: RootB,
    pub(crate) key: Arc<SigningKey>,
    pub(crate) b: BoxB,
}

impl VaultAB {
    pub(crate) fn new(a: VaultA, root_b: RootB, key: SigningKey, b: BoxB) -> VaultAB {
        VaultAB { a, root_b, key: Arc::new(key), b }
    }

    pub(crate) fn open(a: VaultA, root_b: RootB) -> Result<VaultAB> {
        let (key, b) = contents::open_b(&a.header, (&a.root, &root_b), &a.layer.b)?;
        Ok(VaultAB::new(a, root_b, key, b))
    }

    /// The vault as A alone opens it.
    pub fn a(&self) -> &VaultA {
        &self.a
    }

    /// The vault as A alone opens it, to add history.
    pub fn a_mut(&mut self) -> &mut VaultA {
        &mut self.a
    }

    /// What B opens, as it was when it was last read or written here.
    pub fn contents(&self) -> &BoxB {
        &self.b
    }

    /// The signature key, for a terminal that keeps its signer: it stays in memory, and signs,
    /// until the last of these is dropped.
    pub fn signer(&self) -> Arc<dyn Signer> {
        self.key.clone()
    }

    /// Reads again what other programs may have written.
    pub fn reload(&mut self) -> Result<()> {
        let whole = self.read()?;
        (self.a.header, self.a.layer) = (whole.header, whole.layer);
        (self.key, self.b) = (Arc::new(whole.key), whole.b);
        Ok(())
    }

    /// Changes what A and B open, in one write: a telegram leaves the box and its line enters the
    /// history together. As [`VaultA::update`].
    pub fn update_ab<T, E: From<VaultError>>(
        &mut self,
        rng: &mut impl CryptoRng,
        change: impl FnOnce(&mut BoxA, &mut BoxB) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let held = self.a.vault.place.lock()?;
        let mut whole = self.read()?;
        let done = change(&mut whole.layer.a, &mut whole.b)?;
        self.write(&held, whole, rng)?;
        Ok(done)
    }

    /// Puts a new signature key in the old one's place, which is gone then. The new one counts
    /// once the center has registered it.
    pub fn replace_key(&mut self, key: SigningKey, rng: &mut impl CryptoRng) -> Result<()> {
        let held = self.a.vault.place.lock()?;
        let whole = Whole { key, ..self.read()? };
        self.write(&held, whole, rng)
    }

    /// The newest state of both layers, under the keys that are open here.
    pub(crate) fn read(&self) -> Result<Whole> {
        let (header, layer) = self.a.read()?;
        let same = match (&self.root_b, &layer.b.password) {
            (RootB::Alone, None) => true,
            (RootB::Stretched(ours), Some(theirs)) => ours.salt == theirs.salt,
            _ => false,
        };
        if !same {
            return Err(VaultError::PasswordsChanged);
        }
        let (root_a, root_b) = (self.a.root.clone(), self.root_b.clone());
        let (key, b) = contents::open_b(&header, (&root_a, &root_b), &layer.b)?;
        Ok(Whole { header, root_a, root_b, layer, key, b })
    }

    /// Writes the next generation of both layers, and has it open here.
    pub(crate) fn write(
        &mut self,
        held: &Lock,
        whole: Whole,
        rng: &mut impl CryptoRng,
    ) -> Result<()> {
        let Whole { header, root_a, root_b, mut layer, key, b } = whole;
        layer.b = contents::seal_b(&header, (&root_a, &root_b), (&key, &b), rng)?;
        self.a.write(held, (header, root_a, layer), rng)?;
        (self.root_b, self.key, self.b) = (root_b, Arc::new(key), b);
        Ok(())
    }
}

/// Everything of a vault, and what opens it.
pub(crate) struct Whole {
    pub(crate) header: Header,
    pub(crate) root_a: RootA,
    pub(crate) root_b: RootB,
    pub(crate) layer: LayerA,
    pub(crate) key: SigningKey,
    pub(crate) b: BoxB,
}

impl Signer for VaultAB {
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message)
    }
    fn verifying_key(&self) -> VerifyingKey {
        self.key.verifying_key()
    }
}

impl fmt::Debug for VaultAB {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VaultAB(generation {}, secret)", self.a.header.generation)
    }
}
