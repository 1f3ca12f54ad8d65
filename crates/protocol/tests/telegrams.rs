//! Telegrams, their answers, the session that they travel in, and prepaid cards: each has what it
//! needs to be believed, and nothing less is.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{NETWORK, NOW, Net, id, rng};
use warifu_protocol::{
    AtFault, Reason,
    error::Result,
    joining::{Application, MemberKind, Message, terms_hash},
    prepaid::PrepaidCard,
    session::Session,
    signer::{Signer, SigningKey},
    telegram::{
        BankAccount, Instruction, Outcome, Person, Profile, TELEGRAM_LIFETIME, Telegram,
        TelegramAnswer, identity, key_id,
        session::{Opened, accept, open},
    },
    terminal::Terminal,
};
use warifu_types::{Currency, Identifier, Money, Nonce, Role};
use zeroize::Zeroizing;

struct World {
    center: Terminal,
    other: Terminal,
    key: SigningKey,
    member: Identifier,
}

fn world() -> World {
    let net = Net::new();
    World {
        center: net.terminal("domain:center1.example", Role::Center, 50),
        other: net.terminal("domain:center2.example", Role::Center, 51),
        key: SigningKey::from_seed(&[60; 32]),
        member: id("name:M-000001"),
    }
}

impl World {
    fn telegram(&self) -> Telegram {
        Telegram {
            iss: self.member.clone(),
            aud: self.center.id().clone(),
            key: key_id(&self.key.verifying_key()),
            jti: Nonce([1; 32]),
            seq: 0,
            instruction: Instruction::Balance { card: "9000000000000000".into() },
            iat: NOW,
            exp: NOW.plus(600),
        }
    }

    fn verify(&self, token: &str) -> Result<Telegram> {
        Telegram::verify(token, &self.key.verifying_key(), self.center.id())
    }

    fn answer(&self, telegram: &str) -> TelegramAnswer {
        TelegramAnswer {
            iss: self.center.id().clone(),
            aud: self.member.clone(),
            telegram: identity(telegram),
            outcome: Outcome::Balance(Money::new(7, Currency::JPY).unwrap()),
            iat: NOW,
        }
    }

    fn session(&self) -> (Session, Session) {
        let (waiting, message) = open(NETWORK, &self.center.credential, &mut rng(1)).unwrap();
        let (center, opened) = accept(&self.center, &message, &mut rng(2)).unwrap();
        (waiting.finish(&opened), center)
    }
}

fn plain(text: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.as_bytes().to_vec())
}

#[track_caller]
fn refused<T>(result: Result<T>, reason: Reason, field: &str) {
    let error = result.err().unwrap();
    assert_eq!((error.reason, error.field.as_ref()), (reason, field));
}

#[test]
fn a_good_telegram_is_read_and_says_nothing_in_debug() {
    let world = world();
    let token = world.telegram().sign(&world.key);
    assert_eq!(world.verify(&token).unwrap(), world.telegram());
    let shown = format!("{:?} {:?}", world.telegram(), world.telegram().instruction);
    assert!(shown.contains("balance") && !shown.contains("9000"), "{shown}");
}

#[test]
fn a_telegram_for_another_center_or_by_another_key_is_refused() {
    let world = world();
    let elsewhere = Telegram { aud: world.other.id().clone(), ..world.telegram() };
    refused(world.verify(&elsewhere.sign(&world.key)), Reason::WrongParty, "telegram.aud");
    let thief = SigningKey::from_seed(&[61; 32]);
    refused(world.verify(&world.telegram().sign(&thief)), Reason::BadSignature, "telegram");
    let other_key = Telegram { key: key_id(&thief.verifying_key()), ..world.telegram() };
    refused(world.verify(&other_key.sign(&world.key)), Reason::UnknownKey, "telegram.key");
    let endless = Telegram { exp: NOW.plus(TELEGRAM_LIFETIME + 1), ..world.telegram() };
    refused(world.verify(&endless.sign(&world.key)), Reason::BadValue, "telegram.exp");
}

#[test]
fn an_altered_telegram_is_refused() {
    let world = world();
    let token = world.telegram().sign(&world.key);
    let pieces: Vec<&str> = token.split('.').collect();
    let other = Telegram { seq: 1, ..world.telegram() }.sign(&world.key);
    let payload = other.split('.').nth(1).unwrap();
    let mixed = format!("{}.{payload}.{}", pieces[0], pieces[2]);
    refused(world.verify(&mixed), Reason::BadSignature, "telegram");
    for text in ["", "a.b.c", &token[1..], pieces[0]] {
        assert!(world.verify(text).is_err(), "{text}");
    }
    // Another kind of token by the same key.
    let answer = world.answer(&token).sign(&world.key);
    refused(world.verify(&answer), Reason::Malformed, "telegram.typ");
}

#[test]
fn a_telegram_counts_in_its_time() {
    let world = world();
    let telegram = world.telegram();
    assert!(
        telegram.check_time(NOW.plus(719)).is_ok() && telegram.check_time(NOW.minus(120)).is_ok()
    );
    refused(telegram.check_time(NOW.plus(720)), Reason::Expired, "telegram.exp");
    refused(telegram.check_time(NOW.minus(121)), Reason::NotYetValid, "telegram.iat");
}

#[test]
fn an_answer_answers_one_telegram_of_one_member_of_one_center() {
    let world = world();
    let token = world.telegram().sign(&world.key);
    let good = world.answer(&token);
    let by = &world.center.credential;
    let read = |answer: &str| TelegramAnswer::verify(answer, by, &world.member, &token);
    assert_eq!(read(&good.sign(world.center.signer.as_ref())).unwrap(), good);
    let sign = |answer: &TelegramAnswer| answer.sign(world.center.signer.as_ref());
    refused(read(&good.sign(world.other.signer.as_ref())), Reason::BadSignature, "telegram_answer");
    let elsewhere = TelegramAnswer { iss: world.other.id().clone(), ..good.clone() };
    refused(read(&sign(&elsewhere)), Reason::WrongParty, "telegram_answer.iss");
    let theirs = TelegramAnswer { aud: id("name:M-000002"), ..good.clone() };
    refused(read(&sign(&theirs)), Reason::WrongParty, "telegram_answer.aud");
    let other = Telegram { seq: 1, ..world.telegram() }.sign(&world.key);
    let wrong = TelegramAnswer { telegram: identity(&other), ..good };
    refused(read(&sign(&wrong)), Reason::Mismatch, "telegram_answer.telegram");
    // The telegram itself, reflected.
    refused(read(&token), Reason::Malformed, "telegram_answer.typ");
}

#[test]
fn a_session_carries_questions_and_answers() {
    let world = world();
    let (mut terminal, mut center) = world.session();
    for number in 0..3 {
        let (seq, message) = terminal.ask(plain("question"));
        let (heard, question) = center.hear(&message).unwrap();
        assert_eq!((seq, heard, question.as_slice()), (number, number, b"question".as_slice()));
        let answer = center.answer(heard, plain("answer"));
        assert_eq!(terminal.hear_answer(seq, &answer).unwrap().as_slice(), b"answer");
    }
}

#[test]
fn a_message_counts_once_and_is_not_its_own_answer() {
    let world = world();
    let (mut terminal, mut center) = world.session();
    let (seq, message) = terminal.ask(plain("question"));
    center.hear(&message).unwrap();
    refused(center.hear(&message), Reason::Replayed, "session.seq");
    // Reflected: the terminal's own question as the center's answer, and the other way round.
    refused(terminal.hear_answer(seq, &message), Reason::SealedWrong, "session");
    let answer = center.answer(seq, plain("answer"));
    refused(center.hear(&answer), Reason::SealedWrong, "session");
    // The answer to one question for another.
    let (second, _) = terminal.ask(plain("again"));
    refused(terminal.hear_answer(second, &answer), Reason::Replayed, "session.seq");
    let mut altered = message.into_bytes();
    let last = altered.len() - 1;
    altered[last] = if altered[last] == b'A' { b'E' } else { b'A' };
    assert!(center.hear(&String::from_utf8(altered).unwrap()).is_err());
}

#[test]
fn a_session_is_opened_with_the_center_that_was_meant() {
    let world = world();
    let (waiting, message) = open(NETWORK, &world.center.credential, &mut rng(1)).unwrap();
    refused(accept(&world.other, &message, &mut rng(2)), Reason::WrongParty, "open.center");
    let redirected = warifu_protocol::telegram::session::Open {
        center: world.other.id().clone(),
        ..message.clone()
    };
    refused(accept(&world.other, &redirected, &mut rng(2)), Reason::UnknownKey, "open.kid");
    let network = warifu_protocol::telegram::session::Open {
        network: "other.example".into(),
        ..message.clone()
    };
    refused(accept(&world.center, &network, &mut rng(2)), Reason::WrongNetwork, "open.network");
    let broken = warifu_protocol::telegram::session::Open { ek: "AAAA".into(), ..message.clone() };
    refused(accept(&world.center, &broken, &mut rng(2)), Reason::SealedWrong, "open.ek");
    // Whoever answers without the center's key has other keys than the terminal.
    let made_up = Opened { session: Nonce([5; 32]), nonce: Nonce([6; 32]) };
    let mut terminal = waiting.finish(&made_up);
    let (mut center, _) = accept(&world.center, &message, &mut rng(3)).unwrap();
    let (_, question) = terminal.ask(plain("code 1234"));
    assert!(center.hear(&question).is_err());
    // A merchant's credential opens no telegram session.
    let shop = Net::new().terminal("domain:shop.example", Role::Merchant, 2);
    assert!(open(NETWORK, &shop.credential, &mut rng(1)).is_err());
}

#[test]
fn the_same_opening_twice_makes_two_sessions() {
    let world = world();
    let (waiting, message) = open(NETWORK, &world.center.credential, &mut rng(1)).unwrap();
    let (_, first) = accept(&world.center, &message, &mut rng(2)).unwrap();
    let (mut again, second) = accept(&world.center, &message, &mut rng(3)).unwrap();
    assert_ne!(first, second);
    let mut terminal = waiting.finish(&first);
    let (_, question) = terminal.ask(plain("question"));
    // A recorded question does not open in the session of a repeated opening.
    assert!(again.hear(&question).is_err());
}

#[test]
fn a_card_is_believed_by_its_centers_signature() {
    let world = world();
    let card = PrepaidCard {
        iss: world.center.id().clone(),
        network: NETWORK.into(),
        sub: world.member.clone(),
        number: "9000000000000009".into(),
        expiry: "2028-12".into(),
        loaded: Money::new(5000, Currency::JPY).unwrap(),
        serial: 1,
        iat: NOW,
        exp: NOW.plus(86_400),
    };
    let card = PrepaidCard { number: luhn(&card.number), ..card };
    let read = |card: &PrepaidCard, by: &Terminal, now| {
        PrepaidCard::verify(&card.sign(by.signer.as_ref()), &world.center.credential, now)
    };
    assert_eq!(read(&card, &world.center, NOW).unwrap(), card);
    refused(read(&card, &world.other, NOW), Reason::BadSignature, "prepaid_card");
    refused(read(&card, &world.center, NOW.plus(86_520)), Reason::Expired, "prepaid_card.exp");
    let alter = |change: fn(&mut PrepaidCard)| {
        let mut altered = card.clone();
        change(&mut altered);
        read(&altered, &world.center, NOW)
    };
    let other = alter(|card| card.iss = id("domain:center2.example"));
    refused(other, Reason::WrongParty, "prepaid_card.iss");
    refused(alter(|c| c.network = "x".into()), Reason::WrongNetwork, "prepaid_card.network");
    refused(alter(|c| c.number = "1".into()), Reason::BadValue, "prepaid_card.number");
    refused(alter(|c| c.expiry = "12/28".into()), Reason::BadValue, "prepaid_card.expiry");
}

/// The number with the check digit that makes it good.
fn luhn(number: &str) -> String {
    let start = &number[..number.len() - 1];
    let good = |text: &String| warifu_protocol::value::is_card_number(text);
    (0..10).map(|digit| format!("{start}{digit}")).find(good).unwrap()
}

#[test]
fn applications_and_messages_are_strict() {
    let person = Profile::Member(Person {
        name: "Hanako".into(),
        address: "Tokyo".into(),
        born: "1970-01-31".into(),
    });
    let application =
        Application { application: Nonce([1; 32]), profile: person, language: "ja".into() };
    assert!(application.check().is_ok());
    assert_eq!(application.profile.kind(), MemberKind::Member);
    let other = Application { language: "fr".into(), ..application.clone() };
    refused(other.check(), Reason::BadValue, "application.language");
    let message = Message::Apply(Box::new(application));
    let json = serde_json::to_string(&message).unwrap();
    assert_eq!(serde_json::from_str::<Message>(&json).unwrap(), message);
    for bad in [
        r#"{"join":{"kind":"issuer"}}"#,
        r#"{"join":{"kind":"member","more":1}}"#,
        r#"{"join":{"kind":"member"},"telegram":"x"}"#,
        r#"{"other":1}"#,
        r#"[]"#,
    ] {
        assert!(serde_json::from_str::<Message>(bad).is_err(), "{bad}");
    }
    assert_ne!(terms_hash("a"), terms_hash("b"));
}

#[test]
fn personal_data_is_refused_by_field() {
    let person = |name: &str, address: &str, born: &str| {
        Profile::Member(Person { name: name.into(), address: address.into(), born: born.into() })
    };
    let at = |field: &str| format!("telegram.instruction.profile.{field}");
    for (profile, field) in [
        (person("", "Tokyo", "1970-01-31"), "name"),
        (person("a\nb", "Tokyo", "1970-01-31"), "name"),
        (person(&"a".repeat(513), "Tokyo", "1970-01-31"), "name"),
        (person("Hanako", " ", "1970-01-31"), "address"),
        (person("Hanako", "Tokyo", "1970-02-30"), "born"),
    ] {
        refused(profile.check(), Reason::BadValue, &at(field));
        assert!(!format!("{profile:?}").contains("Hanako"));
    }
    let account = BankAccount::Iban { iban: "DE00".into(), holder: "Taro".into() };
    refused(account.check(), Reason::BadValue, &at("account.iban"));
    assert_eq!(AtFault::Sender.to_string(), "sender");
}
