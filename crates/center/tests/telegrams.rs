//! What a telegram must be to be acted on, and that it is acted on once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{Member, Wish, World, member::problem, net::NOW, settings, yen};
use std::sync::Arc;
use warifu_center::{Rates, Settings};
use warifu_ports::Clock;
use warifu_protocol::{
    joining::{MemberKind, Message},
    telegram::{Instruction, Outcome, Telegram},
};
use warifu_types::{Nonce, Rate};
use warifu_wire::CallError;

async fn paying(world: &World) -> (Member, Instruction) {
    let member = world.member().await;
    let card = member.card(world, yen(5000)).await;
    let sealed = world.seal(&member, &Wish::new(1, &card)).await;
    let payment = world.payment(&sealed);
    (member, payment)
}

/// A telegram that is otherwise good, altered and signed.
fn altered(
    world: &World,
    member: &Member,
    instruction: &Instruction,
    alter: impl FnOnce(&mut Telegram),
) -> String {
    let mut draft = world.draft(&member.keys, 100, instruction.clone());
    alter(&mut draft);
    draft.sign(&member.keys.signer())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_telegram_a_hundred_times_at_once_moves_money_once() {
    let world = Arc::new(World::new().await);
    let (member, payment) = paying(&world).await;
    let token = member.telegram(&world, payment);
    let line = Arc::new(world.session().await);
    let mut asked = Vec::new();
    for _ in 0..100 {
        let (line, token) = (line.clone(), token.clone());
        asked.push(tokio::spawn(async move { line.send(&token).await.unwrap() }));
    }
    let mut answers = Vec::new();
    for answer in asked {
        answers.push(answer.await.unwrap());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert!(matches!(world.read(&answers[0], &token), Outcome::Paid(_)));
    assert_eq!(world.sums().await, (1980, 0, 0));
    world.audit().await;
}

#[tokio::test]
async fn what_is_no_good_telegram_changes_nothing() {
    let world = World::new().await;
    let (member, payment) = paying(&world).await;
    let other = world.member_called("Taro").await;
    let at = |alter: fn(&mut Telegram)| altered(&world, &member, &payment, alter);
    let mut cases = vec![
        (at(|t| t.aud = common::net::id("domain:other.example")), "wrong_party"),
        (at(|t| t.iss = common::net::id("name:M-000009")), "unknown_member"),
        (at(|t| t.key = "AAAAAAAAAAAA".into()), "unknown_key"),
        (at(|t| (t.iat, t.exp) = (NOW.minus(9000), NOW.minus(120))), "expired"),
        (at(|t| t.iat = NOW.plus(121)), "not_yet_valid"),
        (at(|t| t.exp = NOW.plus(32 * 86_400)), "bad_value"),
        ("a.b.c".to_string(), "malformed"),
    ];
    let draft = world.draft(&member.keys, 100, payment.clone());
    cases.push((draft.sign(&other.keys.signer()), "bad_signature"));
    let good = draft.sign(&member.keys.signer());
    let swapped = format!("{}.AAAA", good.rsplit_once('.').unwrap().0);
    cases.push((swapped, "bad_signature"));
    for (token, code) in cases {
        let problem = world.send(&token).await.unwrap_err();
        assert_eq!(problem.code, code, "{problem:?}");
        assert_eq!(world.sums().await, (0, 0, 0));
    }
    // None of them has used the number up.
    assert!(matches!(world.send(&good).await.unwrap(), Outcome::Paid(_)));
}

#[tokio::test]
async fn clocks_may_differ_by_two_minutes() {
    let world = World::new().await;
    let (member, payment) = paying(&world).await;
    let balance = Instruction::TopUpStatus { telegram: Nonce([1; 32]) };
    let early = altered(&world, &member, &balance, |t| t.iat = NOW.plus(119));
    assert!(world.send(&early).await.is_ok());
    let late = altered(&world, &member, &payment, |t| {
        (t.seq, t.iat, t.exp) = (101, NOW.minus(9000), NOW.minus(119));
    });
    assert!(matches!(world.send(&late).await.unwrap(), Outcome::Paid(_)));
}

#[tokio::test]
async fn an_id_and_a_number_stand_for_one_telegram() {
    let world = World::new().await;
    let (member, payment) = paying(&world).await;
    let first = world.draft(&member.keys, 50, payment.clone());
    let token = first.sign(&member.keys.signer());
    let outcome = world.send(&token).await.unwrap();
    assert!(matches!(outcome, Outcome::Paid(_)));
    let same_id = Telegram { seq: 51, ..first.clone() }.sign(&member.keys.signer());
    let problem = world.send(&same_id).await.unwrap_err();
    assert_eq!(
        (problem.code.as_str(), problem.field.as_deref()),
        ("conflict", Some("telegram.jti"))
    );
    let same_number = Telegram { jti: Nonce([4; 32]), ..first }.sign(&member.keys.signer());
    assert_eq!(world.send(&same_number).await.unwrap_err().code, "sequence_used");
    // A question counts, too.
    let ask = Instruction::TopUpStatus { telegram: Nonce([1; 32]) };
    let ask = world.telegram(&member.keys, 50, ask);
    assert_eq!(world.send(&ask).await.unwrap_err().code, "sequence_used");
    assert_eq!(world.sums().await, (1980, 0, 0));
    assert_eq!(world.send(&token).await.unwrap(), outcome);
}

#[tokio::test]
async fn telegrams_arrive_in_any_order() {
    let world = World::new().await;
    let member = world.member().await;
    let card = member.card(&world, yen(10_000)).await;
    let mut tokens = Vec::new();
    for number in 0..4 {
        let sealed = world.seal(&member, &Wish::new(number, &card).of(yen(1000))).await;
        tokens.push(world.telegram(&member.keys, 60 + u64::from(number), world.payment(&sealed)));
    }
    for place in [3, 0, 2, 1] {
        assert!(matches!(world.send(&tokens[place]).await.unwrap(), Outcome::Paid(_)));
    }
    assert_eq!(world.sums().await.0, 4000);
}

#[tokio::test]
async fn a_lost_answer_is_had_again_after_a_crash_and_after_its_time() {
    let mut world = World::new().await;
    let (member, payment) = paying(&world).await;
    let token = member.telegram(&world, payment);
    let answer = world.session().await.send(&token).await.unwrap();
    world.restart().await;
    // The old session is gone with the process; the terminal opens another.
    let outcome = member.send(&world, &token).await.unwrap();
    assert_eq!(outcome, world.read(&answer, &token));
    world.clock.advance(100 * 86_400);
    assert_eq!(world.session().await.send(&token).await.unwrap(), answer);
    assert_eq!(world.sums().await.0, 1980);
}

#[tokio::test]
async fn a_refusal_is_signed_and_lasts() {
    let world = World::new().await;
    let member = world.member().await;
    let card = member.card(&world, yen(1000)).await;
    let sealed = world.seal(&member, &Wish::new(1, &card)).await;
    let token = member.telegram(&world, world.payment(&sealed));
    let refused = member.send(&world, &token).await.unwrap();
    let Outcome::Refused { reason, field } = &refused else { panic!("{refused:?}") };
    assert_eq!(
        (reason.as_str(), field.as_deref()),
        ("balance_too_low", Some("order.fields.amount"))
    );
    member.loaded(&world, yen(1000), Some(&card.number)).await;
    // More money does not change what was said; a new telegram does.
    assert_eq!(member.send(&world, &token).await.unwrap(), refused);
    let outcome = member.tell(&world, world.payment(&sealed)).await.unwrap();
    assert!(matches!(outcome, Outcome::Paid(_)), "{outcome:?}");
}

#[tokio::test]
async fn sessions_end_and_messages_count_once() {
    let world = World::new().await;
    let line = world.session().await;
    let ask = Message::Join { kind: MemberKind::Member };
    assert!(line.say(&ask).await.is_ok());
    world.clock.advance(901);
    let Err(CallError::Unproven(over)) = line.say(&ask).await else {
        panic!("the session is over")
    };
    assert_eq!(over.code, "unknown_session");
    let http = reqwest::Client::new();
    for (path, body, code) in [
        ("open", "{}", "malformed"),
        (
            "open",
            r#"{"network":"other","center":"domain:center.example","kid":"x","ek":""}"#,
            "wrong_network",
        ),
        (
            "open",
            r#"{"network":"town.example","center":"domain:other.example","kid":"x","ek":""}"#,
            "wrong_party",
        ),
        (
            "open",
            r#"{"network":"town.example","center":"domain:center.example","kid":"x","ek":""}"#,
            "unknown_key",
        ),
    ] {
        let url = format!("{}/v1/telegram/{path}", world.url);
        let response = http.post(url).body(body).send().await.unwrap();
        let problem: warifu_wire::Problem = response.json().await.unwrap();
        assert_eq!(problem.code, code, "{body}");
    }
    let url = format!("{}/v1/telegram", world.url);
    let response = http.post(url).body("nonsense").send().await.unwrap();
    assert_eq!(response.status(), 422);
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_when_to_come_again() {
    let slow = Rate { burst: 4, a_minute: 6 };
    let rates = Rates { opens_of_address: slow, ..settings().rates };
    let world = World::with(Settings { rates, ..settings() }).await;
    for _ in 0..4 {
        drop(world.session().await);
    }
    let url = format!("{}/v1/telegram/open", world.url);
    let response = reqwest::Client::new().post(url).body("{}").send().await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "10");
    world.clock.advance(10);
    drop(world.session().await);
}

#[tokio::test]
async fn one_members_flood_does_not_stop_another() {
    let slow = Rate { burst: 2, a_minute: 1 };
    let rates = Rates { telegrams: slow, ..settings().rates };
    let world = World::with(Settings { rates, ..settings() }).await;
    let (one, other) = (world.member().await, world.member_called("Taro").await);
    let ask = || Instruction::TopUpStatus { telegram: Nonce([1; 32]) };
    for _ in 0..2 {
        assert!(one.tell(&world, ask()).await.is_ok());
    }
    let problem = one.tell(&world, ask()).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (429, "too_often"));
    assert!(other.tell(&world, ask()).await.is_ok());
}

#[tokio::test]
async fn one_session_does_not_fill_the_register_of_forms() {
    let world = World::new().await;
    let line = world.session().await;
    let ask = Message::Join { kind: MemberKind::Member };
    for _ in 0..10 {
        line.say(&ask).await.unwrap();
    }
    assert_eq!(problem(line.say(&ask).await.unwrap_err()).code, "too_often");
    // Forms that nobody fills in are forgotten.
    world.clock.advance(86_400);
    world.center.settlement().work().await.unwrap();
    assert!(world.clock.now() > NOW);
}
