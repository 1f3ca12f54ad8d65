//! A vault that is open under A: the history, and what is not money.

use crate::{
    contents::{self, BoxA, LayerA},
    error::{Result, VaultError},
    file::Lock,
    header::{Header, Mode, inspect},
    history::Entry,
    keys::{RootA, RootB, Stretched},
    password::Password,
    signing::VaultAB,
    state::{Restored, State, Which},
    vault::Vault,
};
use rand_core::CryptoRng;
use std::fmt;
use warifu_types::UnixTime;

/// A vault open under A. Layer B lies in it sealed, and is carried along as it is.
#[derive(Clone)]
pub struct VaultA {
    pub(crate) vault: Vault,
    pub(crate) header: Header,
    pub(crate) root: RootA,
    pub(crate) layer: LayerA,
    pub(crate) restored: Option<Restored>,
}

impl VaultA {
    /// The header of the state that is open.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What A opens, as it was when it was last read or written here.
    pub fn contents(&self) -> &BoxA {
        &self.layer.a
    }

    /// The history (row B5).
    pub fn history(&self) -> &[Entry] {
        self.layer.a.history()
    }

    /// Whether this is an older state than this terminal knows of; see [`Restored`].
    pub fn restored(&self) -> Option<Restored> {
        self.restored
    }

    /// The owner was told what [`VaultA::restored`] means, and goes on with this state: it is
    /// written anew, durably, with a generation above every other that this terminal knows of.
    pub fn accept_restored(&mut self, rng: &mut impl CryptoRng) -> Result<()> {
        let held = self.vault.place.lock()?;
        let (header, layer) = self.read()?;
        self.write(&held, (header, self.root.clone(), layer), rng)?;
        let mut state = State::load(&self.vault.place, &held);
        state.accept();
        state.save(&self.vault.place, &held)?;
        self.restored = None;
        Ok(())
    }

    /// Reads again what other programs may have written.
    pub fn reload(&mut self) -> Result<()> {
        (self.header, self.layer) = self.read()?;
        Ok(())
    }

    /// Adds to the history, durably, after whatever others have added.
    pub fn append(&mut self, entry: Entry, rng: &mut impl CryptoRng) -> Result<()> {
        self.update(rng, |a| {
            a.append(entry);
            Ok(())
        })
    }

    /// Changes what A opens: reads the newest, lets `change` work on it, and writes it durably,
    /// all under the vault's lock. If `change` refuses, nothing is written.
    pub fn update<T, E: From<VaultError>>(
        &mut self,
        rng: &mut impl CryptoRng,
        change: impl FnOnce(&mut BoxA) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let held = self.vault.place.lock()?;
        let (header, mut layer) = self.read()?;
        let done = change(&mut layer.a)?;
        self.write(&held, (header, self.root.clone(), layer), rng)?;
        Ok(done)
    }

    /// Opens layer B with password B, in two-password mode. This stays open as it is, whether B
    /// was right or not. Errors as [`Vault::open_a`].
    pub fn open_b(&self, b: &Password, now: UnixTime) -> Result<VaultAB> {
        let mut a = self.clone();
        a.reload()?;
        let Some(password) = a.layer.b.password.clone() else {
            return Err(VaultError::WrongMode);
        };
        self.vault.admit(Which::B, now)?;
        let root_b = RootB::Stretched(Stretched::new(b, password.salt, password.cost)?);
        let opened = VaultAB::open(a, root_b)?;
        self.vault.forgive(Which::B)?;
        Ok(opened)
    }

    /// Opens layer B in one-password mode, where A alone signs.
    pub fn open_one(&self) -> Result<VaultAB> {
        let mut a = self.clone();
        a.reload()?;
        if a.header.mode != Mode::OnePassword {
            return Err(VaultError::WrongMode);
        }
        VaultAB::open(a, RootB::Alone)
    }

    /// The newest state of the vault that this is.
    pub(crate) fn read(&self) -> Result<(Header, LayerA)> {
        let bytes = self.vault.place.read()?;
        let header = inspect(&bytes)?;
        if header.vault != self.header.vault || header.generation < self.header.generation {
            return Err(VaultError::Replaced);
        }
        if header.salt != self.header.salt {
            return Err(VaultError::PasswordsChanged);
        }
        let layer = contents::open_a(&bytes, &header, &self.root)?;
        Ok((header, layer))
    }

    /// Writes the next generation, and has it open here.
    pub(crate) fn write(
        &mut self,
        held: &Lock,
        next: (Header, RootA, LayerA),
        rng: &mut impl CryptoRng,
    ) -> Result<()> {
        let (mut header, root, layer) = next;
        let place = &self.vault.place;
        let mut state = State::load(place, held);
        header.generation = state.next_generation(&header);
        let bytes = contents::seal_a(&header, &root, &layer, rng)?;
        place.replace(held, &bytes)?;
        (self.header, self.root, self.layer) = (header, root, layer);
        state.wrote(&self.header);
        state.save(&self.vault.place, held)
    }
}

impl fmt::Debug for VaultA {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VaultA(generation {}, secret)", self.header.generation)
    }
}
