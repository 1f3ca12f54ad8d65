//! The key file that opens a store.

use crate::OsEntropy;
use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};
use warifu_ports::Entropy;
use zeroize::Zeroizing;

/// 256 random bits from a file that only its owner can read. Wiped from memory when dropped.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// What is wrong with a key file, and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Others than the owner can read or write it.
    #[error("key file {path} is open to others (mode {mode:03o}); mend it: chmod 600 {path}")]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is not 32 bytes long.
    #[error("key file {path} is not 32 bytes long: not a key file, or a damaged one")]
    WrongLength {
        /// The file.
        path: PathBuf,
    },
    /// There is a file already, which may be the only key to a store.
    #[error("key file {path} exists already and is not overwritten")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("key file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl MasterKey {
    /// The key of these bytes: for tests, and for keys that come from elsewhere than a file.
    pub fn from_bytes(bytes: [u8; 32]) -> MasterKey {
        MasterKey(Zeroizing::new(bytes))
    }

    /// Reads a key file. Its mode must be 0600 or stricter.
    pub fn read(path: &Path) -> Result<MasterKey, KeyFileError> {
        let io = |source| KeyFileError::Io { path: path.to_path_buf(), source };
        let mut file = File::open(path).map_err(io)?;
        check_mode(&file, path)?;
        let mut key = Zeroizing::new([0; 32]);
        let wrong_length = || KeyFileError::WrongLength { path: path.to_path_buf() };
        match file.read_exact(&mut *key) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(wrong_length());
            }
            Err(error) => return Err(io(error)),
        }
        if file.read(&mut [0]).map_err(io)? == 0 { Ok(MasterKey(key)) } else { Err(wrong_length()) }
    }

    /// Makes a key and writes it to a new file of mode 0600.
    pub fn create(path: &Path) -> Result<MasterKey, KeyFileError> {
        let io = |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists => KeyFileError::Exists { path: path.to_path_buf() },
            _ => KeyFileError::Io { path: path.to_path_buf(), source },
        };
        let mut key = Zeroizing::new([0; 32]);
        OsEntropy.fill(&mut *key);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(io)?;
        file.write_all(&*key).map_err(io)?;
        file.sync_all().map_err(io)?;
        sync_folder(path).map_err(io)?;
        Ok(MasterKey(key))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Makes a new file's name durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

#[cfg(unix)]
fn check_mode(file: &File, path: &Path) -> Result<(), KeyFileError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata =
        file.metadata().map_err(|source| KeyFileError::Io { path: path.to_path_buf(), source })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(KeyFileError::OpenToOthers { path: path.to_path_buf(), mode })
    }
}

#[cfg(not(unix))]
fn check_mode(_: &File, _: &Path) -> Result<(), KeyFileError> {
    Ok(())
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt};

    #[test]
    fn created_for_the_owner_alone_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let made = MasterKey::create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(MasterKey::read(&path).unwrap().bytes(), made.bytes());
        assert_ne!(made.bytes(), &[0; 32]);
    }

    #[test]
    fn never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let made = MasterKey::create(&path).unwrap();
        assert!(matches!(MasterKey::create(&path), Err(KeyFileError::Exists { .. })));
        assert_eq!(MasterKey::read(&path).unwrap().bytes(), made.bytes());
    }

    #[test]
    fn open_to_others_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        MasterKey::create(&path).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o777] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = MasterKey::read(&path).unwrap_err();
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(MasterKey::read(&path).is_ok());
    }

    #[test]
    fn length_is_exact() {
        let folder = tempfile::tempdir().unwrap();
        for length in [0, 31, 33] {
            let path = folder.path().join(length.to_string());
            fs::write(&path, vec![1; length]).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert!(matches!(MasterKey::read(&path), Err(KeyFileError::WrongLength { .. })));
        }
        let missing = MasterKey::read(&folder.path().join("none"));
        assert!(matches!(missing, Err(KeyFileError::Io { .. })));
    }

    #[test]
    fn not_shown() {
        assert_eq!(format!("{:?}", MasterKey::from_bytes([7; 32])), "MasterKey(..)");
    }
}
