//! A member's terminal: joins, tops up, pays.

use super::{Keys, NETWORK, World, center_link, net::id};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};
use warifu_center::{MoneyReceived, Way};
use warifu_ports::Clock;
use warifu_protocol::signer::Signer;
use warifu_protocol::{
    AtFault,
    joining::{Application, Message, Reply, terms_hash},
    jws,
    prepaid::{PREPAID_CARD, PrepaidCard},
    telegram::{
        BankAccount, Funding, Instruction, Outcome, Person, Profile, Registration, Store, Telegram,
        TelegramAnswer, TopUp, TopUpState, key_id,
    },
};
use warifu_types::{Money, Nonce, Role};
use warifu_wire::{CallError, Party, Problem, TelegramSession};

pub const NAME: &str = "Hanako Yamada";

pub struct Member {
    pub number: String,
    pub keys: Keys,
    pub party: Arc<Party>,
    pub line: Mutex<Arc<TelegramSession>>,
    seq: AtomicU64,
}

pub fn person(name: &str) -> Profile {
    Profile::Member(Person {
        name: name.into(),
        address: "1-2-3 Shiba, Minato-ku, Tokyo".into(),
        born: "1970-01-31".into(),
    })
}

pub fn shop(name: &str) -> Profile {
    Profile::Merchant(Store {
        name: name.into(),
        address: "4-5-6 Sakyo-ku, Kyoto".into(),
        representative: "Taro".into(),
        account: BankAccount::Iban { iban: "DE89370400440532013000".into(), holder: "Taro".into() },
    })
}

/// An unexpected reply, as the problem that it hides.
pub fn problem(error: CallError) -> Problem {
    match error {
        CallError::Problem(problem) | CallError::Unproven(problem) => problem,
        other => panic!("{other}"),
    }
}

impl World {
    pub async fn say(&self, message: Message) -> Result<Reply, Problem> {
        self.session().await.say(&message).await.map_err(problem)
    }

    /// Applies and is approved; the number and the letter's code.
    pub async fn letter(&self, profile: Profile, language: &str) -> (String, String) {
        let kind = profile.kind();
        let line = self.session().await;
        let Reply::Form { application, .. } = line.say(&Message::Join { kind }).await.unwrap()
        else {
            panic!("no form")
        };
        let filled = Application { application, profile, language: language.into() };
        let reply = line.say(&Message::Apply(Box::new(filled))).await.unwrap();
        assert_eq!(reply, Reply::Applied { application });
        let settlement = self.center.settlement();
        let number = settlement.approve(&application.to_string()).await.unwrap();
        let letter = settlement.letter(&number, false).await.unwrap();
        (number, letter.code.to_string())
    }

    pub fn keys_of(&self, number: &str, seed: u8) -> Keys {
        let mut bytes = [seed; 32];
        bytes[..number.len()].copy_from_slice(number.as_bytes());
        Keys::seeded(&format!("name:{number}"), Role::Holder, bytes)
    }

    pub async fn registration(
        &self,
        (number, code): (&str, &str),
        profile: Profile,
        keys: &Keys,
    ) -> Registration {
        let guide = TelegramSession::guide(&self.url).await.unwrap();
        Registration {
            number: number.into(),
            code: code.to_string().into(),
            terms: terms_hash(guide.terms(profile.kind())),
            profile,
            enrolment: keys.request(self.clock.now()),
        }
    }

    /// Sends a registration telegram with these keys.
    pub async fn register(
        &self,
        registration: Registration,
        keys: &Keys,
        seq: u64,
    ) -> Result<Outcome, Problem> {
        let token = self.telegram(keys, seq, Instruction::Register(Box::new(registration)));
        self.send(&token).await
    }

    /// A signed telegram with a fresh id.
    pub fn telegram(&self, keys: &Keys, seq: u64, instruction: Instruction) -> String {
        self.draft(keys, seq, instruction).sign(&keys.signer())
    }

    pub fn draft(&self, keys: &Keys, seq: u64, instruction: Instruction) -> Telegram {
        let now = self.clock.now();
        Telegram {
            iss: keys.sub.clone(),
            aud: id(super::CENTER),
            key: key_id(&keys.signer().verifying_key()),
            jti: Nonce(self.center.party().random32()),
            seq,
            instruction,
            iat: now,
            exp: now.plus(3600),
        }
    }

    /// Sends a telegram in a session of its own, and checks the answer's signature.
    pub async fn send(&self, token: &str) -> Result<Outcome, Problem> {
        let answer = self.session().await.send(token).await.map_err(problem)?;
        Ok(self.read(&answer, token))
    }

    pub fn read(&self, answer: &str, token: &str) -> Outcome {
        let member = Telegram::peek(token).unwrap().iss;
        TelegramAnswer::verify(answer, &self.credential(), &member, token).unwrap().outcome
    }

    /// A member who has joined.
    pub async fn member(&self) -> Member {
        self.member_called(NAME).await
    }

    pub async fn member_called(&self, name: &str) -> Member {
        let (number, code) = self.letter(person(name), "en").await;
        let keys = self.keys_of(&number, 20);
        let registration = self.registration((&number, &code), person(name), &keys).await;
        let outcome = self.register(registration, &keys, 0).await.unwrap();
        self.at_terminal(number, keys, outcome, 1).await
    }

    /// The terminal of somebody who has just registered.
    pub async fn at_terminal(
        &self,
        number: String,
        keys: Keys,
        outcome: Outcome,
        seq: u64,
    ) -> Member {
        let Outcome::Registered(enrolment) = outcome else { panic!("{outcome:?}") };
        let party = keys.party(&enrolment, &self.clock, &center_link(&self.center));
        let line = Mutex::new(Arc::new(self.session().await));
        Member { number, keys, party, line, seq: AtomicU64::new(seq) }
    }
}

impl Member {
    pub fn next(&self) -> u64 {
        self.seq.fetch_add(1, Ordering::SeqCst)
    }

    pub fn telegram(&self, world: &World, instruction: Instruction) -> String {
        world.telegram(&self.keys, self.next(), instruction)
    }

    /// Sends within the member's own session, and opens another if the center has forgotten it.
    pub async fn send(&self, world: &World, token: &str) -> Result<Outcome, Problem> {
        let line = self.line.lock().unwrap().clone();
        let answer = match line.send(token).await {
            Err(CallError::Unproven(problem)) if problem.code == "unknown_session" => {
                let line = Arc::new(world.session().await);
                *self.line.lock().unwrap() = line.clone();
                line.send(token).await
            }
            other => other,
        };
        Ok(world.read(&answer.map_err(problem)?, token))
    }

    pub async fn tell(&self, world: &World, instruction: Instruction) -> Result<Outcome, Problem> {
        let token = self.telegram(world, instruction);
        self.send(world, &token).await
    }

    /// The reason of a lasting refusal.
    pub async fn refused(&self, world: &World, instruction: Instruction) -> String {
        match self.tell(world, instruction).await.unwrap() {
            Outcome::Refused { reason, .. } => reason,
            other => panic!("{other:?}"),
        }
    }

    /// Asks for value by bank transfer; the reference.
    pub async fn ask(&self, world: &World, amount: Money, card: Option<&str>) -> String {
        let top_up = top_up(amount, card, Funding::Transfer {});
        match self.tell(world, top_up).await.unwrap() {
            Outcome::TopUp(TopUpState::Waiting { reference }) => reference,
            other => panic!("{other:?}"),
        }
    }

    /// A card with so much on it.
    pub async fn card(&self, world: &World, amount: Money) -> PrepaidCard {
        self.loaded(world, amount, None).await
    }

    pub async fn loaded(&self, world: &World, amount: Money, card: Option<&str>) -> PrepaidCard {
        let token = self.telegram(world, top_up(amount, card, Funding::Transfer {}));
        let Outcome::TopUp(TopUpState::Waiting { reference }) =
            self.send(world, &token).await.unwrap()
        else {
            panic!("the card waits for its money")
        };
        let jti = Telegram::peek(&token).unwrap().jti;
        let received = MoneyReceived { id: jti.to_string(), reference, amount, way: Way::Transfer };
        world.center.settlement().money_received(received).await.unwrap();
        match self.tell(world, Instruction::TopUpStatus { telegram: jti }).await.unwrap() {
            Outcome::TopUp(TopUpState::Issued { card }) => self.read_card(world, &card),
            other => panic!("{other:?}"),
        }
    }

    pub fn read_card(&self, world: &World, token: &str) -> PrepaidCard {
        let card = PrepaidCard::verify(token, &world.credential(), world.clock.now()).unwrap();
        assert_eq!((&card.sub, card.network.as_str()), (&self.keys.sub, NETWORK));
        jws::peek(PREPAID_CARD, token, AtFault::Own).unwrap()
    }

    /// The documents of the member's cards, from the center.
    pub async fn cards(&self, world: &World) -> Vec<String> {
        let (mut documents, mut from) = (Vec::new(), Some(0));
        while let Some(next) = from {
            match self.tell(world, Instruction::Cards { from: next }).await.unwrap() {
                Outcome::Cards(page) => {
                    documents.extend(page.documents);
                    from = page.next;
                }
                other => panic!("{other:?}"),
            }
        }
        documents
    }

    pub async fn balance(&self, world: &World, card: &str) -> u64 {
        match self.tell(world, Instruction::Balance { card: card.into() }).await.unwrap() {
            Outcome::Balance(money) => money.minor(),
            other => panic!("{other:?}"),
        }
    }
}

pub fn top_up(amount: Money, card: Option<&str>, funding: Funding) -> Instruction {
    Instruction::TopUp(Box::new(TopUp { amount, card: card.map(Into::into), funding }))
}
