//! Telegrams at the terminal: numbered, signed, kept, sent, and sent again as the same bytes (row B6).

use crate::{
    HolderError, Line,
    records::{SEQUENCE, TELEGRAMS, TelegramRecord},
};
use std::sync::Arc;
use warifu_ports::{Store, StoreError, Unit};
use warifu_protocol::{
    credential::Credential,
    signer::Signer,
    telegram::{Instruction, Outcome, Telegram, TelegramAnswer, key_id},
};
use warifu_types::{Identifier, Nonce, UnixTime};
use warifu_wire::CallError;

/// How long a question to the center is good for, in seconds.
pub(crate) const QUESTION_LIFETIME: u64 = 300;
/// After a restoration numbers go on from the second times this, which no terminal reaches by
/// counting from there: it would have to sign as many telegrams within one second.
const AFTER_RESTORING: u64 = 1 << 16;

/// Who writes telegrams, and to whom.
#[derive(Clone)]
pub struct Writer {
    /// The member.
    pub member: Identifier,
    /// The key that signs, which is or will be registered.
    pub signer: Arc<dyn Signer>,
    /// The center's checked credential.
    pub center: Arc<Credential>,
    /// The line to it.
    pub line: Arc<dyn Line>,
}

/// What a telegram is to say.
pub(crate) struct Draft {
    pub jti: Nonce,
    pub instruction: Instruction,
    pub now: UnixTime,
    pub exp: UnixTime,
}

impl Writer {
    /// The id of the key that signs.
    pub(crate) fn key(&self) -> String {
        key_id(&self.signer.verifying_key())
    }

    /// Takes the next number, durably, and then signs. A number whose telegram was never kept stays
    /// unused.
    pub(crate) async fn write(
        &self,
        store: &Arc<dyn Store>,
        draft: Draft,
    ) -> Result<TelegramRecord, HolderError> {
        let key = self.key();
        let take = move |unit: &mut dyn Unit| take_number(unit, &key);
        let seq = store.run(take).await?;
        let word = draft.instruction.word().to_string();
        let telegram = Telegram {
            iss: self.member.clone(),
            aud: self.center.sub.clone(),
            key: self.key(),
            jti: draft.jti,
            seq,
            instruction: draft.instruction,
            iat: draft.now,
            exp: draft.exp,
        };
        Ok(TelegramRecord {
            jti: draft.jti,
            seq,
            word,
            made: draft.now,
            exp: draft.exp,
            token: telegram.sign(self.signer.as_ref()),
            answer: None,
            refused: None,
        })
    }

    /// The center's verified answer: the one that is kept, or the one that comes now.
    pub(crate) async fn hear(
        &self,
        record: &TelegramRecord,
    ) -> Result<(String, Outcome), CallError> {
        let token = match &record.answer {
            Some(answer) => answer.clone(),
            None => self.line.send(&record.token).await?,
        };
        let answer = TelegramAnswer::verify(&token, &self.center, &self.member, &record.token)?;
        Ok((token, answer.outcome))
    }

    /// Asks how something stands. The question changes nothing, so it is not kept.
    pub(crate) async fn ask(
        &self,
        store: &Arc<dyn Store>,
        (jti, now): (Nonce, UnixTime),
        instruction: Instruction,
    ) -> Result<Outcome, HolderError> {
        let draft = Draft { jti, instruction, now, exp: now.plus(QUESTION_LIFETIME) };
        let record = self.write(store, draft).await?;
        match self.hear(&record).await?.1 {
            Outcome::Refused { reason, field } => Err(HolderError::Refused { reason, field }),
            outcome => Ok(outcome),
        }
    }
}

/// The next number of a key, which is not used again.
fn take_number(unit: &mut dyn Unit, key: &str) -> Result<u64, StoreError> {
    let next = SEQUENCE.get(unit, key)?.unwrap_or(0);
    SEQUENCE.put(unit, key, &(next + 1))?;
    Ok(next)
}

/// Goes on with numbers that no telegram has which was signed after a backup was made: to be called
/// once when a backup was put in place, before anything is signed.
pub fn after_restoring(unit: &mut dyn Unit, key: &str, now: UnixTime) -> Result<(), StoreError> {
    let next = SEQUENCE.get(unit, key)?.unwrap_or(0);
    SEQUENCE.put(unit, key, &next.max(now.0.saturating_mul(AFTER_RESTORING)))
}

/// Keeps what the center has said of a telegram.
pub(crate) fn note_answer(
    unit: &mut dyn Unit,
    jti: Nonce,
    answer: Result<String, String>,
) -> Result<(), StoreError> {
    let key = jti.to_string();
    let Some(mut record) = TELEGRAMS.get(unit, &key)? else { return Ok(()) };
    match answer {
        Ok(token) => record.answer = Some(token),
        Err(code) => record.refused = Some(code),
    }
    TELEGRAMS.put(unit, &key, &record)
}

/// Every telegram that the center has still to answer.
pub(crate) fn waiting(unit: &mut dyn Unit) -> Result<Vec<TelegramRecord>, StoreError> {
    let mut all = crate::records::all(unit, TELEGRAMS)?;
    all.retain(TelegramRecord::waits);
    Ok(all)
}
