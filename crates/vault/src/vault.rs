//! A closed vault: making one, opening it.

use crate::{
    contents::{self, BoxA, BoxB, LayerA},
    cost::{Cost, stretch},
    error::{Result, VaultError},
    file::{self, Place},
    header::{Header, Mode, inspect},
    keys::{self, RootA, RootB, Stretched},
    open::VaultA,
    password::{Password, Passwords},
    signing::VaultAB,
    state::{LockOut, State, Which},
};
use rand_core::CryptoRng;
use std::path::Path;
use warifu_protocol::signer::SigningKey;
use warifu_types::UnixTime;

/// A vault's file, closed.
#[derive(Debug, Clone)]
pub struct Vault {
    pub(crate) place: Place,
    lock_out: LockOut,
}

impl Vault {
    /// The vault in this file, which need not be there yet. Beside it lie `….lock`, `….state` and,
    /// while it is written, `….new`.
    pub fn at(path: &Path) -> Vault {
        Vault { place: Place::new(path), lock_out: LockOut::default() }
    }

    /// With another rule for wrong passwords.
    pub fn with_lock_out(self, lock_out: LockOut) -> Vault {
        Vault { lock_out, ..self }
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// What anyone can see of it.
    pub fn header(&self) -> Result<Header> {
        inspect(&self.place.read()?)
    }

    /// Makes a new vault around a signature key, durably. A file that is there is never
    /// overwritten. `cost` is [`Cost::current`] but in tests.
    ///
    /// Nobody can open the vault without its passwords: one that is forgotten is lost with all
    /// that it protects.
    pub fn create(
        &self,
        passwords: &Passwords,
        cost: Cost,
        key: SigningKey,
        rng: &mut impl CryptoRng,
    ) -> Result<VaultAB> {
        let taken = || VaultError::Exists { path: self.path().to_path_buf() };
        if self.place.exists() {
            return Err(taken());
        }
        let (vault, salt) = (keys::fresh(rng), keys::fresh(rng));
        let mode = if passwords.b.is_some() { Mode::TwoPasswords } else { Mode::OnePassword };
        let header = Header { mode, cost, generation: 1, vault, salt };
        let root_a = RootA::stretch(&passwords.a, &header)?;
        let root_b = match &passwords.b {
            Some(b) => RootB::Stretched(Stretched::new(b, keys::fresh(rng), cost)?),
            None => RootB::Alone,
        };
        let b = BoxB::empty();
        let sealed = contents::seal_b(&header, (&root_a, &root_b), (&key, &b), rng)?;
        let layer = LayerA { a: BoxA::empty(), b: sealed };
        let bytes = contents::seal_a(&header, &root_a, &layer, rng)?;

        let held = self.place.lock()?;
        if self.place.exists() {
            return Err(taken());
        }
        let mut state = State::default();
        state.wrote(&header);
        state.save(&self.place, &held)?;
        self.place.replace(&held, &bytes)?;
        let a = VaultA { vault: self.clone(), header, root: root_a, layer, restored: None };
        Ok(VaultAB::new(a, root_b, key, b))
    }

    /// Opens layer A.
    ///
    /// A wrong password and a damaged vault give one error, after the same work. After many in a
    /// row [`VaultError::Wait`] comes before any work.
    pub fn open_a(&self, a: &Password, now: UnixTime) -> Result<VaultA> {
        let bytes = self.place.read()?;
        let header = inspect(&bytes)?;
        self.admit(Which::A, now)?;
        let root = RootA::stretch(a, &header)?;
        let layer = contents::open_a(&bytes, &header, &root)?;
        let mut opened = VaultA { vault: self.clone(), header, root, layer, restored: None };

        let held = self.place.lock()?;
        // Others may have written while the password was stretched: what was read before that would
        // be taken for a backup.
        let newest = opened.reload();
        let mut state = State::load(&self.place, &held);
        state.forgive(Which::A);
        if newest.is_ok() {
            opened.restored = state.meet(&opened.header);
        }
        state.save(&self.place, &held)?;
        newest?;
        Ok(opened)
    }

    /// Opens both layers of a vault with two passwords. Wrong A, wrong B, both wrong and a damaged
    /// vault give one error, after two derivations.
    pub fn open_ab(&self, a: &Password, b: &Password, now: UnixTime) -> Result<VaultAB> {
        let header = self.header()?;
        if header.mode != Mode::TwoPasswords {
            return Err(VaultError::WrongMode);
        }
        match self.open_a(a, now) {
            Err(VaultError::WrongPassword) => {
                // B's own salt and cost are under A; the same cost, unless one was raised alone.
                stretch(b, &header.salt, header.cost)?;
                Err(VaultError::WrongPassword)
            }
            opened => opened?.open_b(b, now),
        }
    }

    /// Writes the vault as it is, still under its passwords, to another file, which must not be
    /// there yet. Waiting telegrams and the generation go along; see [`crate::restore`].
    pub fn backup(&self, to: &Path) -> Result<Header> {
        let bytes = self.place.read()?;
        let header = inspect(&bytes)?;
        file::write_copy(to, &bytes)?;
        Ok(header)
    }

    pub(crate) fn admit(&self, which: Which, now: UnixTime) -> Result<()> {
        let held = self.place.lock()?;
        let mut state = State::load(&self.place, &held);
        let admitted = state.admit(which, now, self.lock_out);
        state.save(&self.place, &held)?;
        admitted
    }

    pub(crate) fn forgive(&self, which: Which) -> Result<()> {
        let held = self.place.lock()?;
        let mut state = State::load(&self.place, &held);
        state.forgive(which);
        state.save(&self.place, &held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::DERIVATIONS;
    use std::fs;
    use warifu_protocol::{ChaCha20Rng, SeedableRng};

    #[test]
    fn right_and_wrong_passwords_and_damage_take_the_same_derivations() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::at(&folder.path().join("vault"));
        let (cost, rng) = (Cost::new(8, 1, 1).unwrap(), &mut ChaCha20Rng::from_seed([1; 32]));
        let [a, b, wrong] = ["password A", "password B", "neither of them"]
            .map(|text| Password::new(text).unwrap());
        let two = Passwords::two(a.clone(), b.clone()).unwrap();
        vault.create(&two, cost, SigningKey::from_seed(&[2; 32]), rng).unwrap();
        let derivations = |a, b| {
            let before = DERIVATIONS.get();
            let opened = vault.open_ab(a, b, UnixTime(0)).is_ok();
            (opened, DERIVATIONS.get() - before)
        };
        assert_eq!(derivations(&a, &b), (true, 2));
        for (a, b) in [(&a, &wrong), (&wrong, &b), (&wrong, &wrong)] {
            assert_eq!(derivations(a, b), (false, 2));
        }
        let mut bytes = fs::read(vault.path()).unwrap();
        bytes[200] ^= 1;
        fs::write(vault.path(), bytes).unwrap();
        assert_eq!(derivations(&a, &b), (false, 2));
    }
}
