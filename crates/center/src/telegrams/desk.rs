//! The desk where telegrams are verified and given to whoever acts on them.

use super::{
    guard::too_often,
    record::{self, Entry, Known, ended, note, place, unknown_key},
};
use crate::{
    joining::records::{Ended, KEYS, KeyRecord, NUMBERS, key_place},
    settlement::Settlement,
};
use std::sync::Arc;
use warifu_ports::{Unit, holds::CardId};
use warifu_protocol::{
    joining::{Message, Reply},
    telegram::{Instruction, Outcome, Telegram, identity},
};
use warifu_types::Nonce;
use warifu_wire::Problem;

impl Settlement {
    /// Answers what is said in a session; beside a problem, perhaps, when to come again, in seconds.
    pub(crate) async fn hear(
        self: &Arc<Self>,
        session: Nonce,
        message: Message,
    ) -> (Result<Reply, Problem>, Option<u64>) {
        let now = self.party.now();
        let (of_member, unknown) = match &message {
            Message::Telegram(token) => match Telegram::peek(token) {
                Ok(Telegram { instruction: Instruction::Register(_), .. }) => (None, true),
                Ok(telegram) => (Some(telegram), false),
                Err(error) => return (Err(error.into()), None),
            },
            _ => (None, true),
        };
        if unknown && let Err(seconds) = self.guard.application(session, now) {
            return (Err(too_often()), Some(seconds));
        }
        let answer = match (message, of_member) {
            (Message::Join { kind }, _) => self.join(kind).await,
            (Message::Apply(application), _) => self.apply(*application).await,
            (Message::Telegram(token), None) => self.register(token).await.map(Reply::Answer),
            (Message::Telegram(token), Some(claimed)) => {
                match self.telegram(token, claimed).await {
                    Ok(answer) => Ok(Reply::Answer(answer)),
                    Err(Refused::No(problem)) => Err(problem),
                    Err(Refused::Later(seconds)) => return (Err(too_often()), Some(seconds)),
                }
            }
        };
        (answer, None)
    }

    /// A member's telegram. `claimed` is not verified yet.
    async fn telegram(
        self: &Arc<Self>,
        token: String,
        claimed: Telegram,
    ) -> Result<String, Refused> {
        let now = self.party.now();
        let (key, known) = self.look_up(&token, &claimed).await?;
        let telegram = Telegram::verify(&token, &key.key, &self.party.id())?;
        if let Some((Ended::Revoked, _)) = key.ended {
            return Err(ended(Ended::Revoked).into());
        }
        let recorded = telegram.instruction.is_recorded();
        let known = known?;
        if let Known::Answered(answer) = known {
            return Ok(answer);
        }
        if let Some((why, _)) = key.ended {
            return Err(ended(why).into());
        }
        // What was taken in its time is answered also after it.
        if !(recorded && matches!(known, Known::Taken)) {
            telegram.check_time(now)?;
        }
        self.guard.telegram(&telegram.iss, now).map_err(Refused::Later)?;
        tracing::info!(instruction = telegram.instruction.word(), "telegram");
        Ok(self.act_on(Entry::new(telegram, token, now)).await?)
    }

    async fn act_on(self: &Arc<Self>, entry: Entry) -> Result<String, Problem> {
        match entry.telegram.instruction.clone() {
            Instruction::TopUp(wish) => self.top_up(entry, *wish).await,
            Instruction::TopUpStatus { telegram } => self.top_up_status(entry, telegram).await,
            Instruction::Pay(payment) => self.pay(entry, *payment).await,
            Instruction::Balance { card } => self.card_balance(entry, card).await,
            Instruction::ChangeKey(change) => self.change_key(entry, *change).await,
            Instruction::Register(_) => Err(Problem::internal()),
        }
    }

    /// The key that a telegram says it is signed with, and what is known of the telegram; that
    /// another one has its id counts only once the signature is verified.
    async fn look_up(
        &self,
        token: &str,
        claimed: &Telegram,
    ) -> Result<(KeyRecord, Result<Known, Problem>), Problem> {
        let member = claimed.iss.clone();
        let key = key_place(&claimed.iss, &claimed.key);
        let (place, identity) = (place(claimed), identity(token));
        let work = move |unit: &mut dyn Unit| {
            if NUMBERS.get(unit, member.as_str())?.is_none() {
                let text = "nobody is registered under this identifier";
                return Err(Problem::new(403, "unknown_member", text, Some("telegram.iss")));
            }
            let key = KEYS.get(unit, &key)?.ok_or_else(unknown_key)?;
            Ok((key, record::known(unit, &place, &identity)))
        };
        self.store.run(work).await
    }

    /// What a card of the member holds, available at once.
    async fn card_balance(&self, entry: Entry, card: String) -> Result<String, Problem> {
        let signer = self.signer();
        let work = move |unit: &mut dyn Unit| {
            note(unit, &entry)?;
            let id = CardId::of(unit, &card);
            let outcome = match crate::prepaid::card_of(unit, &id, &entry.telegram.iss)? {
                Some(card) => Outcome::Balance(card.available(unit, &id)?),
                None => Outcome::Refused {
                    reason: "unknown_card".into(),
                    field: Some("telegram.instruction.card".into()),
                },
            };
            Ok(entry.answer(outcome, signer.as_ref()))
        };
        self.store.run(work).await
    }
}

/// Why a telegram is not acted on.
enum Refused {
    No(Problem),
    /// Too many came; in so many seconds there is room.
    Later(u64),
}

impl<E: Into<Problem>> From<E> for Refused {
    fn from(error: E) -> Refused {
        Refused::No(error.into())
    }
}
