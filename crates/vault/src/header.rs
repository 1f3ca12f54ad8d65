//! The part of a vault that anyone can see: 96 bytes, all of them authenticated with layer A.

use crate::{
    cost::Cost,
    error::{Result, VaultError},
};
use warifu_types::Nonce;

const MAGIC: [u8; 8] = *b"WARIFUVA";
const VERSION: u16 = 1;
pub(crate) const LENGTH: usize = 96;

/// Which passwords the vault has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A alone opens and signs.
    OnePassword,
    /// A opens the history, A and B together sign.
    TwoPasswords,
}

impl Mode {
    pub(crate) fn byte(self) -> u8 {
        match self {
            Mode::OnePassword => 1,
            Mode::TwoPasswords => 2,
        }
    }
}

/// What the header says. Until the vault is opened, nobody vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Which passwords the vault has.
    pub mode: Mode,
    /// The cost of password A.
    pub cost: Cost,
    /// Counts the writes of this vault; a backup has a smaller one than what was written after it.
    pub generation: u64,
    /// A random name that the vault and all its backups share.
    pub vault: Nonce,
    pub(crate) salt: Nonce,
}

impl Header {
    pub(crate) fn to_bytes(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        let fields: [(usize, &[u8]); 8] = [
            (0, &MAGIC),
            (8, &VERSION.to_be_bytes()),
            (10, &[self.mode.byte(), 0]),
            (12, &self.cost.memory_kib().to_be_bytes()),
            (16, &self.cost.passes().to_be_bytes()),
            (20, &self.cost.lanes().to_be_bytes()),
            (24, &self.generation.to_be_bytes()),
            (32, &self.vault.0),
        ];
        for (at, field) in fields {
            bytes[at..at + field.len()].copy_from_slice(field);
        }
        bytes[64..].copy_from_slice(&self.salt.0);
        bytes
    }
}

/// Reads the header of a vault, without a password. All bytes of the file may be given; what comes
/// after the header is not looked at.
///
/// Errors are those that anyone can see: no vault, a newer version, a header cut off, a cost that
/// no vault may demand.
pub fn inspect(bytes: &[u8]) -> std::result::Result<Header, VaultError> {
    let start = bytes.len().min(MAGIC.len());
    if bytes[..start] != MAGIC[..start] {
        return Err(VaultError::NotAVault { field: "magic" });
    }
    match u16::from_be_bytes(take(bytes, 8)?) {
        VERSION => {}
        0 => return Err(VaultError::NotAVault { field: "version" }),
        version => return Err(VaultError::NewerVersion { version }),
    }
    let mode = match take(bytes, 10)? {
        [1, 0] => Mode::OnePassword,
        [2, 0] => Mode::TwoPasswords,
        _ => return Err(VaultError::NotAVault { field: "mode" }),
    };
    let number = |at| take(bytes, at).map(u32::from_be_bytes);
    let (memory_kib, passes, lanes) = (number(12)?, number(16)?, number(20)?);
    let generation = u64::from_be_bytes(take(bytes, 24)?);
    let (vault, salt) = (Nonce(take(bytes, 32)?), Nonce(take(bytes, 64)?));
    Ok(Header { mode, cost: Cost::new(memory_kib, passes, lanes)?, generation, vault, salt })
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N]> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or(VaultError::Truncated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            mode: Mode::TwoPasswords,
            cost: Cost::new(64, 3, 1).unwrap(),
            generation: 7,
            vault: Nonce([1; 32]),
            salt: Nonce([2; 32]),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = header().to_bytes();
        assert_eq!(inspect(&bytes).unwrap(), header());
        assert_eq!(inspect(&[&bytes[..], b"more"].concat()).unwrap(), header());
    }

    #[test]
    fn every_shorter_header_is_cut_off() {
        let bytes = header().to_bytes();
        for length in 0..LENGTH {
            let error = inspect(&bytes[..length]).unwrap_err();
            assert!(matches!(error, VaultError::Truncated), "{length}: {error}");
        }
    }

    #[test]
    fn each_field_is_refused_by_name() {
        let altered = |at: usize, byte: u8| {
            let mut bytes = header().to_bytes();
            bytes[at] = byte;
            inspect(&bytes).unwrap_err().to_string()
        };
        assert_eq!(altered(0, b'w'), "not a vault: magic");
        assert_eq!(altered(9, 0), "not a vault: version");
        assert!(altered(9, 2).contains("version 2"));
        assert_eq!(altered(10, 3), "not a vault: mode");
        assert_eq!(altered(11, 1), "not a vault: mode");
        assert!(altered(12, 1).ends_with("memory_kib"));
        assert!(altered(19, 65).ends_with("passes"));
        assert!(altered(23, 0).ends_with("lanes"));
    }
}
