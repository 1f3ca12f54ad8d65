//! A folder for a run that leaves nothing behind.

use crate::Failure;
use std::path::{Path, PathBuf};

/// A folder; deleted at the end unless the user named it.
pub struct Scratch {
    folder: PathBuf,
    delete: bool,
}

impl Scratch {
    /// The named folder, or a new one among the machine's temporary files.
    pub fn new(named: Option<&Path>) -> Result<Scratch, Failure> {
        let (folder, delete) = match named {
            Some(folder) => (folder.to_path_buf(), false),
            None => {
                let mut name = [0; 8];
                getrandom::fill(&mut name)
                    .map_err(|_| Failure::input("entropy", "the machine gives none"))?;
                let name = format!("warifu-{:016x}", u64::from_be_bytes(name));
                (std::env::temp_dir().join(name), true)
            }
        };
        let file = |error| Failure::File { path: folder.clone(), error };
        std::fs::create_dir_all(&folder).map_err(file)?;
        Ok(Scratch { folder, delete })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.delete {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
