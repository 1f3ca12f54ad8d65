//! New passwords, and the other mode.

use crate::{
    cost::Cost,
    error::{Result, VaultError},
    header::{Header, Mode},
    keys::{self, RootA, RootB, Stretched},
    password::{Password, Passwords},
    signing::VaultAB,
};
use rand_core::CryptoRng;

/// Which passwords are to be new.
#[derive(Debug, Clone)]
pub enum Change {
    /// A alone.
    A(Password),
    /// B alone, in two-password mode.
    B(Password),
    /// All, and with them the mode.
    All(Passwords),
}

impl VaultAB {
    /// Changes passwords, durably. Everything that the current passwords open must be open, so
    /// that who knows A alone cannot lock the owner out.
    ///
    /// New passwords have at least 8 characters and differ from each other. The cost of each is
    /// raised to `cost`, never lowered. Copies and backups made before stay under the old ones.
    /// Other programs that have the vault open under a password that was changed get
    /// [`VaultError::PasswordsChanged`].
    pub fn change(&mut self, change: &Change, cost: Cost, rng: &mut impl CryptoRng) -> Result<()> {
        // The derivations take their time; they are done before the lock is taken.
        let next = self.next_keys(change, cost, rng)?;
        let held = self.a.vault.place.lock()?;
        let mut whole = self.read()?;
        match next {
            Next::A(new, root_a) => {
                new.enter(&mut whole.header);
                whole.root_a = root_a;
            }
            Next::B(root_b) => whole.root_b = root_b,
            Next::All(new, root_a, root_b) => {
                new.enter(&mut whole.header);
                (whole.root_a, whole.root_b) = (root_a, root_b);
            }
        }
        self.write(&held, whole, rng)
    }

    fn next_keys(&self, change: &Change, cost: Cost, rng: &mut impl CryptoRng) -> Result<Next> {
        let header = &self.a.header;
        match change {
            Change::A(a) => {
                a.check_new()?;
                if let RootB::Stretched(b) = &self.root_b
                    && b.is(&Stretched::new(a, b.salt, b.cost)?)
                {
                    return Err(VaultError::SamePasswords);
                }
                let new = NewA::new(header, header.mode, cost, rng);
                let root = new.stretch(a, header)?;
                Ok(Next::A(new, root))
            }
            Change::B(b) => {
                b.check_new()?;
                if header.mode != Mode::TwoPasswords {
                    return Err(VaultError::WrongMode);
                }
                if self.a.root.is(&RootA::stretch(b, header)?) {
                    return Err(VaultError::SamePasswords);
                }
                Ok(Next::B(self.new_b(b, cost, rng)?))
            }
            Change::All(Passwords { a, b }) => {
                let mode = if b.is_some() { Mode::TwoPasswords } else { Mode::OnePassword };
                let new = NewA::new(header, mode, cost, rng);
                let root_a = new.stretch(a, header)?;
                let root_b = match b {
                    Some(b) => self.new_b(b, cost, rng)?,
                    None => RootB::Alone,
                };
                Ok(Next::All(new, root_a, root_b))
            }
        }
    }

    fn new_b(&self, b: &Password, cost: Cost, rng: &mut impl CryptoRng) -> Result<RootB> {
        let cost = match &self.root_b {
            RootB::Alone => self.a.header.cost.raised_to(cost),
            RootB::Stretched(old) => old.cost.raised_to(cost),
        };
        Ok(RootB::Stretched(Stretched::new(b, keys::fresh(rng), cost)?))
    }
}

/// The keys after a change.
enum Next {
    A(NewA, RootA),
    B(RootB),
    All(NewA, RootA, RootB),
}

/// What a new password A changes in the header.
struct NewA {
    mode: Mode,
    cost: Cost,
    salt: warifu_types::Nonce,
}

impl NewA {
    fn new(old: &Header, mode: Mode, cost: Cost, rng: &mut impl CryptoRng) -> NewA {
        NewA { mode, cost: old.cost.raised_to(cost), salt: keys::fresh(rng) }
    }

    fn stretch(&self, a: &Password, header: &Header) -> Result<RootA> {
        let mut header = header.clone();
        self.enter(&mut header);
        RootA::stretch(a, &header)
    }

    fn enter(&self, header: &mut Header) {
        (header.mode, header.cost, header.salt) = (self.mode, self.cost, self.salt);
    }
}
