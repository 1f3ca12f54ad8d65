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
use warifu_wire::{
    CallError,
    identity::{self, IdentityError},
};
use zeroize::Zeroize;

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

/// Goes on with numbers that no telegram has which was signed after a backup was made.
pub(crate) fn after_restoring(unit: &mut dyn Unit, now: UnixTime) -> Result<(), StoreError> {
    let key = match identity::signing_key(unit) {
        Ok(key) => key_id(&key.verifying_key()),
        // Without a key nothing was signed.
        Err(IdentityError::Store(error)) => return Err(error),
        Err(_) => return Ok(()),
    };
    let next = SEQUENCE.get(unit, &key)?.unwrap_or(0);
    SEQUENCE.put(unit, &key, &next.max(now.0.saturating_mul(AFTER_RESTORING)))
}

/// Keeps what the center has said of a telegram. An answered one is not sent again, and the order
/// that it carried stands in a receipt, so that its token would only fill the vault.
pub(crate) fn note_answer(
    unit: &mut dyn Unit,
    jti: Nonce,
    answer: Result<String, String>,
) -> Result<(), StoreError> {
    let key = jti.to_string();
    let Some(mut record) = TELEGRAMS.get(unit, &key)? else { return Ok(()) };
    match answer {
        Ok(token) => {
            record.answer = Some(token);
            record.token.zeroize();
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VaultStore;
    use async_trait::async_trait;
    use proptest::prelude::*;
    use std::{
        collections::{HashMap, HashSet},
        fs,
        path::Path,
        sync::Mutex,
    };
    use warifu_ports::Entropy;
    use warifu_protocol::{
        AtFault, ChaCha20Rng, SeedableRng, credential::Class, signer::SigningKey, suite::Suite,
    };
    use warifu_store::OsEntropy;
    use warifu_types::{Currency, Money, Role};
    use warifu_vault::{Cost, Password, Passwords, Vault, VaultAB};
    use warifu_wire::{Problem, identity::Wish};

    const NOW: UnixTime = UnixTime(1_795_000_000);

    fn id(text: &str) -> Identifier {
        Identifier::parse(text).unwrap()
    }

    fn rng() -> ChaCha20Rng {
        ChaCha20Rng::from_seed(OsEntropy.bytes32())
    }

    /// A center that says "10 yen" and loses answers when told to; it refuses a number that comes
    /// again under another id, as the real one does.
    #[derive(Default)]
    struct Center {
        answers: Mutex<HashMap<String, String>>,
        numbers: Mutex<HashSet<(String, u64)>>,
        lose: Mutex<u32>,
        wrong: Mutex<bool>,
    }

    fn center_key() -> SigningKey {
        SigningKey::from_seed(&[9; 32])
    }

    #[async_trait]
    impl Line for Center {
        async fn enclose(&self, _documents: &[String]) -> Result<(), CallError> {
            Ok(())
        }

        async fn send(&self, token: &str) -> Result<String, CallError> {
            let telegram = Telegram::peek(token).unwrap();
            let known = self.answers.lock().unwrap().get(token).cloned();
            let answer = match known {
                Some(answer) => answer,
                None => {
                    let number = (telegram.key.clone(), telegram.seq);
                    if !self.numbers.lock().unwrap().insert(number) {
                        return Err(Problem::conflict("telegram.seq").into());
                    }
                    let wrong = *self.wrong.lock().unwrap();
                    let answer = TelegramAnswer {
                        iss: telegram.aud,
                        aud: if wrong { id("name:M-000009") } else { telegram.iss },
                        telegram: warifu_protocol::telegram::identity(token),
                        outcome: Outcome::Balance(Money::new(10, Currency::JPY).unwrap()),
                        iat: NOW,
                    };
                    let answer = answer.sign(&center_key());
                    self.answers.lock().unwrap().insert(token.to_string(), answer.clone());
                    answer
                }
            };
            let mut lose = self.lose.lock().unwrap();
            if *lose > 0 {
                *lose -= 1;
                return Err(CallError::Network("no connection".into()));
            }
            Ok(answer)
        }
    }

    fn writer(line: &Arc<Center>, key: SigningKey) -> Writer {
        let center = Credential {
            iss: id("domain:center.example"),
            network: "town.example".into(),
            sub: id("domain:center.example"),
            class: Class::Service { group: 0 },
            roles: vec![Role::Center],
            key: center_key().verifying_key(),
            hpke: Vec::new(),
            suites: vec![Suite::Kps],
            epochs: Vec::new(),
            url: None,
            iat: NOW,
            exp: NOW.plus(86_400),
        };
        let (member, line) = (id("name:M-000001"), line.clone());
        Writer { member, signer: Arc::new(key), center: Arc::new(center), line }
    }

    fn passwords() -> [Password; 2] {
        ["password A", "password B"].map(|text| Password::new(text).unwrap())
    }

    /// A vault with an identity, whose key signs.
    async fn created(folder: &Path) -> (Arc<dyn Store>, SigningKey) {
        let [a, b] = passwords();
        let two = Passwords::two(a, b).unwrap();
        let (cost, key) = (Cost::new(8, 1, 1).unwrap(), SigningKey::from_seed(&[1; 32]));
        let vault = Vault::at(&folder.join("vault")).create(&two, cost, key, &mut rng()).unwrap();
        let store: Arc<dyn Store> = VaultStore::open(vault, Arc::new(OsEntropy)).unwrap();
        let make = |unit: &mut dyn Unit| {
            let wish = Wish {
                sub: id("name:M-000001"),
                roles: vec![Role::Holder],
                suites: vec![Suite::KpsHpke],
                url: None,
            };
            identity::request(unit, &wish, NOW, &mut rng())?;
            identity::signing_key(unit)
        };
        let key = store.run(make).await.unwrap();
        (store, key)
    }

    fn opened(folder: &Path) -> VaultAB {
        let [a, b] = passwords();
        Vault::at(&folder.join("vault")).open_ab(&a, &b, NOW).unwrap()
    }

    fn draft(number: u8) -> Draft {
        let (jti, exp) = (Nonce([number; 32]), NOW.plus(60));
        Draft { jti, instruction: Instruction::Balance { card: "1".into() }, now: NOW, exp }
    }

    #[tokio::test]
    async fn a_lost_answer_is_heard_by_sending_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let (store, key) = created(folder.path()).await;
        let center = Arc::new(Center::default());
        let writer = writer(&center, key);
        let record = writer.write(&store, draft(1)).await.unwrap();
        *center.lose.lock().unwrap() = 2;
        for _ in 0..2 {
            assert!(writer.hear(&record).await.unwrap_err().is_temporary());
        }
        let (answer, _) = writer.hear(&record).await.unwrap();
        assert_eq!(center.answers.lock().unwrap().len(), 1, "it counted once");
        // What is kept is heard without the line.
        *center.lose.lock().unwrap() = 9;
        let mut kept = record.clone();
        kept.answer = Some(answer.clone());
        assert_eq!(writer.hear(&kept).await.unwrap().0, answer);
    }

    #[tokio::test]
    async fn an_answer_to_somebody_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (store, key) = created(folder.path()).await;
        let center = Arc::new(Center::default());
        *center.wrong.lock().unwrap() = true;
        let writer = writer(&center, key);
        let record = writer.write(&store, draft(1)).await.unwrap();
        match writer.hear(&record).await {
            Err(CallError::Protocol(error)) => {
                assert_eq!(error.at_fault, AtFault::Role(Role::Center));
                assert_eq!(error.field, "telegram_answer.aud");
            }
            other => panic!("{other:?}"),
        }
    }

    /// What happens to a terminal between two telegrams.
    #[derive(Debug, Clone)]
    enum Event {
        /// It signs and sends.
        Send,
        /// It signs, and dies before it keeps or sends anything.
        Die,
        /// Its file is copied.
        Backup,
        /// The last copy is put back, here or on a machine that knows nothing of the vault.
        Restore { elsewhere: bool },
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            4 => Just(Event::Send),
            2 => Just(Event::Die),
            1 => Just(Event::Backup),
            2 => any::<bool>().prop_map(|elsewhere| Event::Restore { elsewhere }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 16, failure_persistence: None, ..Default::default()
        })]

        #[test]
        fn no_number_is_used_twice(events in prop::collection::vec(event(), 1..14)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let folder = tempfile::tempdir().unwrap();
                let file = |name: &str| folder.path().join(name);
                let center = Arc::new(Center::default());
                let (mut store, key) = created(folder.path()).await;
                let writer = writer(&center, key);
                fs::copy(file("vault"), file("backup")).unwrap();
                for (number, event) in (0..).zip(&events) {
                    match event {
                        Event::Send => {
                            let record = writer.write(&store, draft(number)).await.unwrap();
                            writer.hear(&record).await.unwrap();
                        }
                        Event::Die => {
                            writer.write(&store, draft(number)).await.unwrap();
                            drop(store);
                            let vault = opened(folder.path());
                            assert_eq!(vault.a().restored(), None);
                            store = VaultStore::open(vault, Arc::new(OsEntropy)).unwrap();
                        }
                        Event::Backup => {
                            fs::copy(file("vault"), file("backup")).unwrap();
                        }
                        Event::Restore { elsewhere } => {
                            drop(store);
                            let same = fs::read(file("vault")).unwrap() == fs::read(file("backup")).unwrap();
                            fs::copy(file("backup"), file("vault")).unwrap();
                            if *elsewhere {
                                fs::remove_file(file("vault.state")).unwrap();
                            }
                            let vault = opened(folder.path());
                            assert!(vault.a().restored().is_some() || same);
                            let later = NOW.plus(1 + u64::from(number));
                            store = VaultStore::open_restored(vault, Arc::new(OsEntropy), later).unwrap();
                            assert_eq!(opened(folder.path()).a().restored(), None);
                        }
                    }
                }
            });
        }
    }
}
