//! The desk where telegrams are verified and given to whoever acts on them.

use super::{
    guard::{Guard, too_often},
    record::{self, Entry, Known, ended, note, place, unknown_key},
};
use crate::{
    joining::records::{Ended, KEYS, KeyRecord, NUMBERS, key_place},
    settlement::Settlement,
};
use std::sync::Arc;
use warifu_ports::{Unit, holds::CardId};
use warifu_protocol::{
    joining::{Application, MemberKind, Message, Reply},
    jws::Unsigned,
    telegram::{Claimed, Instruction, Outcome, Telegram, identity},
};
use warifu_types::{Nonce, UnixTime};
use warifu_wire::Problem;

impl Settlement {
    /// Answers what is said in a session; beside a problem, perhaps, when to come again, in seconds.
    pub(crate) async fn hear(
        self: &Arc<Self>,
        session: Nonce,
        message: Message,
    ) -> (Result<Reply, Problem>, Option<u64>) {
        let now = self.party.now();
        let said = match message {
            Message::Telegram(token) => match Claimed::read(token) {
                Ok(claimed) => Said::Telegram(claimed),
                Err(error) => return (Err(error.into()), None),
            },
            Message::Join { kind } => Said::Join(kind),
            Message::Apply(application) => Said::Apply(application),
            Message::Enclose(documents) => Said::Enclose(documents),
        };
        if let Err(seconds) = said.admit(&self.guard, session, now) {
            return (Err(too_often()), Some(seconds));
        }
        let answer = match said {
            Said::Join(kind) => self.join(kind).await,
            Said::Apply(application) => self.apply(*application).await,
            Said::Enclose(documents) => self.enclose(documents).await.map(|()| Reply::Enclosed {}),
            Said::Telegram(claimed) if registers(&claimed) => {
                self.register(claimed).await.map(|answer| Reply::Answer(self.party.signed(answer)))
            }
            Said::Telegram(claimed) => match self.telegram(claimed).await {
                Ok(answer) => Ok(Reply::Answer(self.party.signed(answer))),
                Err(Refused::No(problem)) => Err(problem),
                Err(Refused::Later(seconds)) => return (Err(too_often()), Some(seconds)),
            },
        };
        (answer, None)
    }

    /// A member's telegram. `claimed` is not verified yet.
    async fn telegram(self: &Arc<Self>, claimed: Claimed) -> Result<Unsigned, Refused> {
        let (now, own) = (self.party.now(), self.party.id());
        let place = key_place(&claimed.telegram().iss, &claimed.telegram().key);
        let pays = matches!(claimed.telegram().instruction, Instruction::Pay(_));
        let in_time = claimed.telegram().check_time(now).is_ok();
        // What the look-up would show, the job of a payment sees too.
        if let (true, true, Some(key)) = (pays, in_time, self.keys.get(&place)) {
            let (telegram, token) = claimed.verify(&key, &own)?;
            return self.take_up(telegram, token, now).await;
        }
        let (key, known) = self.look_up(&claimed).await?;
        let (telegram, token) = claimed.verify(&key.key, &own)?;
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
        self.keys.remember(place, key.key);
        // What was taken in its time is answered also after it.
        if !(recorded && matches!(known, Known::Taken)) {
            telegram.check_time(now)?;
        }
        self.take_up(telegram, token, now).await
    }

    /// Acts on a telegram that is verified and in its time.
    async fn take_up(
        self: &Arc<Self>,
        telegram: Telegram,
        token: String,
        now: UnixTime,
    ) -> Result<Unsigned, Refused> {
        self.guard.telegram(&telegram.iss, now).map_err(Refused::Later)?;
        tracing::info!(instruction = telegram.instruction.word(), "telegram");
        let (entry, instruction) = Entry::new(telegram, token, now);
        Ok(self.act_on(entry, instruction).await?)
    }

    async fn act_on(
        self: &Arc<Self>,
        entry: Entry,
        instruction: Instruction,
    ) -> Result<Unsigned, Problem> {
        match instruction {
            Instruction::TopUp(wish) => self.top_up(entry, *wish).await,
            Instruction::TopUpStatus { telegram } => self.top_up_status(entry, telegram).await,
            Instruction::Pay(payment) => self.pay(entry, *payment).await,
            Instruction::Balance { card } => self.card_balance(entry, card).await,
            Instruction::Cards { from } => self.issued_cards(entry, from).await,
            Instruction::ChangeKey(change) => self.change_key(entry, *change).await,
            Instruction::Register(_) => Err(Problem::internal()),
        }
    }

    /// The key that a telegram says it is signed with, and what is known of the telegram; that
    /// another one has its id counts only once the signature is verified.
    async fn look_up(
        &self,
        claimed: &Claimed,
    ) -> Result<(KeyRecord, Result<Known, Problem>), Problem> {
        let Telegram { iss, key, jti, .. } = claimed.telegram();
        let (member, key) = (iss.clone(), key_place(iss, key));
        let (place, identity) = (place(iss, jti), identity(claimed.token()));
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
    async fn card_balance(&self, entry: Entry, card: String) -> Result<Unsigned, Problem> {
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
            Ok(entry.answer(outcome))
        };
        self.store.run(work).await
    }
}

/// What is said in a session, read.
enum Said {
    Join(MemberKind),
    Apply(Box<Application>),
    Telegram(Claimed),
    Enclose(Vec<String>),
}

impl Said {
    /// What no member answers for is counted by session; otherwise, in how many seconds there is
    /// room for it.
    fn admit(&self, guard: &Guard, session: Nonce, now: UnixTime) -> Result<(), u64> {
        match self {
            Said::Telegram(claimed) if !registers(claimed) => Ok(()),
            Said::Enclose(_) => guard.enclosing(session, now),
            Said::Join(_) | Said::Apply(_) | Said::Telegram(_) => guard.application(session, now),
        }
    }
}

/// Whether the sender is not registered yet.
fn registers(claimed: &Claimed) -> bool {
    matches!(claimed.telegram().instruction, Instruction::Register(_))
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
