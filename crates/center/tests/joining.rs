//! Joining by application, letter and registration telegram; what is refused; lost terminals and
//! changed keys.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{
    Keys, World,
    member::{NAME, person, shop},
    net::NOW,
    yen,
};
use warifu_center::{ApplicationState, Terms};
use warifu_ports::Clock;
use warifu_protocol::{
    joining::{Application, MemberKind, Message, Reply, terms_hash},
    telegram::{Instruction, KeyChange, Outcome, Registration, Telegram},
};
use warifu_types::{Nonce, Role};
use warifu_wire::TelegramSession;

async fn form(world: &World, kind: MemberKind) -> Nonce {
    match world.say(Message::Join { kind }).await.unwrap() {
        Reply::Form { application, until } => {
            assert_eq!(until, world.clock.now().plus(86_400));
            application
        }
        other => panic!("{other:?}"),
    }
}

fn filled(application: Nonce, name: &str) -> Message {
    let language = "en".to_string();
    Message::Apply(Box::new(Application { application, profile: person(name), language }))
}

/// A number whose letter was made, keys for it, and a good registration.
async fn ready(world: &World) -> (String, Keys, Registration) {
    let (number, code) = world.letter(person(NAME), "en").await;
    let keys = world.keys_of(&number, 20);
    let registration = world.registration((&number, &code), person(NAME), &keys).await;
    (number, keys, registration)
}

#[tokio::test]
async fn a_member_joins_and_is_in_the_register() {
    let world = World::new().await;
    let member = world.member().await;
    assert_eq!(member.number, "M-000001");
    assert_eq!(member.keys.sub.as_str(), "name:M-000001");
    let settlement = world.center.settlement();
    let members = settlement.members().await.unwrap();
    assert_eq!(members[0].identifier.as_ref(), Some(&member.keys.sub));
    assert!(members[0].active);
    let applications = settlement.applications().await.unwrap();
    let number = "M-000001".to_string();
    assert_eq!(applications[0].state, ApplicationState::Approved { number });
    // The credential works: the member meets the center.
    let center = common::net::id(common::CENTER);
    let found = member.party.directory().find(&member.party, &center);
    assert_eq!(found.await.unwrap().credential.sub.as_str(), common::CENTER);
    assert_eq!(world.member_called("Taro").await.number, "M-000002");
}

#[tokio::test]
async fn a_merchant_joins_with_its_own_identifier() {
    let world = World::new().await;
    let (number, code) = world.letter(shop("Tea House"), "ja").await;
    assert_eq!(number, "S-000001");
    let keys =
        Keys::new("domain:tea.example", Role::Merchant, Some("http://tea.example".into()), 7);
    let registration = world.registration((&number, &code), shop("Tea House"), &keys).await;
    let outcome = world.register(registration, &keys, 0).await.unwrap();
    let Outcome::Registered(enrolment) = outcome else { panic!("{outcome:?}") };
    assert!(keys.terminal(&enrolment).credential.has_role(Role::Merchant));
    // A holder's key under a store's number is refused.
    let (number, code) = world.letter(shop("Rice House"), "en").await;
    let keys = Keys::new("mail:rice@example.jp", Role::Holder, None, 8);
    let registration = world.registration((&number, &code), shop("Rice House"), &keys).await;
    let problem = world.register(registration, &keys, 0).await.unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("telegram.instruction.enrolment"));
}

#[tokio::test]
async fn the_guide_and_its_fingerprint_are_those_of_the_letter() {
    let world = World::new().await;
    let guide = TelegramSession::guide(&world.url).await.unwrap();
    assert!(guide.member_terms.contains("会員規約") && guide.merchant_terms.contains("merchants"));
    let application = form(&world, MemberKind::Member).await;
    world.say(filled(application, "<b>Hanako</b>")).await.unwrap();
    let settlement = world.center.settlement();
    let number = settlement.approve(&application.to_string()[..10]).await.unwrap();
    let letter = settlement.letter(&number, false).await.unwrap();
    let fingerprint = warifu_protocol::enrolment::fingerprint(&guide.anchors);
    for shown in [fingerprint.as_str(), &number, &letter.code, "&lt;b&gt;Hanako&lt;/b&gt;", "Shiba"]
    {
        assert!(letter.page.contains(shown), "{shown}");
    }
    assert!(!format!("{letter:?}").contains(letter.code.as_str()));
    // The code is shown once.
    assert_eq!(
        settlement.letter(&number, false).await.unwrap_err().field.as_deref(),
        Some("number")
    );
    let again = settlement.letter(&number, true).await.unwrap();
    assert_ne!(again.code, letter.code);
}

#[tokio::test]
async fn applications_are_taken_once_and_in_time() {
    let world = World::new().await;
    let application = form(&world, MemberKind::Member).await;
    let taken = Reply::Applied { application };
    assert_eq!(world.say(filled(application, NAME)).await.unwrap(), taken);
    assert_eq!(world.say(filled(application, NAME)).await.unwrap(), taken);
    let problem = world.say(filled(application, "Somebody Else")).await.unwrap_err();
    assert_eq!(problem.code, "conflict");
    let unknown = world.say(filled(Nonce([3; 32]), NAME)).await.unwrap_err();
    assert_eq!(unknown.field.as_deref(), Some("application.application"));
    let late = form(&world, MemberKind::Member).await;
    world.clock.advance(86_400);
    assert_eq!(world.say(filled(late, NAME)).await.unwrap_err().code, "not_found");
    let other = form(&world, MemberKind::Merchant).await;
    let problem = world.say(filled(other, NAME)).await.unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("application.profile"));
    let bad = world.say(filled(other, " ")).await.unwrap_err();
    assert_eq!(bad.field.as_deref(), Some("telegram.instruction.profile.name"));
    world.center.settlement().reject(&application.to_string()).await.unwrap();
    let problem = world.center.settlement().approve(&application.to_string()).await.unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("application"));
}

#[tokio::test]
async fn without_an_issued_number_nobody_registers() {
    let world = World::new().await;
    let (_, keys, registration) = ready(&world).await;
    let number = "M-000009".to_string();
    let nobody = Registration { number, ..registration.clone() };
    assert_eq!(world.register(nobody, &keys, 0).await.unwrap_err().code, "not_issued");
    // Approved, but no letter was made.
    let application = form(&world, MemberKind::Member).await;
    world.say(filled(application, NAME)).await.unwrap();
    let number = world.center.settlement().approve(&application.to_string()).await.unwrap();
    let early = Registration { number, ..registration };
    assert_eq!(world.register(early, &keys, 1).await.unwrap_err().code, "not_issued");
    assert!(!world.center.settlement().members().await.unwrap()[0].active);
}

#[tokio::test]
async fn every_claim_of_a_registration_is_checked() {
    let world = World::new().await;
    let (number, keys, good) = ready(&world).await;
    let mut altered: Vec<(Registration, &str)> = vec![
        (
            Registration { terms: terms_hash("others"), ..good.clone() },
            "telegram.instruction.terms",
        ),
        (
            Registration { profile: person("Taro"), ..good.clone() },
            "telegram.instruction.profile.name",
        ),
        (Registration { profile: shop(NAME), ..good.clone() }, "telegram.instruction.profile"),
        (
            Registration { code: "ABCD".to_string().into(), ..good.clone() },
            "telegram.instruction.code",
        ),
    ];
    let other = Keys::seeded("name:M-000009", Role::Holder, [5; 32]);
    let elsewhere = Registration { enrolment: other.request(NOW), ..good.clone() };
    altered.push((elsewhere.clone(), "telegram.iss"));
    for (seq, (registration, field)) in altered.into_iter().enumerate() {
        let problem = world.register(registration, &keys, seq as u64).await.unwrap_err();
        let expected = if field == "telegram.iss" { "telegram" } else { field };
        assert_eq!(problem.field.as_deref(), Some(expected), "{field}");
    }
    // Signed with the key of its request, but not the number's identifier.
    let problem = world.register(elsewhere, &other, 0).await.unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("telegram.instruction.enrolment"));
    // Nothing of all that has spoilt the letter; a name may be spelled with other spaces.
    let spaced = Registration { profile: person("Hanako\u{3000} Yamada"), ..good };
    let outcome = world.register(spaced, &keys, 9).await.unwrap();
    assert!(matches!(outcome, Outcome::Registered(_)), "{number}");
}

#[tokio::test]
async fn five_wrong_codes_lock_the_number_until_a_new_letter() {
    let world = World::new().await;
    let (number, keys, good) = ready(&world).await;
    let (_, other) = world.letter(person("Taro"), "en").await;
    let wrong = Registration { code: other.into(), ..good.clone() };
    let first = world.telegram(&keys, 0, Instruction::Register(Box::new(wrong.clone())));
    for _ in 0..10 {
        // The same telegram again is one try.
        assert_eq!(world.send(&first).await.unwrap_err().code, "wrong_code");
    }
    for seq in 1..4 {
        let problem = world.register(wrong.clone(), &keys, seq).await.unwrap_err();
        assert_eq!(problem.code, "wrong_code");
    }
    assert_eq!(world.register(wrong, &keys, 4).await.unwrap_err().code, "locked");
    assert_eq!(world.register(good.clone(), &keys, 5).await.unwrap_err().code, "locked");
    let letter = world.center.settlement().letter(&number, true).await.unwrap();
    assert_eq!(world.register(good.clone(), &keys, 6).await.unwrap_err().code, "wrong_code");
    // As a person types it.
    let typed = letter.code.to_lowercase().replace('-', " ");
    let fresh = Registration { code: typed.into(), ..good };
    assert!(matches!(world.register(fresh, &keys, 7).await, Ok(Outcome::Registered(_))));
}

#[tokio::test]
async fn the_same_registration_again_has_the_same_answer_and_another_key_none() {
    let mut world = World::new().await;
    let (number, keys, good) = ready(&world).await;
    let token = world.telegram(&keys, 0, Instruction::Register(Box::new(good.clone())));
    let sessions = [world.session().await, world.session().await, world.session().await];
    let mut answers = Vec::new();
    for line in &sessions {
        answers.push(line.send(&token).await.unwrap());
    }
    world.restart().await;
    world.clock.advance(40 * 86_400);
    answers.push(world.session().await.send(&token).await.unwrap());
    answers.dedup();
    assert_eq!(answers.len(), 1);
    world.clock.set(NOW);
    let thief = world.keys_of(&number, 77);
    let theirs = Registration { enrolment: thief.request(NOW), ..good.clone() };
    assert_eq!(world.register(theirs, &thief, 0).await.unwrap_err().code, "number_used");
    // The owner, whose answer was lost together with the telegram.
    let again = world.register(good, &keys, 1).await.unwrap();
    assert_eq!(again, world.read(&answers[0], &token));
}

#[tokio::test]
async fn a_lost_terminal_is_revoked_and_a_new_letter_keeps_card_and_balance() {
    let world = World::new().await;
    let member = world.member().await;
    let lost = member.card(&world, yen(5000)).await;
    let before = member.telegram(&world, Instruction::Balance { card: lost.number.clone() });
    let settlement = world.center.settlement();
    assert!(settlement.letter(&member.number, true).await.is_err(), "still registered");
    settlement.revoke_key(&member.number).await.unwrap();
    assert_eq!(member.send(&world, &before).await.unwrap_err().code, "key_revoked");
    let letter = settlement.letter(&member.number, false).await.unwrap();
    let numbered = (member.number.as_str(), letter.code.as_str());
    // The old key does not come back, not even with the new letter.
    let registration = world.registration(numbered, person(NAME), &member.keys).await;
    let problem = world.register(registration, &member.keys, 50).await.unwrap_err();
    assert_eq!(problem.code, "key_ended");
    let keys = world.keys_of(&member.number, 21);
    let registration = world.registration(numbered, person(NAME), &keys).await;
    let outcome = world.register(registration, &keys, 0).await.unwrap();
    let renewed = world.at_terminal(member.number.clone(), keys, outcome, 1).await;
    // The new terminal knows of no card, and is given the one that there is.
    let cards = renewed.cards(&world).await;
    let card = match cards.as_slice() {
        [document] => renewed.read_card(&world, document),
        other => panic!("{other:?}"),
    };
    assert_eq!(renewed.balance(&world, &card.number).await, 5000);
    assert_eq!(member.send(&world, &before).await.unwrap_err().code, "key_revoked");
    // An order of the old key is not paid for by the new one either.
    let sealed = world.seal(&member, &common::Wish::new(1, &lost)).await;
    let reason = renewed.refused(&world, world.payment(&sealed)).await;
    assert_eq!(reason, "unknown_key");
    let sealed = world.seal(&renewed, &common::Wish::new(2, &card)).await;
    let outcome = renewed.tell(&world, world.payment(&sealed)).await.unwrap();
    assert!(matches!(outcome, Outcome::Paid(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_changed_key_takes_over_at_once() {
    let world = World::new().await;
    let member = world.member().await;
    let card = member.card(&world, yen(3000)).await;
    let keys = world.keys_of(&member.number, 33);
    let change = |enrolment| Instruction::ChangeKey(Box::new(KeyChange { enrolment }));
    let stranger = Keys::seeded("name:M-000009", Role::Holder, [5; 32]);
    let reason = member.refused(&world, change(stranger.request(NOW))).await;
    assert_eq!(reason, "wrong_party");
    let reason = member.refused(&world, change(member.keys.request(NOW))).await;
    assert_eq!(reason, "bad_value");
    let token = member.telegram(&world, change(keys.request(NOW)));
    let outcome = member.send(&world, &token).await.unwrap();
    // Its answer can be had again, and nothing else with the old key.
    assert_eq!(member.send(&world, &token).await.unwrap(), outcome);
    let balance = Instruction::Balance { card: card.number.clone() };
    let problem = member.tell(&world, balance).await.unwrap_err();
    assert_eq!(problem.code, "key_replaced");
    let renewed = world.at_terminal(member.number.clone(), keys, outcome, 0).await;
    assert_eq!(renewed.balance(&world, &card.number).await, 3000);
    let sealed = world.seal(&renewed, &common::Wish::new(1, &card)).await;
    let outcome = renewed.tell(&world, world.payment(&sealed)).await.unwrap();
    assert!(matches!(outcome, Outcome::Paid(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_registration_confirms_the_terms_of_its_letter() {
    let world = World::new().await;
    let (number, keys, good) = ready(&world).await;
    let terms = Terms { member: "Be kind.".into(), merchant: "Sell well.".into() };
    world.center.settlement().set_terms(terms).await.unwrap();
    let guide = TelegramSession::guide(&world.url).await.unwrap();
    assert_eq!(guide.terms(MemberKind::Member), "Be kind.");
    let others = Registration { terms: terms_hash("Be kind."), ..good.clone() };
    let problem = world.register(others.clone(), &keys, 0).await.unwrap_err();
    assert_eq!(problem.code, "terms_not_confirmed");
    let letter = world.center.settlement().letter(&number, true).await.unwrap();
    assert!(letter.page.contains("Be kind."));
    let code = letter.code.to_string();
    let fresh = Registration { code: code.into(), ..others };
    assert!(matches!(world.register(fresh, &keys, 1).await, Ok(Outcome::Registered(_))));
}

#[tokio::test]
async fn a_telegram_can_be_verified_again_after_its_key_has_ended() {
    let world = World::new().await;
    let member = world.member().await;
    let keys = world.keys_of(&member.number, 33);
    let change = KeyChange { enrolment: keys.request(NOW) };
    let token = member.telegram(&world, Instruction::ChangeKey(Box::new(change)));
    member.send(&world, &token).await.unwrap();
    world.center.settlement().revoke_key(&member.number).await.unwrap();
    let jti = Telegram::peek(&token).unwrap().jti;
    let kept = world.center.settlement().telegram_evidence(&member.keys.sub, &jti);
    let kept = kept.await.unwrap().unwrap();
    assert_eq!(kept.token, token);
    let center = common::net::id(common::CENTER);
    assert!(Telegram::verify(&kept.token, &kept.key, &center).is_ok());
    world.read(&kept.answer.unwrap(), &token);
    let none = world.center.settlement().telegram_evidence(&member.keys.sub, &Nonce([1; 32]));
    assert_eq!(none.await.unwrap(), None);
}
