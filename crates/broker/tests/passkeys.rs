//! The second way in: a passkey in place of number and password (row C3).
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{
    PASSWORD, World, application_of,
    authenticator::{Authenticator, attestation},
};
use serde::Serialize;
use serde_json::{Value, json};
use warifu_broker::{Answer, Login, NewPasskeyAnswer};
use warifu_protocol::encode::b64;
use warifu_wire::Problem;

const ORIGIN: &str = "https://broker.example";
const SITE: &str = "broker.example";

fn text(options: &impl Serialize, path: &str) -> String {
    let value = serde_json::to_value(options).unwrap();
    value.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}")).to_string()
}

fn authenticator() -> Authenticator {
    Authenticator::es256(ORIGIN, SITE)
}

/// What the browser says of a new passkey.
fn new(authenticator: &Authenticator, challenge: &str, name: &str) -> NewPasskeyAnswer {
    let client_data = authenticator.client_data("webauthn.create", challenge);
    NewPasskeyAnswer {
        name: name.into(),
        client_data: b64(client_data.as_bytes()),
        attestation: b64(&attestation(authenticator.data(true))),
    }
}

/// What the browser says when somebody comes in.
fn answer(authenticator: &Authenticator, user: &str, challenge: &str) -> Answer {
    let client_data = authenticator.client_data("webauthn.get", challenge);
    let data = authenticator.data(false);
    Answer {
        id: b64(&authenticator.id),
        client_data: b64(client_data.as_bytes()),
        signature: b64(&authenticator.sign(&data, &client_data)),
        authenticator_data: b64(&data),
        user: user.into(),
    }
}

/// Adds a passkey of the world's member; returns the user that the authenticator knows.
async fn enrol(world: &World, authenticator: &Authenticator, name: &str) -> String {
    let begun = world.broker.begin_passkey(&world.member, PASSWORD, ("home", None)).await.unwrap();
    let made = new(authenticator, &text(&begun.options, "/challenge"), name);
    world.broker.add_passkey(&world.member, &begun.ticket, &made).await.unwrap();
    text(&begun.options, "/user/id")
}

async fn enter(world: &World, authenticator: &Authenticator, user: &str) -> Result<Login, Problem> {
    let begun = world.broker.begin_entry("home").await?;
    let answer = answer(authenticator, user, &text(&begun.options, "/challenge"));
    world.broker.enter(&begun.ticket, &answer, "home").await
}

#[tokio::test]
async fn a_passkey_lets_its_member_in_until_it_is_removed() {
    let world = World::new().await;
    let phone = authenticator();
    let user = enrol(&world, &phone, " my phone ").await;
    let login = enter(&world, &phone, &user).await.unwrap();
    assert_eq!(world.broker.session(&login.session).await.unwrap(), world.member);
    let mine = world.broker.passkeys(&world.member).await.unwrap();
    assert_eq!((mine[0].name.as_str(), mine[0].used), ("my phone", Some(mine[0].made)));
    world.broker.name_passkey(&world.member, &mine[0].handle, "the old phone").await.unwrap();
    let other = world.broker.admit_member(application_of("en")).await.unwrap();
    for change in [
        world.broker.name_passkey(&other, &mine[0].handle, "x").await,
        world.broker.remove_passkey(&other, &mine[0].handle).await,
    ] {
        assert_eq!(change.unwrap_err().status, 404);
    }
    let stranger = enter(&world, &authenticator(), &user).await.unwrap_err();
    world.broker.remove_passkey(&world.member, &mine[0].handle).await.unwrap();
    let removed = enter(&world, &phone, &user).await.unwrap_err();
    assert_eq!((removed.status, removed.code.as_str()), (401, "wrong_passkey"));
    assert_eq!(removed, stranger);
    // It can come back.
    enrol(&world, &phone, "again").await;
    enter(&world, &phone, &user).await.unwrap();
}

#[tokio::test]
async fn a_passkey_is_added_with_the_password_and_by_the_member_alone() {
    let world = World::new().await;
    let begin = async |password: &str| {
        world.broker.begin_passkey(&world.member, password, ("home", None)).await.map(|_| ())
    };
    for _ in 0..5 {
        assert_eq!(begin("a wrong password").await.unwrap_err().code, "wrong_login");
    }
    // A password cannot be guessed here any faster than at the login.
    assert_eq!(begin(PASSWORD).await.unwrap_err().code, "too_many_attempts");
    let from = ("elsewhere", None);
    let begun = world.broker.begin_passkey(&world.member, PASSWORD, from).await.unwrap();
    let options = serde_json::to_value(&begun.options).unwrap();
    assert_eq!(options["attestation"], "none");
    let selection = &options["authenticatorSelection"];
    assert_eq!(
        selection,
        &json!({
            "residentKey": "required", "requireResidentKey": true, "userVerification": "required",
        })
    );
    assert_eq!(options["rp"]["id"], SITE);
    let made = new(&authenticator(), options["challenge"].as_str().unwrap(), "phone");
    let other = world.broker.admit_member(application_of("en")).await.unwrap();
    let stolen = world.broker.add_passkey(&other, &begun.ticket, &made).await.unwrap_err();
    assert_eq!(stolen.field.as_deref(), Some("clientDataJSON.challenge"));
    let entry = world.broker.begin_entry("home").await.unwrap();
    let other_ticket = world.broker.add_passkey(&world.member, &entry.ticket, &made).await;
    assert_eq!(other_ticket.unwrap_err().field.as_deref(), Some("clientDataJSON.challenge"));
    assert_eq!(world.broker.passkeys(&world.member).await.unwrap(), []);
    world.broker.add_passkey(&world.member, &begun.ticket, &made).await.unwrap();
    let again = world.broker.add_passkey(&world.member, &begun.ticket, &made).await.unwrap_err();
    assert_eq!(again.code, "challenge_over");
}

#[tokio::test]
async fn an_answer_counts_once_in_its_time_and_in_its_browser() {
    let world = World::new().await;
    let phone = authenticator();
    let user = enrol(&world, &phone, "phone").await;
    let enter = async |ticket: &str, answer: &Answer| {
        world.broker.enter(ticket, answer, "home").await.map_err(|problem| problem.code)
    };
    let begun = world.broker.begin_entry("home").await.unwrap();
    let good = answer(&phone, &user, &text(&begun.options, "/challenge"));
    let elsewhere = world.broker.begin_entry("elsewhere").await.unwrap();
    assert_eq!(enter(&elsewhere.ticket, &good).await.unwrap_err(), "wrong_passkey");
    // A bad answer spends the challenge, too.
    let late = answer(&phone, &user, &text(&elsewhere.options, "/challenge"));
    assert_eq!(enter(&elsewhere.ticket, &late).await.unwrap_err(), "challenge_over");
    enter(&begun.ticket, &good).await.unwrap();
    assert_eq!(enter(&begun.ticket, &good).await.unwrap_err(), "challenge_over");
    let begun = world.broker.begin_entry("home").await.unwrap();
    let good = answer(&phone, &user, &text(&begun.options, "/challenge"));
    world.clock.advance(301);
    assert_eq!(enter(&begun.ticket, &good).await.unwrap_err(), "challenge_over");
    // Nobody can move the end of a ticket's time.
    let (end, random) = begun.ticket.split_once('.').unwrap();
    let later = format!("{}.{random}", end.parse::<u64>().unwrap() + 300);
    assert_eq!(enter(&later, &good).await.unwrap_err(), "wrong_passkey");
    for ticket in ["", ".", "x.y", "18446744073709551615.0", &format!("{}.{random}", u64::MAX)] {
        assert_eq!(enter(ticket, &good).await.unwrap_err(), "challenge_over", "{ticket}");
    }
}

#[tokio::test]
async fn what_a_browser_says_wrongly_names_the_field_and_lets_nobody_in() {
    let world = World::new().await;
    let mut phone = authenticator();
    let user = enrol(&world, &phone, "phone").await;
    let try_with = async |phone: &Authenticator, bend: &dyn Fn(&mut Answer)| {
        let begun = world.broker.begin_entry("home").await.unwrap();
        let mut answer = answer(phone, &user, &text(&begun.options, "/challenge"));
        bend(&mut answer);
        let problem = world.broker.enter(&begun.ticket, &answer, "home").await.unwrap_err();
        (problem.status, problem.field.unwrap())
    };
    let plain = async |bend: &dyn Fn(&mut Answer), field: &str| {
        assert_eq!(try_with(&phone, bend).await, (422, field.to_string()));
    };
    plain(&|answer| answer.id.push('='), "id").await;
    plain(&|answer| answer.client_data.push('!'), "client_data").await;
    plain(&|answer| answer.authenticator_data.insert(0, '+'), "authenticator_data").await;
    plain(&|answer| answer.signature.push_str("=="), "signature").await;
    let another_user = |answer: &mut Answer| answer.user = "A".repeat(43);
    assert_eq!(try_with(&phone, &another_user).await, (401, "signature".into()));
    phone.flags = 1;
    assert_eq!(try_with(&phone, &|_| ()).await, (401, "authenticatorData.flags".into()));
    phone.flags = 5;
    phone.origin = "https://broker.example.evil".into();
    assert_eq!(try_with(&phone, &|_| ()).await, (401, "clientDataJSON.origin".into()));
}

#[tokio::test]
async fn of_two_authenticators_with_one_key_the_one_behind_is_refused() {
    let world = World::new().await;
    let mut phone = authenticator();
    phone.counter = 10;
    let user = enrol(&world, &phone, "phone").await;
    phone.counter = 12;
    enter(&world, &phone, &user).await.unwrap();
    for behind in [0, 11, 12] {
        phone.counter = behind;
        let problem = enter(&world, &phone, &user).await.unwrap_err();
        assert_eq!(problem.field.as_deref(), Some("authenticatorData.signCount"));
    }
    phone.counter = 13;
    enter(&world, &phone, &user).await.unwrap();
}

#[tokio::test]
async fn a_member_who_is_let_in_no_more_has_no_other_door() {
    let world = World::new().await;
    let phone = authenticator();
    let user = enrol(&world, &phone, "phone").await;
    world.broker.activate_member(&world.member, false).await.unwrap();
    assert_eq!(enter(&world, &phone, &user).await.unwrap_err().code, "wrong_passkey");
    world.broker.activate_member(&world.member, true).await.unwrap();
    enter(&world, &phone, &user).await.unwrap();
}

#[tokio::test]
async fn attempts_with_passkeys_and_passwords_are_counted_together() {
    let world = World::new().await;
    for _ in 0..28 {
        world.broker.begin_entry("evil").await.unwrap();
    }
    let login = async |address: &str| {
        world.broker.login(&world.member, PASSWORD, (address, None)).await.map(|_| ())
    };
    login("evil").await.unwrap();
    login("evil").await.unwrap();
    assert_eq!(login("evil").await.unwrap_err().code, "too_many_attempts");
    let begun = world.broker.begin_entry("evil").await.map(|_| ());
    assert_eq!(begun.unwrap_err().code, "too_many_attempts");
    login("home").await.unwrap();
}

#[tokio::test]
async fn a_member_has_ten_passkeys_at_most_and_each_once() {
    let world = World::new().await;
    let first = authenticator();
    enrol(&world, &first, "1").await;
    let begin = async || world.broker.begin_passkey(&world.member, PASSWORD, ("home", None)).await;
    let begun = begin().await.unwrap();
    let known = serde_json::to_value(&begun.options).unwrap()["excludeCredentials"].clone();
    assert_eq!(known, json!([{ "type": "public-key", "id": b64(&first.id) }]));
    let same = new(&first, &text(&begun.options, "/challenge"), "2");
    let twice = world.broker.add_passkey(&world.member, &begun.ticket, &same).await;
    assert_eq!(twice.unwrap_err().code, "conflict");
    for name in ["", " ", &"x".repeat(61), "a\nb"] {
        let begun = begin().await.unwrap();
        let named = new(&authenticator(), &text(&begun.options, "/challenge"), name);
        let error = world.broker.add_passkey(&world.member, &begun.ticket, &named).await;
        assert_eq!(error.unwrap_err().field.as_deref(), Some("name"));
    }
    world.clock.advance(3_600);
    let waiting = begin().await.unwrap();
    for count in 2..=10 {
        enrol(&world, &authenticator(), &count.to_string()).await;
    }
    assert_eq!(begin().await.map(|_| ()).unwrap_err().code, "too_many_passkeys");
    let eleventh = new(&authenticator(), &text(&waiting.options, "/challenge"), "11");
    let one_more = world.broker.add_passkey(&world.member, &waiting.ticket, &eleventh).await;
    assert_eq!(one_more.unwrap_err().code, "too_many_passkeys");
    assert_eq!(world.broker.passkeys(&world.member).await.unwrap().len(), 10);
}

#[tokio::test]
async fn whoever_has_the_records_cannot_come_in() {
    let world = World::new().await;
    let phone = authenticator();
    let user = enrol(&world, &phone, "phone").await;
    let begun = world.broker.begin_entry("home").await.unwrap();
    let challenge = text(&begun.options, "/challenge");
    // Of a challenge that waits nothing is kept, and afterwards nothing that answers another.
    assert!(!world.is_stored(&challenge) && !world.is_stored(&begun.ticket));
    let good = answer(&phone, &user, &challenge);
    let login = world.broker.enter(&begun.ticket, &good, "home").await.unwrap();
    for secret in [login.session.as_str(), &login.device, &begun.ticket, &good.signature] {
        assert!(!world.is_stored(secret));
    }
    assert!(world.is_stored(&challenge), "the check itself: spent challenges are kept");
    // And no longer than their time.
    world.clock.advance(301);
    enter(&world, &phone, &user).await.unwrap();
    assert!(!world.is_stored(&challenge));
}
