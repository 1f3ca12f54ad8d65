//! What is kept of a telegram: the token as it came, with its signature, and the answer. The
//! same token again gives the same answer; the same id or number with another token is refused.

use super::enclosures::behind;
use crate::{
    joining::records::{Ended, KEYS, KeyRecord, key_place},
    settlement::Settlement,
};
use serde::{Deserialize, Serialize};
use warifu_ports::{Collection, StoreError, Unit};
use warifu_protocol::{
    ProtocolError, Reason,
    jws::Unsigned,
    signer::VerifyingKey,
    telegram::{Instruction, Outcome, Telegram, TelegramAnswer, identity},
};
use warifu_types::{Digest, Identifier, Nonce, UnixTime};
use warifu_wire::Problem;

/// Telegrams, by telegram id and member. They are kept for ever.
const TELEGRAMS: Collection<TelegramRecord> = Collection::new("center_telegrams");
/// Telegram ids, by member, key and number.
const SEQUENCE: Collection<Nonce> = Collection::new("center_telegram_numbers");

/// The same documents as [`KEYS`], read without the key: taking one out of its bytes costs more than
/// all else that a job looks up.
const STANDINGS: Collection<Standing> = Collection::new(KEYS.name());

/// Whether a key has ended.
#[derive(Deserialize)]
struct Standing {
    ended: Option<(Ended, UnixTime)>,
}

/// A telegram that was acted on.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TelegramRecord {
    identity: Digest,
    /// The token; none for a question, which changes nothing.
    token: Option<String>,
    /// The answer; none for a question, and while an issuer is asked.
    answer: Option<Unsigned>,
    at: UnixTime,
}

/// A telegram that was acted on, with what verifies it again at any later time (row B13).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TelegramEvidence {
    /// The token as it came.
    pub token: String,
    /// The credentials and the form that a payment names by their hashes.
    pub enclosures: Vec<String>,
    /// The center's signed answer; none while it is still to come.
    pub answer: Option<String>,
    /// The key that the member had then.
    pub key: VerifyingKey,
    /// When that key was entered, in seconds since 1970.
    pub key_from: UnixTime,
    /// When the telegram was taken, in seconds since 1970.
    pub at: UnixTime,
}

impl Settlement {
    /// A telegram that was acted on; none for a question, or if there is no such telegram.
    pub async fn telegram_evidence(
        &self,
        member: &Identifier,
        telegram: &Nonce,
    ) -> Result<Option<TelegramEvidence>, Problem> {
        let (place, signer) = (place(member, telegram), self.signer());
        let work = move |unit: &mut dyn Unit| {
            let Some(record) = TELEGRAMS.get(unit, &place)? else { return Ok(None) };
            let Some(token) = record.token else { return Ok(None) };
            let claims = Telegram::peek(&token)?;
            let key = KEYS.get(unit, &key_place(&claims.iss, &claims.key))?;
            let KeyRecord { key, from: key_from, .. } = key.ok_or_else(Problem::internal)?;
            let enclosures = match &claims.instruction {
                Instruction::Pay(payment) => behind(unit, payment)?,
                _ => Vec::new(),
            };
            let at = record.at;
            let answer = record.answer.map(|answer| answer.sign(signer.as_ref()));
            Ok(Some(TelegramEvidence { token, enclosures, answer, key, key_from, at }))
        };
        self.store.run(work).await
    }
}

/// A verified telegram on its way into the records, without its instruction.
#[derive(Clone)]
pub(crate) struct Entry {
    pub telegram: Claims,
    pub token: String,
    pub identity: Digest,
    pub now: UnixTime,
}

/// Whose telegram it is, and which.
#[derive(Clone)]
pub(crate) struct Claims {
    pub iss: Identifier,
    pub aud: Identifier,
    pub key: String,
    pub jti: Nonce,
    pub seq: u64,
}

impl Entry {
    /// Takes a telegram apart: what is recorded, and what is to be done.
    pub fn new(telegram: Telegram, token: String, now: UnixTime) -> (Entry, Instruction) {
        let Telegram { iss, aud, key, jti, seq, instruction, .. } = telegram;
        let telegram = Claims { iss, aud, key, jti, seq };
        (Entry { identity: identity(&token), telegram, token, now }, instruction)
    }

    /// Where the telegram lies.
    pub fn place(&self) -> String {
        place(&self.telegram.iss, &self.telegram.jti)
    }

    /// The answer.
    pub fn answer(&self, outcome: Outcome) -> Unsigned {
        let answer = TelegramAnswer {
            iss: self.telegram.aud.clone(),
            aud: self.telegram.iss.clone(),
            telegram: self.identity,
            outcome,
            iat: self.now,
        };
        answer.unsigned()
    }
}

/// Where a telegram lies: those of one time lie beside one another.
pub(crate) fn place(member: &Identifier, telegram: &Nonce) -> String {
    format!("{telegram}/{member}")
}

/// The token of a telegram that was acted on.
pub(crate) fn token_at(unit: &mut dyn Unit, place: &str) -> Result<Option<String>, StoreError> {
    Ok(TELEGRAMS.get(unit, place)?.and_then(|record| record.token))
}

/// What is known of a telegram.
pub(crate) enum Known {
    /// Nothing.
    New,
    /// It was taken, and has no lasting answer (yet).
    Taken,
    /// The answer.
    Answered(Unsigned),
}

/// What is known of a telegram; another one of the same id is a conflict.
pub(crate) fn known(unit: &mut dyn Unit, place: &str, identity: &Digest) -> Result<Known, Problem> {
    Ok(match TELEGRAMS.get(unit, place)? {
        None => Known::New,
        Some(record) if record.identity != *identity => {
            return Err(Problem::conflict("telegram.jti"));
        }
        Some(record) => record.answer.map_or(Known::Taken, Known::Answered),
    })
}

/// The stored answer, if there is one.
pub(crate) fn repeated(
    unit: &mut dyn Unit,
    place: &str,
    identity: &Digest,
) -> Result<Option<Unsigned>, Problem> {
    Ok(match known(unit, place, identity)? {
        Known::Answered(answer) => Some(answer),
        Known::New | Known::Taken => None,
    })
}

/// Takes a telegram's number under its key; refuses a number that came under another id, and a key
/// that has ended meanwhile.
fn take_number(unit: &mut dyn Unit, entry: &Entry) -> Result<(), Problem> {
    key_of(unit, entry)?.map_or(Ok(()), |why| Err(ended(why)))?;
    enter_number(unit, entry)
}

/// Refuses a number that came under another id.
fn enter_number(unit: &mut dyn Unit, entry: &Entry) -> Result<(), Problem> {
    let Claims { iss, key, seq, jti, .. } = &entry.telegram;
    let place = format!("{}/{seq:020}", key_place(iss, key));
    if !SEQUENCE.insert(unit, &place, jti)? && SEQUENCE.get(unit, &place)? != Some(*jti) {
        let text = "this number came before under another id: the terminal may have been copied";
        return Err(Problem::new(409, "sequence_used", text, Some("telegram.seq")));
    }
    Ok(())
}

/// Why the key of a telegram has ended, if it has. Nothing more is said to a key that was revoked.
fn key_of(unit: &mut dyn Unit, entry: &Entry) -> Result<Option<Ended>, Problem> {
    let Claims { iss, key, .. } = &entry.telegram;
    let record = STANDINGS.get(unit, &key_place(iss, key))?.ok_or_else(unknown_key)?;
    match record.ended {
        Some((Ended::Revoked, _)) => Err(ended(Ended::Revoked)),
        other => Ok(other.map(|(why, _)| why)),
    }
}

/// The member has no such key.
pub(crate) fn unknown_key() -> Problem {
    ProtocolError::sender(Reason::UnknownKey, "telegram.key").into()
}

/// The key is not the member's any more.
pub(crate) fn ended(why: Ended) -> Problem {
    let (code, text) = match why {
        Ended::Replaced => ("key_replaced", "the member has changed this key"),
        Ended::Revoked => ("key_revoked", "this key was revoked"),
    };
    Problem::new(403, code, text, Some("telegram.key"))
}

/// Notes a question, which is answered anew each time.
pub(crate) fn note(unit: &mut dyn Unit, entry: &Entry) -> Result<(), Problem> {
    if let Known::New = known(unit, &entry.place(), &entry.identity)? {
        take_number(unit, entry)?;
        put(unit, entry, None, None)?;
    }
    Ok(())
}

/// Takes a telegram whose answer is still to come. Whether it is new.
pub(crate) fn take(unit: &mut dyn Unit, entry: &Entry) -> Result<bool, Problem> {
    if !matches!(known(unit, &entry.place(), &entry.identity)?, Known::New) {
        return Ok(false);
    }
    take_number(unit, entry)?;
    put(unit, entry, Some(entry.token.clone()), None)?;
    Ok(true)
}

/// Stores a telegram's answer, for ever.
pub(crate) fn store(
    unit: &mut dyn Unit,
    entry: &Entry,
    outcome: Outcome,
) -> Result<Unsigned, Problem> {
    if let Known::New = known(unit, &entry.place(), &entry.identity)? {
        take_number(unit, entry)?;
    }
    let answer = entry.answer(outcome);
    put(unit, entry, Some(entry.token.clone()), Some(answer.clone()))?;
    Ok(answer)
}

fn put(
    unit: &mut dyn Unit,
    entry: &Entry,
    token: Option<String>,
    answer: Option<Unsigned>,
) -> Result<(), Problem> {
    let record = TelegramRecord { identity: entry.identity, token, answer, at: entry.now };
    Ok(TELEGRAMS.put(unit, &entry.place(), &record)?)
}

/// Acts on a telegram once: the stored answer, or what `work` comes to, stored. A definite no of
/// `work`, which then must not have changed anything, is a stored refusal; a failure that
/// may pass is stored nowhere.
pub(crate) fn act(
    unit: &mut dyn Unit,
    entry: &Entry,
    work: impl FnOnce(&mut dyn Unit) -> Result<Outcome, Problem>,
) -> Result<Unsigned, Problem> {
    let key_ended = key_of(unit, entry)?;
    if let Some(answer) = repeated(unit, &entry.place(), &entry.identity)? {
        return Ok(answer);
    }
    // First, so that a telegram that may not count does not act.
    key_ended.map_or(Ok(()), |why| Err(ended(why)))?;
    enter_number(unit, entry)?;
    let outcome = match work(unit) {
        Ok(outcome) => outcome,
        Err(problem) if problem.is_temporary() => return Err(problem),
        Err(problem) => refusal(problem),
    };
    let answer = entry.answer(outcome);
    put(unit, entry, Some(entry.token.clone()), Some(answer.clone()))?;
    Ok(answer)
}

/// A problem as a lasting answer.
pub(crate) fn refusal(problem: Problem) -> Outcome {
    Outcome::Refused { reason: problem.code, field: problem.field }
}
