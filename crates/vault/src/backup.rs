//! Putting a backup in a vault's place.

use crate::{
    error::{Result, VaultError},
    file::{self, Place},
    header::{Header, inspect},
    state::State,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What happens to another file that lies where a backup is to be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is restored.
    Keep,
    /// It is copied aside first, to a new name beside it.
    SetAside,
}

/// What a restoration did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restoration {
    /// The header of the backup.
    pub header: Header,
    /// Where the file that was there lies now.
    pub set_aside: Option<PathBuf>,
}

/// Puts a backup in a vault's place, durably, still under the passwords that it was made under.
///
/// If the same bytes are there, nothing is done. A different file is never overwritten without
/// being kept ([`Existing::SetAside`]). When the vault is opened next, [`crate::Restored`] says
/// that telegrams which wait in it may have been sent already. Wrong passwords stay counted.
pub fn restore(backup: &Path, to: &Path, existing: Existing) -> Result<Restoration> {
    let bytes = file::read(backup)?;
    let header = inspect(&bytes)?;
    let place = Place::new(to);
    let held = place.lock()?;
    let (mut replaced, mut set_aside) = (None, None);
    if place.exists() {
        let old = place.read()?;
        if old == bytes {
            return Ok(Restoration { header, set_aside });
        }
        if existing == Existing::Keep {
            return Err(VaultError::Exists { path: place.path().to_path_buf() });
        }
        set_aside = Some(copy_aside(&place, &old)?);
        replaced = inspect(&old).ok();
    }
    // The mark first: should the power fail in between, it is a warning too many, not too few.
    let mut state = State::load(&place, &held);
    state.restore(replaced.as_ref(), &header);
    state.save(&place, &held)?;
    place.replace(&held, &bytes)?;
    Ok(Restoration { header, set_aside })
}

/// Keeps the bytes under the first free name `….aside-1`, `….aside-2`, and so on.
fn copy_aside(place: &Place, bytes: &[u8]) -> Result<PathBuf> {
    let mut number = 1u64;
    loop {
        let path = place.beside(&format!("aside-{number}"));
        if fs::symlink_metadata(&path).is_err() {
            file::write_copy(&path, bytes)?;
            return Ok(path);
        }
        number += 1;
    }
}
