//! Logging in, and finding services.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{PASSWORD, World};
use warifu_broker::{Import, SearchWish};
use warifu_wire::private_line::code_hash;

#[tokio::test]
async fn an_attacker_cannot_lock_a_member_out() {
    let world = World::new().await;
    let login = async |address: &str, password: &str, device: Option<&str>| {
        world.broker.login(&world.member, password, (address, device)).await
    };
    let first = login("home", PASSWORD, None).await.unwrap();
    assert_eq!(world.broker.session(&first.session).await.unwrap(), world.member);
    // From one address the guesses end soon; the member, elsewhere, is not touched.
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(login("evil", "a wrong password", None).await.unwrap_err().code);
    }
    assert_eq!(codes[4..], ["wrong_login", "too_many_attempts"]);
    login("home", PASSWORD, None).await.unwrap();
    // From many addresses the number slows down, but not for a device that is known.
    for address in 0..80 {
        let _ = login(&format!("evil-{address}"), "a wrong password", None).await;
    }
    assert_eq!(login("cafe", PASSWORD, None).await.unwrap_err().code, "too_many_attempts");
    login("cafe", PASSWORD, Some(&first.device)).await.unwrap();
    let other = Some("0".repeat(32));
    let slowed = login("bar", PASSWORD, other.as_deref()).await.unwrap_err();
    assert_eq!(slowed.code, "too_many_attempts");
    world.broker.logout(&first.session).await.unwrap();
    assert_eq!(world.broker.session(&first.session).await.unwrap_err().code, "no_session");
}

#[tokio::test]
async fn a_known_device_passes_whatever_others_do_at_its_address() {
    let world = World::new().await;
    let login = async |number: &str, password: &str, device: Option<&str>| {
        world.broker.login(number, password, ("cafe", device)).await
    };
    let first = login(&world.member, PASSWORD, None).await.unwrap();
    for stranger in 0..40 {
        let _ = login(&format!("B-9{stranger:05}"), "a wrong password", None).await;
    }
    let crowded = login(&world.member, PASSWORD, None).await.unwrap_err();
    assert_eq!(crowded.code, "too_many_attempts");
    login(&world.member, PASSWORD, Some(&first.device)).await.unwrap();
    // Its own attempts are counted all the same, and it is known for its own member alone.
    for _ in 0..5 {
        let wrong = login(&world.member, "a wrong password", Some(&first.device)).await;
        assert_eq!(wrong.unwrap_err().code, "wrong_login");
    }
    let tired = login(&world.member, PASSWORD, Some(&first.device)).await.unwrap_err();
    assert_eq!(tired.code, "too_many_attempts");
    let other = login("B-999999", "a wrong password", Some(&first.device)).await.unwrap_err();
    assert_eq!(other.code, "too_many_attempts");
}

/// The number and the token of the mail that went out last.
fn device_link(world: &World) -> (String, String) {
    let mail = world.script.last();
    let (_, link) = mail.text.split_once("https://broker.example/d/").unwrap();
    let (number, token) = link.lines().next().unwrap().split_once('/').unwrap();
    (number.to_string(), token.to_string())
}

#[tokio::test]
async fn a_member_whose_number_is_guessed_at_from_everywhere_gets_in_by_mail() {
    let world = World::new().await;
    for address in 0..80 {
        let from = format!("evil-{address}");
        let _ = world.broker.login(&world.member, "a wrong password", (&from, None)).await;
    }
    let home = |device| world.broker.login(&world.member, PASSWORD, ("home", device));
    assert_eq!(home(None).await.unwrap_err().code, "too_many_attempts");
    // Whoever asks, and however often: one mail in an hour, to the member, and the same answer.
    for who in [&world.member, "B-999999", &world.member] {
        world.broker.ask_device(who, "home").await.unwrap();
        world.pass().await;
    }
    assert_eq!(world.script.mails.lock().unwrap().len(), 1);
    assert_eq!(world.script.last().to, common::MAIL);
    let (number, link) = device_link(&world);
    assert_eq!(number, world.member);
    let known = world.broker.know_device(&number, &link).await.unwrap();
    assert!(home(Some(&known.device)).await.is_ok());
    // The mail opens nothing by itself, and its link is kept nowhere.
    let wrong = world.broker.login(&number, "another", ("home", Some(&known.device))).await;
    assert_eq!(wrong.unwrap_err().code, "wrong_login");
    assert!(!world.is_stored(&link) && !world.is_stored(&known.device));
    let other = world.broker.admit_member(common::application_of("en")).await.unwrap();
    assert!(world.broker.know_device(&other, &link).await.is_err());
    assert!(world.broker.know_device(&number, &"0".repeat(32)).await.is_err());
    world.clock.advance(7_200);
    assert_eq!(world.broker.know_device(&number, &link).await.unwrap_err().code, "not_found");
}

#[tokio::test]
async fn unknown_numbers_and_wrong_passwords_are_one_answer() {
    let world = World::new().await;
    let login = async |number: &str| {
        world.broker.login(number, "a wrong password", (number, None)).await.unwrap_err()
    };
    assert_eq!(login("B-999999").await, login(&world.member).await);
    let good = world.broker.login(&world.member, PASSWORD, ("x", None)).await.unwrap();
    world.clock.advance(3_601);
    assert!(world.broker.session(&good.session).await.is_err());
    let good = world.broker.login(&world.member, PASSWORD, ("x", None)).await.unwrap();
    world.broker.activate_member(&world.member, false).await.unwrap();
    assert!(world.broker.session(&good.session).await.is_err());
    assert!(world.broker.login(&world.member, PASSWORD, ("y", None)).await.is_err());
    assert!(!world.is_stored(PASSWORD) && !world.is_stored(&good.session));
}

#[tokio::test]
async fn a_registration_code_is_kept_nowhere() {
    let world = World::new().await;
    let code = world.broker.card_code(&world.member).await.unwrap();
    let told = world.script.codes.lock().unwrap().remove(0);
    assert_eq!((told.member.as_str(), told.code_hash), (world.member.as_str(), code_hash(&code)));
    assert!(!world.is_stored(&code) && !world.is_stored(&told.code_hash.to_string()));
    for bad in ["not", "short"] {
        let mut application = common::application_of("en");
        application.password = bad.to_string().into();
        let error = world.broker.admit_member(application).await.unwrap_err();
        assert_eq!(error.field.as_deref(), Some("password"));
    }
}

async fn found(world: &World, wish: SearchWish) -> Vec<String> {
    let page = world.broker.search(&wish).await.unwrap();
    page.services.into_iter().map(|found| found.service.number).collect()
}

fn words(words: &str) -> SearchWish {
    SearchWish { words: words.into(), ..SearchWish::default() }
}

#[tokio::test]
async fn services_are_found_in_both_languages_with_slips_and_conditions() {
    let mut world = World::new().await;
    for text in ["温泉", "hot spring", "hot sprng", "ｵﾝｾﾝ 温泉", "べっぷ 別府"] {
        assert_eq!(
            found(&world, words(text)).await.first().map(String::as_str),
            Some("N-1"),
            "{text}"
        );
    }
    assert_eq!(found(&world, words("ぴあの")).await, ["C-1"]);
    assert_eq!(found(&world, words("recitl")).await, ["C-1"]);
    assert_eq!(found(&world, words("submarine")).await, Vec::<String>::new());
    let kind = SearchWish { kind: Some("inn".into()), ..words("") };
    assert_eq!(found(&world, kind).await, ["N-1", "N-2"]);
    let place = SearchWish { place: Some("京都".into()), ..words("") };
    assert_eq!(found(&world, place).await, ["N-2"]);
    let date = SearchWish { date: Some("2026-12-23".into()), ..words("") };
    assert_eq!(found(&world, date).await, ["N-1", "N-2"]);
    let price = SearchWish { currency: Some("JPY".into()), to: Some(4_999), ..words("") };
    assert_eq!(found(&world, price).await, ["C-1"]);
    for (wish, field) in [
        (SearchWish { from: Some(1), ..words("") }, "currency"),
        (SearchWish { limit: Some(0), ..words("") }, "limit"),
        (SearchWish { date: Some("x".into()), ..words("") }, "date"),
        (SearchWish { after: Some("x".into()), ..words("") }, "after"),
        (words("!?"), "words"),
    ] {
        let error = world.broker.search(&wish).await.unwrap_err();
        assert_eq!(error.field.as_deref(), Some(field));
    }
    assert_eq!(world.broker.kinds().unwrap(), [("concert".into(), 1), ("inn".into(), 2)]);
    // The index is made anew from the records.
    world.restart().await;
    assert_eq!(found(&world, words("温泉")).await, ["N-1"]);
    // A file with a fault changes nothing; a good one is all that the provider offers.
    let bad = format!("{}N-9,inn,x,,,,0,JPY,,,,\n", common::SERVICES);
    let faults = world.broker.import("P-000001", Import::Csv(bad.as_bytes())).await.unwrap();
    assert_eq!(faults.unwrap_err()[0].line, 5);
    assert_eq!(found(&world, words("温泉")).await, ["N-1"]);
    let tea = "number,kind,name_en,price,currency\nT-1,tea,Green tea,900,JPY\n";
    let count = world.broker.import("P-000001", Import::Csv(tea.as_bytes())).await.unwrap();
    assert_eq!(count, Ok(1));
    assert_eq!(found(&world, words("温泉")).await, Vec::<String>::new());
    assert_eq!(found(&world, words("gren tea")).await, ["T-1"]);
    world.broker.refuse_provider("P-000001").await.unwrap();
    assert_eq!(found(&world, words("")).await, Vec::<String>::new());
    assert!(world.broker.service("P-000001/T-1").await.is_err());
}

/// An operator's command changes the records beside the running service.
#[tokio::test]
async fn what_another_process_changes_is_found_without_a_restart() {
    let world = World::new().await;
    let beside = world.rebuilt(world.store.clone()).await.unwrap();
    let wish = SearchWish { words: "温泉".to_string(), ..SearchWish::default() };
    let file = "number,kind,name_ja,price,currency\nNEW-1,inn,温泉の新館,9800,JPY\n";
    let count = beside.import("P-000001", Import::Csv(file.as_bytes())).await.unwrap().unwrap();
    assert_eq!(count, 1);
    world.broker.run_pending().await.unwrap();
    let found = world.broker.search(&wish).await.unwrap().services;
    assert!(found.iter().any(|found| found.service.number == "NEW-1"));
    // What the file does not have any more is gone from the index, too.
    assert_eq!(world.broker.kinds().unwrap(), [("inn".into(), 1)]);
    beside.refuse_provider("P-000001").await.unwrap();
    world.broker.run_pending().await.unwrap();
    assert!(world.broker.kinds().unwrap().is_empty());
}
