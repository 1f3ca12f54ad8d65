//! Passwords of members: Argon2id (RFC 9106), at most two at a time, and always the same work.

use crate::records::PasswordRecord;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;
use warifu_wire::Problem;
use zeroize::Zeroizing;

/// Passwords that are stretched at once; others wait.
const AT_ONCE: usize = 2;
/// Others that wait; more are sent away.
const WAITING: usize = 64;

/// Stretches passwords.
pub(crate) struct Stretcher {
    places: Semaphore,
    queue: Semaphore,
    cost: (u32, u32),
}

impl Stretcher {
    pub fn new(cost: (u32, u32)) -> Stretcher {
        Stretcher { places: Semaphore::new(AT_ONCE), queue: Semaphore::new(WAITING), cost }
    }

    /// A new password's record.
    pub async fn record(&self, password: &str, salt: [u8; 32]) -> Result<PasswordRecord, Problem> {
        let (memory_kib, passes) = self.cost;
        let hash = self.stretch(password, salt.to_vec(), self.cost).await?;
        let (salt, hash) = (URL_SAFE_NO_PAD.encode(salt), URL_SAFE_NO_PAD.encode(hash.as_slice()));
        Ok(PasswordRecord { salt, hash, memory_kib, passes })
    }

    /// Whether a password is the record's. Without a record the same work is done, and the answer is
    /// no: the time does not tell which members there are.
    pub async fn is_right(
        &self,
        password: &str,
        record: Option<&PasswordRecord>,
    ) -> Result<bool, Problem> {
        let salt = record.and_then(|record| URL_SAFE_NO_PAD.decode(&record.salt).ok());
        let cost = record.map_or(self.cost, |record| (record.memory_kib, record.passes));
        let hash = self.stretch(password, salt.unwrap_or_else(|| vec![0; 32]), cost).await?;
        let known = record.and_then(|record| URL_SAFE_NO_PAD.decode(&record.hash).ok());
        Ok(known.is_some_and(|known| bool::from(known.as_slice().ct_eq(hash.as_slice()))))
    }

    async fn stretch(
        &self,
        password: &str,
        salt: Vec<u8>,
        (memory_kib, passes): (u32, u32),
    ) -> Result<Zeroizing<[u8; 32]>, Problem> {
        let busy = || Problem::new(429, "busy", "too many log in at once; try again", None);
        let _queued = self.queue.try_acquire().map_err(|_| busy())?;
        let _place = self.places.acquire().await.map_err(|_| busy())?;
        let password: Zeroizing<String> = Zeroizing::new(password.nfkc().collect());
        let work = move || -> Option<Zeroizing<[u8; 32]>> {
            let params = Params::new(memory_kib, passes, 1, Some(32)).ok()?;
            let mut memory = Zeroizing::new(vec![Block::new(); params.block_count()]);
            let mut hash = Zeroizing::new([0; 32]);
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                .hash_password_into_with_memory(
                    password.as_bytes(),
                    &salt,
                    &mut *hash,
                    memory.as_mut_slice(),
                )
                .ok()?;
            Some(hash)
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.ok().flatten().ok_or_else(Problem::internal)
    }
}

/// Refuses a new password that is too short or too long.
pub(crate) fn check_new(password: &str) -> Result<(), Problem> {
    if password.chars().count() < 10 || password.len() > 1_024 {
        return Err(Problem::bad_value("password", "10 characters or more, at most 1,024 bytes"));
    }
    Ok(())
}
