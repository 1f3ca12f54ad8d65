//! Cards: bad input is named, the same card is added once, numbers are nowhere in clear.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]
mod common;

use common::{CARD, Wish, World, application, badge, euro, yen};
use warifu_issuer::{CardApplication, CardKind, Settings};
use warifu_testkit::Scanner;
use warifu_types::{Currency, FieldName, Role};

type Change = fn(&mut CardApplication);

async fn refused(world: &World, card: CardApplication) -> String {
    let before = world.issuer.balances().await.unwrap();
    let problem = world.issuer.add_card(card).await.unwrap_err();
    assert_eq!(problem.status, 422);
    assert!(!format!("{problem:?}").contains("41111"), "{problem:?}");
    assert!(world.issuer.cards().await.unwrap().is_empty());
    assert_eq!(world.issuer.balances().await.unwrap(), before);
    problem.field.unwrap()
}

#[tokio::test]
async fn bad_input_names_its_field_and_changes_nothing() {
    let world = World::new();
    let cases: &[(&str, Change)] = &[
        ("card_number", |c| c.card_number = "4111111111111112".into()),
        ("card_number", |c| c.card_number = "4111-1111".into()),
        ("expiry", |c| c.expiry = "2026-12".into()),
        ("expiry", |c| c.expiry = "12/30".into()),
        ("expiry", |c| c.expiry = "2030-13".into()),
        ("holder_name", |c| c.holder_name = " \u{3000}".into()),
        ("holder_name", |c| c.holder_name = "a\u{7}".into()),
        ("holder_name", |c| c.holder_name = "a".repeat(1025)),
        ("holder_telephone", |c| c.holder_telephone = "none".into()),
        ("limits", |c| c.limits = vec![]),
        ("limits", |c| c.limits = vec![yen(0)]),
        ("limits", |c| c.limits = vec![yen(1), euro(1), yen(2)]),
        ("zones", |c| c.zones = vec!["lab".into()]),
        ("max_instalments", |c| c.max_instalments = 61),
        ("kind", |c| c.kind = CardKind::Badge),
    ];
    for (field, change) in cases {
        let mut card = application(world.cast.holder.id());
        change(&mut card);
        assert_eq!(refused(&world, card).await, *field);
    }
    let mut debit = application(world.cast.holder.id());
    debit.kind = CardKind::Debit;
    assert_eq!(refused(&world, debit).await, "max_instalments");

    let world = World::badges();
    let cases: &[(&str, Change)] = &[
        ("kind", |c| c.kind = CardKind::Credit),
        ("limits", |c| c.limits = vec![yen(1)]),
        ("zones", |c| c.zones = vec![]),
        ("zones", |c| c.zones = vec![" ".into()]),
        ("max_instalments", |c| c.max_instalments = 2),
    ];
    for (field, change) in cases {
        let mut card = badge(world.cast.holder.id());
        change(&mut card);
        assert_eq!(refused(&world, card).await, *field);
    }
}

#[tokio::test]
async fn the_same_card_is_added_once() {
    let mut world = World::new();
    let id = world.card().await;
    assert_eq!(world.card().await, id);
    world.restart(Settings::default());
    let mut spelled = application(world.cast.holder.id());
    spelled.holder_telephone = "+81-3-1234-5678".into();
    assert_eq!(world.issuer.add_card(spelled).await.unwrap(), id);
    assert_eq!(world.available(&id, Currency::JPY).await, 5000);

    let changes: &[Change] = &[
        |c| c.limits[0] = yen(9000),
        |c| c.holder_name = "山田太郎".into(),
        |c| c.expiry = "2031-01".into(),
        |c| c.holder = common::name("mail:taro@example.jp"),
        |c| c.max_instalments = 3,
    ];
    for change in changes {
        let mut card = application(world.cast.holder.id());
        change(&mut card);
        let problem = world.issuer.add_card(card).await.unwrap_err();
        assert_eq!((problem.status, problem.field.as_deref()), (409, Some("card_number")));
    }
    assert_eq!(world.available(&id, Currency::JPY).await, 5000);
    world.issuer.audit().await.unwrap();
}

#[tokio::test]
async fn adding_again_does_not_unblock() {
    let world = World::new();
    let id = world.card().await;
    world.issuer.block_card(&id).await.unwrap();
    world.card().await;
    assert!(world.issuer.cards().await.unwrap()[0].blocked);
    let empty = World::new();
    assert_eq!(empty.issuer.block_card(&id).await.unwrap_err().status, 404);
}

#[tokio::test]
async fn a_debit_card_pays_from_what_was_paid_in() {
    let world = World::new();
    let mut card = application(world.cast.holder.id());
    card.kind = CardKind::Debit;
    card.limits = vec![yen(1000)];
    card.max_instalments = 0;
    let id = world.issuer.add_card(card).await.unwrap();
    assert_eq!(world.reason(&Wish::new(1)).await, "limit_exceeded");
    for _ in 0..2 {
        world.issuer.deposit(&id, "transfer 17", yen(980)).await.unwrap();
    }
    let conflict = world.issuer.deposit(&id, "transfer 17", yen(981)).await.unwrap_err();
    assert_eq!(conflict.field.as_deref(), Some("reference"));
    for (amount, reference, field) in
        [(yen(0), "a", "amount"), (yen(1), "", "reference"), (euro(1), "b", "card")]
    {
        let problem = world.issuer.deposit(&id, reference, amount).await.unwrap_err();
        assert_eq!(problem.field.as_deref(), Some(field));
    }
    let later = Wish::new(2).payment("instalments:3");
    assert_eq!(world.reason(&later).await, "instalments_not_offered");
    let authorization = world.authorize(&Wish::new(3)).await;
    assert_eq!(authorization.reason, None);
    world.capture(&authorization).await.unwrap();
    assert_eq!(world.available(&id, Currency::JPY).await, 0);
    world.issuer.close_month(2027, 1).await.unwrap();
    let problem = world.issuer.pay_statement(&id, 2027, 1).await.unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("card"));
    world.issuer.audit().await.unwrap();
    let credit = World::new();
    let id = credit.card().await;
    assert!(credit.issuer.deposit(&id, "a", yen(1)).await.is_err());
}

#[tokio::test]
async fn numbers_are_nowhere_in_clear() {
    let mut world = World::new();
    let id = world.card().await;
    let authorization = world.authorize(&Wish::new(1)).await;
    world.capture(&authorization).await.unwrap();
    world.reason(&Wish::new(2).amount(yen(9999))).await;
    let sealed = world.seal(&Wish { direct: true, ..Wish::new(3) });
    world.send_part(&world.cast.holder, &sealed).await.unwrap();

    let shown = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        application(world.cast.holder.id()),
        world.issuer.cards().await.unwrap(),
        world.issuer.balances().await.unwrap(),
        world.issuer.statement(&id, 2027, 1).await.unwrap(),
        world.issuer.view(&Wish::new(1).order()).await.unwrap(),
        world.issuer,
    );
    assert!(shown.contains("**** 1111") && id.to_string() != CARD);
    let telephone = "+81-3-1234-5678";
    let scanner = Scanner::new([("card", CARD), ("name", "山田花子"), ("telephone", telephone)]);
    assert_eq!(scanner.find("debug", shown.as_bytes()), []);

    world.restart(Settings::default());
    for entry in std::fs::read_dir(world.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(scanner.find(&path.display().to_string(), &bytes), []);
    }
    // It is there, encrypted: the issuer's own view has it.
    let view = world.issuer.view(&Wish::new(1).order()).await.unwrap().unwrap();
    assert_eq!(view.fields[&FieldName::CARD_NUMBER].as_text(), Some(CARD));
    assert_eq!(world.role, Role::Issuer);
}
