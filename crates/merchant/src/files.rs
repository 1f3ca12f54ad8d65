//! Files for sale: taken in from the operator, and read piece by piece (row B10).

use crate::{
    merchant::Merchant,
    records::{CONTENTS, FILES, ITEMS, StoredContent, UPLOADS},
    rules::goods::Goods,
};
use tokio::io::{AsyncRead, AsyncReadExt};
use warifu_ports::{StoreError, Unit};
use warifu_protocol::goods::{Content, FileHash, MAX_FILE};
use warifu_types::{Nonce, UnixTime};
use warifu_wire::Problem;

/// A file lies in the store in pieces of this many bytes.
pub const CHUNK: u64 = 64 * 1024;
/// Pieces that one job writes or removes.
const BATCH: u64 = 16;
/// The pieces, by upload and place. They are bytes, no JSON.
const CHUNKS: &str = "merchant_chunks";
/// An upload that was begun so many seconds ago has been broken off.
const UPLOAD_TIME: u64 = 86_400;

impl Merchant {
    /// Takes in the file of an item for download, in place of an earlier one: orders of the earlier
    /// one still get what they were promised. Returns what quotes promise from now on. The item is
    /// in the catalogue already; a problem names what is wrong, and then nothing has changed. The
    /// same file again changes nothing.
    pub async fn add_file(
        &self,
        item: &str,
        mut file: impl AsyncRead + Unpin + Send,
    ) -> Result<Content, Problem> {
        let media_type = self.media_type(item).await?;
        self.sweep_uploads().await?;
        let upload = Nonce(self.party.random32()).to_string();
        let (key, now) = (upload.clone(), self.party.now());
        self.store.run(move |unit| UPLOADS.put(unit, &key, &now)).await?;
        let taken_in = self.take_in(&upload, &mut file).await;
        let (size, sha256) = match taken_in {
            Ok(taken_in) => taken_in,
            Err(problem) => {
                self.discard(upload).await?;
                return Err(problem);
            }
        };
        let content = Content { media_type, size, sha256 };
        let (item, kept, from) = (item.to_string(), content.clone(), upload.clone());
        if !self.store.run(move |unit| keep(unit, &item, &kept, from)).await? {
            self.discard(upload).await?;
        }
        Ok(content)
    }

    async fn media_type(&self, item: &str) -> Result<String, Problem> {
        if item.is_empty() {
            return Err(Problem::not_found("item"));
        }
        let number = item.to_string();
        let found = self.store.run(move |unit| ITEMS.get(unit, &number)).await?;
        match found.ok_or_else(|| Problem::not_found("item"))?.goods {
            Goods::Download { media_type } => Ok(media_type),
            _ => Err(Problem::bad_value("item", "this item is not for download")),
        }
    }

    /// Reads a file to its end and writes it in pieces; returns its size and hash.
    async fn take_in(
        &self,
        upload: &str,
        file: &mut (impl AsyncRead + Unpin + Send),
    ) -> Result<(u64, warifu_types::Digest), Problem> {
        let unreadable = |_| Problem::bad_value("file", "the file cannot be read to its end");
        let (mut size, mut hash) = (0, FileHash::default());
        loop {
            let mut batch = Vec::new();
            let wanted = CHUNK * BATCH;
            file.take(wanted).read_to_end(&mut batch).await.map_err(unreadable)?;
            if batch.is_empty() {
                break;
            }
            let (at, read) = (size / CHUNK, batch.len() as u64);
            size += read;
            if size > MAX_FILE {
                return Err(Problem::bad_value("file", "a file has at most 4 GiB"));
            }
            hash.update(&batch);
            let upload = upload.to_string();
            let write = move |unit: &mut dyn Unit| {
                (at..).zip(batch.chunks(CHUNK as usize)).try_for_each(|(place, chunk)| {
                    unit.put(CHUNKS, &chunk_key(&upload, place), chunk)
                })
            };
            self.store.run::<_, StoreError>(write).await?;
            if read < wanted {
                break;
            }
        }
        match size {
            0 => Err(Problem::bad_value("file", "the file is empty")),
            size => Ok((size, hash.finish())),
        }
    }

    /// Removes what broken uploads have left.
    async fn sweep_uploads(&self) -> Result<(), Problem> {
        let now = self.party.now();
        let uploads = self.store.run(|unit| UPLOADS.scan(unit, "", 1000)).await?;
        let is_over = |begun: &UnixTime| begun.plus(UPLOAD_TIME) < now;
        for (upload, _) in uploads.into_iter().filter(|(_, begun)| is_over(begun)) {
            self.discard(upload).await?;
        }
        Ok(())
    }

    /// Removes an upload's pieces, and then its record.
    async fn discard(&self, upload: String) -> Result<(), StoreError> {
        let mut from = 0;
        loop {
            let upload = upload.clone();
            let remove = move |unit: &mut dyn Unit| {
                for place in from..from + BATCH {
                    if !unit.delete(CHUNKS, &chunk_key(&upload, place))? {
                        UPLOADS.delete(unit, &upload)?;
                        return Ok(true);
                    }
                }
                Ok::<_, StoreError>(false)
            };
            if self.store.run(remove).await? {
                return Ok(());
            }
            from += BATCH;
        }
    }
}

/// Keeps a file that has been taken in; `false` if its bytes are here already.
fn keep(
    unit: &mut dyn Unit,
    item: &str,
    content: &Content,
    upload: String,
) -> Result<bool, StoreError> {
    let key = content.sha256.to_string();
    FILES.put(unit, item, content)?;
    if CONTENTS.get(unit, &key)?.is_some() {
        return Ok(false);
    }
    UPLOADS.delete(unit, &upload)?;
    CONTENTS.put(unit, &key, &StoredContent { upload })?;
    Ok(true)
}

/// Some bytes of a file, from `from` up to but without `to`, which are within the file.
pub fn read(
    unit: &mut dyn Unit,
    content: &Content,
    from: u64,
    to: u64,
) -> Result<Vec<u8>, StoreError> {
    let corrupt = || StoreError::Corrupt { collection: CHUNKS.to_string() };
    let stored = CONTENTS.get(unit, &content.sha256.to_string())?.ok_or_else(corrupt)?;
    let mut bytes = Vec::with_capacity((to - from) as usize);
    let mut at = from;
    while at < to {
        let chunk = unit.get(CHUNKS, &chunk_key(&stored.upload, at / CHUNK))?;
        let chunk = chunk.ok_or_else(corrupt)?;
        let start = at % CHUNK;
        let end = (start + to - at).min(CHUNK);
        let piece = chunk.get(start as usize..end as usize).ok_or_else(corrupt)?;
        bytes.extend_from_slice(piece);
        at += end - start;
    }
    Ok(bytes)
}

fn chunk_key(upload: &str, place: u64) -> String {
    format!("{upload}/{place:08x}")
}
