//! Value on a prepaid card (rows B7, B8): asking for it, by an issuer or by money that comes later,
//! and taking the card.

use crate::{
    Holder, HolderError, Purchase, Wanted,
    prepaid::{take_card, wrong},
    records::{self, CARDS, HISTORY, PREPAID, Standing, TELEGRAMS, TOP_UPS, TopUpRecord},
    telegrams::{Draft, note_answer},
};
use std::{collections::BTreeMap, time::Duration};
use warifu_ports::Unit;
use warifu_protocol::{
    AtFault, ProtocolError, Reason, jws,
    order::{ORDER, OrderClaims},
    receipt::Receipt,
    telegram::{Funding, Instruction, Outcome, TELEGRAM_LIFETIME, TopUp, TopUpState},
};
use warifu_types::{Money, Nonce, UnixTime};
use warifu_vault::{Entry, EntryKind};

/// The name of the rule by which value is ordered.
const TOP_UP_RULE: &str = "top-up";

/// What is wanted.
#[derive(Debug, Clone)]
pub struct TopUpWish {
    /// How much.
    pub amount: Money,
    /// The label of the prepaid card. One that is not there yet is made.
    pub onto: String,
    /// Where the money comes from.
    pub source: Source,
}

/// Where the money comes from (row B7).
#[derive(Debug, Clone)]
pub enum Source {
    /// An issuer gives credit.
    Issuer {
        /// The label of the card that pays.
        card: String,
        /// `one` or `instalments:N`.
        payment_type: String,
    },
    /// The member's bank or post office transfers.
    Transfer,
    /// The member pays in at the center's.
    PayIn,
    /// Cash by registered mail.
    RegisteredMail,
}

impl Holder {
    /// Asks for value: keeps the signed telegram and sends nothing. Where an issuer is to pay, the
    /// center's form and the issuer's credential are fetched first.
    pub async fn prepare_top_up(&self, wish: &TopUpWish) -> Result<TopUpRecord, HolderError> {
        let writer = self.writer()?;
        let now = self.party.now();
        let (funding, exp, receipt) = match &wish.source {
            Source::Issuer { card, payment_type } => {
                let purchase = Purchase {
                    url: url(writer.center.url.as_deref())?,
                    front: Some(writer.center.sub.clone()),
                    rule: TOP_UP_RULE.to_string(),
                    form: None,
                    wanted: Wanted::Value {
                        amount: wish.amount,
                        payment_type: payment_type.clone(),
                    },
                    card: card.clone(),
                    allow: Vec::new(),
                    more: BTreeMap::new(),
                };
                let receipt = self.seal(&purchase).await?.record.receipt;
                let claims: OrderClaims = jws::peek(ORDER, &receipt.sealed.order, AtFault::Own)?;
                (Funding::Issuer { sealed: receipt.sealed.clone() }, claims.exp, Some(receipt))
            }
            Source::Transfer => (Funding::Transfer {}, now.plus(TELEGRAM_LIFETIME), None),
            Source::PayIn => (Funding::PayIn {}, now.plus(TELEGRAM_LIFETIME), None),
            Source::RegisteredMail => {
                (Funding::RegisteredMail {}, now.plus(TELEGRAM_LIFETIME), None)
            }
        };
        self.write_top_up(wish, (funding, exp), receipt).await
    }

    async fn write_top_up(
        &self,
        wish: &TopUpWish,
        (funding, exp): (Funding, UnixTime),
        receipt: Option<Receipt>,
    ) -> Result<TopUpRecord, HolderError> {
        let label = wish.onto.clone();
        let loaded = move |unit: &mut dyn Unit| {
            let prepaid = PREPAID.get(unit, &label)?;
            let card = CARDS.get(unit, &label)?;
            if prepaid.is_none() && card.is_some() {
                let problem = "is the label of another card: choose another one";
                return Err(HolderError::BadInput { field: "onto", problem });
            }
            Ok(card)
        };
        let card = self.store.run(loaded).await?.map(|card| card.number.clone());
        let way = funding.way();
        let top_up = TopUp { amount: wish.amount, card, funding };
        let now = self.party.now();
        let draft = Draft {
            jti: Nonce(self.party.new_name()),
            instruction: Instruction::TopUp(Box::new(top_up)),
            now,
            exp,
        };
        let telegram = self.writer()?.write(&self.store, draft).await?;
        let record = TopUpRecord {
            telegram: telegram.jti,
            amount: wish.amount,
            onto: wish.onto.clone(),
            way,
            asked: now,
            standing: Standing::Asked {},
            receipt,
        };
        let kept = record.clone();
        let work = move |unit: &mut dyn Unit| {
            let key = telegram.jti.to_string();
            TELEGRAMS.put(unit, &key, &telegram)?;
            TOP_UPS.put(unit, &key, &kept)
        };
        self.store.run(work).await?;
        Ok(record)
    }

    /// Asks for value, and sends the telegram.
    pub async fn top_up(&self, wish: &TopUpWish) -> Result<TopUpRecord, HolderError> {
        let record = self.prepare_top_up(wish).await?;
        self.refresh_top_up(record.telegram).await
    }

    /// How a top-up stands now: sends the telegram if the center has not answered it, and asks the
    /// center if it was still waiting. The card is taken when it comes.
    pub async fn refresh_top_up(&self, telegram: Nonce) -> Result<TopUpRecord, HolderError> {
        let key = telegram.to_string();
        let found = self.store.run(move |unit| TOP_UPS.get(unit, &key)).await?;
        let record = found.ok_or(HolderError::UnknownOrder)?;
        match &record.standing {
            Standing::Issued {} | Standing::Refused { .. } => Ok(record),
            Standing::Asked {} => self.send_top_up(record).await,
            Standing::Waiting { .. } => {
                let id = (Nonce(self.party.new_name()), self.party.now());
                let question = Instruction::TopUpStatus { telegram };
                match self.writer()?.ask(&self.store, id, question).await? {
                    Outcome::TopUp(state) => self.note_top_up(record, state, None).await,
                    _ => Err(wrong("telegram_answer.outcome").into()),
                }
            }
        }
    }

    /// Asks again and again until a top-up has come to its end, for at most `patience`.
    pub async fn wait_for_top_up(
        &self,
        telegram: Nonce,
        patience: Duration,
    ) -> Result<TopUpRecord, HolderError> {
        let (started, mut pause) = (std::time::Instant::now(), Duration::from_millis(200));
        loop {
            let record = self.refresh_top_up(telegram).await?;
            let over = matches!(record.standing, Standing::Issued {} | Standing::Refused { .. });
            if over || started.elapsed() > patience {
                return Ok(record);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    /// Every top-up, the oldest first.
    pub async fn top_ups(&self) -> Result<Vec<TopUpRecord>, HolderError> {
        let mut all = self.store.run(|unit| records::all(unit, TOP_UPS)).await?;
        all.sort_by_key(|record| record.asked);
        Ok(all)
    }

    /// Takes up every top-up that has not come to its end. One that cannot go on holds up no other;
    /// the first failure is returned after all were taken up.
    pub async fn resume_top_ups(&self) -> Result<Vec<TopUpRecord>, HolderError> {
        self.take_up_top_ups(|standing| {
            !matches!(standing, Standing::Issued {} | Standing::Refused { .. })
        })
        .await
    }

    /// As [`Holder::resume_top_ups`], only for telegrams that the center has not answered.
    pub async fn send_waiting_top_ups(&self) -> Result<Vec<TopUpRecord>, HolderError> {
        self.take_up_top_ups(|standing| matches!(standing, Standing::Asked {})).await
    }

    async fn take_up_top_ups(
        &self,
        wanted: impl Fn(&Standing) -> bool,
    ) -> Result<Vec<TopUpRecord>, HolderError> {
        let (mut taken_up, mut failure) = (Vec::new(), None);
        for record in self.top_ups().await? {
            if !wanted(&record.standing) {
                continue;
            }
            match self.refresh_top_up(record.telegram).await {
                Ok(record) => taken_up.push(record),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(taken_up), Err)
    }

    async fn send_top_up(&self, record: TopUpRecord) -> Result<TopUpRecord, HolderError> {
        let jti = record.telegram;
        let found = self.store.run(move |unit| TELEGRAMS.get(unit, &jti.to_string())).await?;
        let telegram = found.ok_or(HolderError::Missing("telegram"))?;
        match self.writer()?.hear(&telegram).await {
            Ok((answer, Outcome::TopUp(state))) => {
                self.note_top_up(record, state, Some(Ok(answer))).await
            }
            Ok((answer, Outcome::Refused { reason, .. })) => {
                let state = TopUpState::Refused { reason };
                self.note_top_up(record, state, Some(Ok(answer))).await
            }
            Ok(_) => Err(wrong("telegram_answer.outcome").into()),
            Err(error) => match error.definite() {
                Some(problem) => {
                    let code = problem.code.clone();
                    let state = TopUpState::Refused { reason: code.clone() };
                    self.note_top_up(record, state, Some(Err(code))).await
                }
                None => Err(error.into()),
            },
        }
    }

    /// Keeps how a top-up stands, with the card and its line in the history, all at once.
    async fn note_top_up(
        &self,
        mut record: TopUpRecord,
        state: TopUpState,
        answer: Option<Result<String, String>>,
    ) -> Result<TopUpRecord, HolderError> {
        let now = self.party.now();
        let writer = self.writer()?;
        let issued = match state {
            TopUpState::Waiting { reference } => {
                record.standing = Standing::Waiting { reference };
                None
            }
            TopUpState::Refused { reason } => {
                record.standing = Standing::Refused { reason };
                None
            }
            TopUpState::Issued { card } => {
                record.standing = Standing::Issued {};
                Some((writer.verify_card(&card, now)?, card))
            }
        };
        let work = move |unit: &mut dyn Unit| {
            let key = record.telegram.to_string();
            if let Some(answer) = answer {
                note_answer(unit, record.telegram, answer)?;
            }
            TOP_UPS.put(unit, &key, &record)?;
            if let Some((claims, document)) = issued {
                take_card(unit, &record.onto, &claims, &document)?;
                let entry = Entry {
                    at: now,
                    kind: EntryKind::TopUp,
                    party: claims.iss.to_string(),
                    goods: record.onto.clone(),
                    amount: Some(record.amount),
                    reference: Some(key.clone()),
                };
                HISTORY.insert(unit, &key, &entry)?;
            }
            Ok::<_, HolderError>(record)
        };
        self.store.run(work).await
    }
}

fn url(url: Option<&str>) -> Result<String, ProtocolError> {
    let missing = || ProtocolError::sender(Reason::Mismatch, "credential.url");
    Ok(url.ok_or_else(missing)?.trim_end_matches('/').to_string())
}
