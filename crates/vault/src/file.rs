//! The vault's file: read whole, replaced whole, by one program at a time.

use crate::error::{Result, VaultError};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// The greatest vault that is read or written, in bytes.
pub const MAX_FILE: usize = 64 * 1024 * 1024;

/// How often the lock is tried, and how long is slept between two tries.
const LOCK_TRIES: u32 = 2_000;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Where a vault lies, with its files beside it.
#[derive(Debug, Clone)]
pub(crate) struct Place(PathBuf);

/// Held while the vault or a file beside it is read and written. Let go when dropped.
pub(crate) struct Lock(#[allow(dead_code, reason = "an open file is the lock")] File);

impl Place {
    /// Follows links, so that two names of one vault have one lock, and a link is not replaced by
    /// a file.
    pub(crate) fn new(path: &Path) -> Place {
        Place(fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A file beside the vault: its name, a dot and the ending.
    pub(crate) fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.0.as_os_str().to_os_string();
        name.push(".");
        name.push(ending);
        PathBuf::from(name)
    }

    /// Waits its turn for some seconds. The lock's own file stays: removing it would let two in.
    pub(crate) fn lock(&self) -> Result<Lock> {
        let path = self.beside("lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        for_owner_alone(&mut options);
        let file = options.open(&path).map_err(io_at(&path))?;
        for _ in 0..LOCK_TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(Lock(file)),
                Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(source)) => return Err(VaultError::Io { path, source }),
            }
        }
        Err(VaultError::Busy)
    }

    pub(crate) fn exists(&self) -> bool {
        fs::symlink_metadata(&self.0).is_ok()
    }

    pub(crate) fn read(&self) -> Result<Vec<u8>> {
        read(&self.0)
    }

    /// Puts new bytes in the vault's place, durably: until the rename the old ones are there.
    pub(crate) fn replace(&self, _held: &Lock, bytes: &[u8]) -> Result<()> {
        let new = self.beside("new");
        discard(&new)?;
        write_new(&new, bytes, Durable::Yes)?;
        fs::rename(&new, &self.0).map_err(io_at(&self.0))?;
        sync_folder(&self.0)
    }

    /// Replaces a file beside the vault whose loss is noticed and does no harm.
    pub(crate) fn replace_beside(&self, _held: &Lock, ending: &str, bytes: &[u8]) -> Result<()> {
        let (new, path) = (self.beside(&format!("{ending}.new")), self.beside(ending));
        discard(&new)?;
        write_new(&new, bytes, Durable::No)?;
        fs::rename(&new, &path).map_err(io_at(&path))
    }
}

/// Whether written bytes are to survive a loss of power.
enum Durable {
    Yes,
    No,
}

/// A file, whole, if it is not too large.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(io_at(path))?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes).map_err(io_at(path))?;
    if bytes.len() > MAX_FILE { Err(VaultError::TooLarge) } else { Ok(bytes) }
}

/// Writes a copy for the owner alone, durably, where there is no file yet.
pub(crate) fn write_copy(path: &Path, bytes: &[u8]) -> Result<()> {
    match write_new(path, bytes, Durable::Yes) {
        Err(VaultError::Io { path, source }) if source.kind() == io::ErrorKind::AlreadyExists => {
            Err(VaultError::Exists { path })
        }
        written => written.and_then(|()| sync_folder(path)),
    }
}

/// Takes away what an earlier, unfinished write left.
fn discard(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_at(path)(error)),
        _ => Ok(()),
    }
}

/// Writes a file for the owner alone where there is none; a link there is not followed.
fn write_new(path: &Path, bytes: &[u8], durable: Durable) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    for_owner_alone(&mut options);
    let mut file = options.open(path).map_err(io_at(path))?;
    file.write_all(bytes).map_err(io_at(path))?;
    match durable {
        Durable::Yes => file.sync_all().map_err(io_at(path)),
        Durable::No => Ok(()),
    }
}

/// Makes a new file's name durable.
fn sync_folder(path: &Path) -> Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io_at(folder))
}

#[cfg(unix)]
fn for_owner_alone(options: &mut OpenOptions) {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}

#[cfg(not(unix))]
fn for_owner_alone(_: &mut OpenOptions) {}

fn io_at(path: &Path) -> impl Fn(io::Error) -> VaultError {
    let path = path.to_path_buf();
    move |source| VaultError::Io { path: path.clone(), source }
}
