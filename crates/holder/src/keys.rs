//! Another signature key (row B4), by a telegram that the old one signs.

use crate::{
    HolderError,
    joining::{Fresh, same_network},
    records::{HISTORY, Membership, OWN, TELEGRAMS, TelegramRecord},
    staged::{self, Staged},
    telegrams::{Draft, Writer, note_answer, waiting},
};
use std::sync::Arc;
use warifu_ports::{Collection, Store, StoreError, Unit};
use warifu_protocol::{
    AtFault, ProtocolError, Reason,
    enrolment::Enrolment,
    telegram::{Instruction, KeyChange, Outcome, TELEGRAM_LIFETIME},
};
use warifu_types::{Nonce, Role, UnixTime};
use warifu_vault::{Entry, EntryKind};
use warifu_wire::identity;

/// The change that waits, under [`OWN`]: the id of its telegram.
const CHANGE: Collection<Nonce> = Collection::new("key_change");
/// What makes up the terminal's own keys. The shares follow from the identifier, but come encrypted
/// to the new key, so they are replaced with it.
const OWN_KEYS: [&str; 2] = ["identity", "identity_shares"];

/// Changes the key: makes a new one beside the old, tells the center with a telegram that the old
/// one signs, and puts the new one in force once the center has entered it. After a crash the same
/// call takes the change up.
pub async fn change_key(
    store: &Arc<dyn Store>,
    writer: &Writer,
    membership: &Membership,
    fresh: Fresh,
) -> Result<(), HolderError> {
    let now = fresh.now;
    let telegram = match begun(store).await? {
        Some(telegram) => telegram,
        None => begin(store, writer, fresh).await?,
    };
    let (answer, outcome) = match writer.hear(&telegram).await {
        Ok(heard) => heard,
        Err(error) => {
            if let Some(problem) = error.definite() {
                give_up(store, telegram.jti, Err(problem.code.clone())).await?;
            }
            return Err(error.into());
        }
    };
    match outcome {
        Outcome::Registered(enrolment) => {
            same_network(membership, &enrolment)?;
            finish(store, membership, (telegram.jti, answer), *enrolment, now).await
        }
        Outcome::Refused { reason, field } => {
            give_up(store, telegram.jti, Ok(answer)).await?;
            Err(HolderError::Refused { reason, field })
        }
        _ => {
            let at_fault = AtFault::Role(Role::Center);
            Err(ProtocolError::new(at_fault, Reason::Mismatch, "telegram_answer.outcome").into())
        }
    }
}

async fn begun(store: &Arc<dyn Store>) -> Result<Option<TelegramRecord>, HolderError> {
    let read = |unit: &mut dyn Unit| match CHANGE.get(unit, OWN)? {
        Some(jti) => TELEGRAMS.get(unit, &jti.to_string()),
        None => Ok(None),
    };
    Ok(store.run(read).await?)
}

async fn begin(
    store: &Arc<dyn Store>,
    writer: &Writer,
    fresh: Fresh,
) -> Result<TelegramRecord, HolderError> {
    let Fresh { now, mut random, jti } = fresh;
    let make = move |unit: &mut dyn Unit| {
        // The center takes nothing more from the old key.
        if !waiting(unit)?.is_empty() {
            return Err(HolderError::TelegramsWait);
        }
        for collection in OWN_KEYS {
            staged::forget(unit, collection)?;
        }
        let wish = identity::wish(unit)?;
        Ok(identity::request(&mut Staged(unit), &wish, now, &mut random)?)
    };
    let enrolment = store.run(make).await?;
    let instruction = Instruction::ChangeKey(Box::new(KeyChange { enrolment }));
    let draft = Draft { jti, instruction, now, exp: now.plus(TELEGRAM_LIFETIME) };
    let telegram = writer.write(store, draft).await?;
    let kept = telegram.clone();
    let keep = move |unit: &mut dyn Unit| {
        TELEGRAMS.put(unit, &jti.to_string(), &kept)?;
        CHANGE.put(unit, OWN, &jti)
    };
    store.run(keep).await?;
    Ok(telegram)
}

async fn finish(
    store: &Arc<dyn Store>,
    membership: &Membership,
    (jti, answer): (Nonce, String),
    enrolment: Enrolment,
    now: UnixTime,
) -> Result<(), HolderError> {
    let center = membership.center.to_string();
    let work = move |unit: &mut dyn Unit| {
        identity::accept(&mut Staged(unit), &enrolment, now)?;
        for collection in OWN_KEYS {
            staged::put_in_force(unit, collection)?;
        }
        note_answer(unit, jti, Ok(answer))?;
        CHANGE.delete(unit, OWN)?;
        let key = jti.to_string();
        let entry = Entry {
            at: now,
            kind: EntryKind::Note,
            party: center,
            goods: "another signature key".to_string(),
            amount: None,
            reference: Some(key.clone()),
        };
        HISTORY.insert(unit, &key, &entry)?;
        Ok::<_, HolderError>(())
    };
    store.run(work).await
}

/// The center does not take the new key: the old one stays.
async fn give_up(
    store: &Arc<dyn Store>,
    jti: Nonce,
    answer: Result<String, String>,
) -> Result<(), HolderError> {
    let work = move |unit: &mut dyn Unit| {
        note_answer(unit, jti, answer)?;
        CHANGE.delete(unit, OWN)?;
        OWN_KEYS.iter().try_for_each(|collection| staged::forget(unit, collection))?;
        Ok::<_, StoreError>(())
    };
    Ok(store.run(work).await?)
}
