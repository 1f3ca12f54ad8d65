//! Fetching files that were bought (row B10): piece by piece, taken up where it broke off, compared
//! with what the signed quote has promised, and acknowledged with a signed receipt.

use crate::{Holder, HolderError, OrderRecord};
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};
use tokio::{
    fs::{self, File, OpenOptions},
    io::{AsyncReadExt, AsyncWriteExt},
};
use warifu_ports::StoreError;
use warifu_protocol::{
    AtFault, ProtocolError, Reason,
    encode::unb64,
    goods::{Content, FileHash, GoodsReceipt, MAX_PIECE, ReceivedFile},
    jws,
    quote::{QUOTE, Quote},
};
use warifu_types::{OrderId, Role};
use warifu_wire::{GoodsAnswer, GoodsQuestion, GoodsReceiptQuestion, StatusAnswer};

/// A file that is on the disk, whole and as promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// The item number.
    pub number: String,
    /// The item's name.
    pub name: String,
    /// Type, size and hash.
    pub content: Content,
    /// Where it lies.
    pub path: PathBuf,
}

/// A file that is being fetched: what is on the disk already, with its hash.
struct Partial {
    file: File,
    have: u64,
    hash: FileHash,
}

impl Holder {
    /// Fetches every file of an order into a folder, which must exist, and sends the receipt. What
    /// is there already is not fetched again, so that a download that broke off is taken up by
    /// calling this again. A file is named by its item number; no file is written over.
    pub async fn download(
        &self,
        id: OrderId,
        folder: &Path,
    ) -> Result<Vec<Downloaded>, HolderError> {
        let record = self.order(id).await?;
        let mut files = promised(&record)?;
        for file in &mut files {
            let name = file_name(&file.number);
            file.path = folder.join(&name);
            if !self.is_there(file).await? {
                self.fetch_file(&record, file, &folder.join(format!(".{name}.part"))).await?;
            }
        }
        self.acknowledge(&record, &files).await?;
        self.refresh(id).await?;
        Ok(files)
    }

    /// Whether the file is in its place; another one there is left alone.
    async fn is_there(&self, file: &Downloaded) -> Result<bool, HolderError> {
        match File::open(&file.path).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(disk(error)),
            Ok(found) => match read_all(found).await?.hash.finish() == file.content.sha256 {
                true => Ok(true),
                false => Err(HolderError::BadInput {
                    field: "folder",
                    problem: "has another file under the name of the item",
                }),
            },
        }
    }

    /// Fetches what is missing. If what lay there was spoilt, all of it is fetched once more.
    async fn fetch_file(
        &self,
        record: &OrderRecord,
        file: &Downloaded,
        part: &Path,
    ) -> Result<(), HolderError> {
        let Content { size, sha256, .. } = &file.content;
        loop {
            let mut partial = open_part(part, *size).await?;
            let taken_up = partial.have > 0;
            while partial.have < *size {
                let piece = self.piece(record, &file.number, partial.have, *size).await?;
                partial.file.write_all(&piece).await.map_err(disk)?;
                partial.hash.update(&piece);
                partial.have += piece.len() as u64;
            }
            partial.file.sync_all().await.map_err(disk)?;
            if partial.hash.finish() == *sha256 {
                return fs::rename(part, &file.path).await.map_err(disk);
            }
            fs::remove_file(part).await.map_err(disk)?;
            if !taken_up {
                return Err(wrong(Reason::Mismatch, "goods.sha256").into());
            }
        }
    }

    async fn piece(
        &self,
        record: &OrderRecord,
        item: &str,
        offset: u64,
        size: u64,
    ) -> Result<Vec<u8>, HolderError> {
        let length = u32::try_from(size - offset).unwrap_or(MAX_PIECE).min(MAX_PIECE);
        let question = GoodsQuestion { order: record.id, item: item.to_string(), offset, length };
        let answer: GoodsAnswer = self.ask(record, "goods", &question).await?;
        let piece = unb64(&answer.piece, AtFault::Role(Role::Merchant), "goods.piece")?;
        match (1..=length as usize).contains(&piece.len()) {
            true => Ok(piece),
            false => Err(wrong(Reason::BadValue, "goods.piece").into()),
        }
    }

    async fn acknowledge(
        &self,
        record: &OrderRecord,
        files: &[Downloaded],
    ) -> Result<(), HolderError> {
        let received = |file: &Downloaded| ReceivedFile {
            number: file.number.clone(),
            sha256: file.content.sha256,
        };
        let receipt = GoodsReceipt {
            iss: self.party().id(),
            aud: record.front.clone(),
            order: record.identity,
            files: files.iter().map(received).collect(),
            iat: self.party().now(),
        };
        let receipt = receipt.sign(self.party().terminal().signer.as_ref());
        let question = GoodsReceiptQuestion { order: record.id, receipt };
        // The caller asks for the status anew, and keeps it.
        let _: StatusAnswer = self.ask(record, "goods_receipt", &question).await?;
        Ok(())
    }
}

/// The files that the order's quote promises, by item number, as the receipt names them.
fn promised(record: &OrderRecord) -> Result<Vec<Downloaded>, HolderError> {
    let none = HolderError::BadInput { field: "order", problem: "has no files" };
    let Some(token) = &record.receipt.quote else { return Err(none) };
    // It was verified before the order was sealed with its hash.
    let quote: Quote = jws::peek(QUOTE, token, AtFault::Own)?;
    let mut files: Vec<Downloaded> = quote
        .lines
        .into_iter()
        .filter_map(|line| {
            let (number, name, path) = (line.number, line.name, PathBuf::new());
            line.content.map(|content| Downloaded { number, name, content, path })
        })
        .collect();
    files.sort_by(|one, other| one.number.cmp(&other.number));
    if files.is_empty() { Err(none) } else { Ok(files) }
}

/// A file's name, from its item number: letters, digits, `-`, `_` and inner dots as they are, every
/// other byte as `%` and two hex digits. So it stays in its folder, two numbers have two names, and
/// none is that of a partial file.
fn file_name(number: &str) -> String {
    use std::fmt::Write as _;
    let mut name = String::new();
    for (place, byte) in number.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if plain || (byte == b'.' && place > 0) {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02X}");
        }
    }
    name
}

/// Opens a partial file and reads what it has; one that is too long is emptied.
async fn open_part(part: &Path, size: u64) -> Result<Partial, HolderError> {
    let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
    let partial = read_all(open().open(part).await.map_err(disk)?).await?;
    if partial.have <= size {
        return Ok(partial);
    }
    partial.file.set_len(0).await.map_err(disk)?;
    read_all(open().open(part).await.map_err(disk)?).await
}

/// Reads a file to its end, where writing goes on.
async fn read_all(mut file: File) -> Result<Partial, HolderError> {
    let (mut have, mut hash) = (0, FileHash::default());
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = file.read(&mut buffer).await.map_err(disk)?;
        if count == 0 {
            return Ok(Partial { file, have, hash });
        }
        hash.update(&buffer[..count]);
        have += count as u64;
    }
}

fn disk(error: std::io::Error) -> HolderError {
    StoreError::Io { action: "keep a downloaded file", kind: error.kind() }.into()
}

fn wrong(reason: Reason, field: &'static str) -> ProtocolError {
    ProtocolError::new(AtFault::Role(Role::Merchant), reason, field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_folder() {
        for (number, name) in [
            ("D-100.pdf", "D-100.pdf"),
            ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"),
            (".", "%2E"),
            ("a\\b", "a%5Cb"),
            ("%41", "%2541"),
            ("本", "%E6%9C%AC"),
        ] {
            assert_eq!(file_name(number), name);
            assert!(!name.starts_with('.'));
        }
    }
}
