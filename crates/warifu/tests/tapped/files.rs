//! Every file of every party, as bytes, while the network works and after.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// The length of a trade's item numbers.
pub const ITEM_NUMBER: usize = 13;

/// What the files held at some time.
#[derive(Default)]
pub struct Files {
    seen: BTreeMap<PathBuf, Vec<Vec<u8>>>,
}

impl Files {
    /// Reads everything below `folder`.
    pub fn snapshot(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.snapshot(&path);
                continue;
            }
            match fs::read(&path) {
                Ok(bytes) => self.keep(path, bytes),
                // A database's side files come and go.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }

    /// A log that has grown holds what it held before.
    fn keep(&mut self, path: PathBuf, mut bytes: Vec<u8>) {
        blank_catalogue_keys(&mut bytes);
        let versions = self.seen.entry(path).or_default();
        match versions.last_mut() {
            Some(last) if bytes.starts_with(last) => *last = bytes,
            _ => versions.push(bytes),
        }
    }

    /// Every version of every file, by path.
    pub fn versions(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.seen.iter().flat_map(|(path, versions)| {
            versions.iter().map(|bytes| (path.as_path(), bytes.as_slice()))
        })
    }
}

/// Collections whose keys are item numbers, which everyone may read, and how long what stands before
/// the item number is: at a broker, the provider's number.
const CATALOGUES: [(&[u8], usize); 4] = [
    (b"merchant_items", 0),
    (b"merchant_stock", 0),
    (b"merchant_files", 0),
    (b"broker_services", b"P-000001/".len()),
];

/// The one exception: keys are not encrypted. In an SQLite row the key stands directly after the
/// collection's name; there, and nowhere else, an item number may stand.
fn blank_catalogue_keys(bytes: &mut [u8]) {
    for start in 0..bytes.len() {
        for (name, before) in CATALOGUES {
            let from = start + name.len() + before;
            if bytes[start..].starts_with(name) && from + ITEM_NUMBER <= bytes.len() {
                bytes[from..from + ITEM_NUMBER].fill(b'*');
            }
        }
    }
}
