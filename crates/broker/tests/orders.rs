//! Orders from the user's word to the last step, and every way in which they end.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{World, net::id, night, provider::PROVIDER};
use std::sync::atomic::Ordering;
use warifu_broker::{Approval, Channel};
use warifu_ports::mail::{IncomingKind, MailError, SenderCheck};
use warifu_protocol::{rule::Rule, status::State};
use warifu_types::FieldName;
use warifu_wire::{Problem, private_line::Refusal};

const DAY: u64 = 86_400;

#[tokio::test]
async fn an_order_goes_all_the_way_and_each_step_is_recorded() {
    let world = World::new().await;
    let order = world.confirming().await;
    let mail = world.script.last();
    assert!(mail.text.contains("一泊二食") && mail.language == "ja" && mail.to == common::MAIL);
    let approved = world.broker.take_mail(&world.reply("はい")).await.unwrap();
    assert_eq!(approved, Some(Approval::Approved));
    world.pass().await;
    assert_eq!(world.state(order).await, "passed");
    let number = world.view(order).await.number;
    assert_eq!(world.script.dispatched.lock().unwrap().get(&number), Some(&id(PROVIDER)));
    let (_, fields) = world.provider.orders.lock().unwrap()[&order].clone();
    let text = |field: &FieldName| fields[field].as_text().unwrap().to_string();
    assert_eq!(text(&FieldName::HOLDER_NAME), "山田花子");
    assert_eq!(text(&FieldName::DESTINATION), "2026-12-01\n別府");
    assert_eq!(fields[&FieldName::AMOUNT].as_amount().unwrap().minor(), 18_000);
    for word in [State::Authorized, State::Delivered, State::Settled] {
        world.provider.says(word, None);
        world.pass().await;
    }
    let view = world.view(order).await;
    assert_eq!((view.state, view.approved_by), ("closed", Some(Channel::Mail)));
    let steps: Vec<_> = view.steps.iter().map(|step| step.state.as_str()).collect();
    assert_eq!(
        steps,
        ["placed", "held", "confirming", "approved", "passed", "accepted", "served", "closed"]
    );
    assert_eq!(world.script.kinds(), ["confirmation", "approved", "served"]);
    assert_eq!(world.broker.run_pending().await.unwrap().waiting, 0);
}

#[tokio::test]
async fn on_a_no_of_the_registry_nothing_goes_out_and_the_user_is_told() {
    let world = World::new().await;
    *world.script.no.lock().unwrap() = Some(Refusal::Expired);
    let order = world.place("k1").await;
    world.pass().await;
    let view = world.view(order).await;
    assert_eq!((view.state, view.reason.as_deref()), ("refused", Some("expired")));
    assert_eq!(world.script.kinds(), ["card-refused"]);
    assert!(world.provider.orders.lock().unwrap().is_empty());
    assert!(world.script.dispatched.lock().unwrap().is_empty());
}

#[tokio::test]
async fn two_replies_at_once_approve_once() {
    let world = World::new().await;
    let order = world.confirming().await;
    let yes = world.reply("yes");
    let no = world.reply("cancel");
    let said = tokio::join!(
        world.broker.take_mail(&yes),
        world.broker.take_mail(&yes),
        world.broker.decide(&world.member, order, true),
        world.broker.take_mail(&no),
    );
    let all = [said.0.unwrap().unwrap(), said.1.unwrap().unwrap(), said.2.unwrap()];
    let all: Vec<_> = all.into_iter().chain([said.3.unwrap().unwrap()]).collect();
    assert_eq!(all.iter().filter(|said| **said != Approval::TooLate).count(), 1, "{all:?}");
    world.pass().await;
    // A mail that is replayed later changes nothing either.
    assert_eq!(world.broker.take_mail(&yes).await.unwrap(), Some(Approval::TooLate));
    assert!(world.provider.received.load(Ordering::SeqCst) <= 1);
}

#[tokio::test]
async fn a_late_reply_and_none_at_all_approve_nothing() {
    let world = World::new().await;
    let order = world.confirming().await;
    let reply = world.reply("yes");
    world.clock.advance(DAY / 2);
    world.pass().await;
    world.pass().await;
    assert_eq!(world.script.kinds(), ["confirmation", "reminder"]);
    world.clock.advance(DAY / 2 + 1);
    assert_eq!(world.broker.take_mail(&reply).await.unwrap(), Some(Approval::TooLate));
    world.pass().await;
    world.pass().await;
    let view = world.view(order).await;
    assert_eq!((view.state, view.reason.as_deref()), ("expired", Some("no_reply")));
    assert_eq!(world.broker.take_mail(&reply).await.unwrap(), Some(Approval::TooLate));
    assert_eq!(world.script.kinds(), ["confirmation", "reminder", "expired"]);
    // The registry's reference is of no use any more.
    assert_eq!(*world.script.void.lock().unwrap(), [view.number]);
    assert!(world.provider.orders.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_reply_before_the_commit_is_visible_is_taken_again_later() {
    let world = World::new().await;
    let order = world.confirming().await;
    let reply = world.reply("yes");
    // The same order, as it was before the confirmation was noted as sent.
    let mut second = World::new().await;
    second.script.mail_down.store(true, Ordering::SeqCst);
    let held = second.place("k1").await;
    second.pass().await;
    assert_eq!(second.state(held).await, "held");
    second.script.mail_down.store(false, Ordering::SeqCst);
    // It goes out, and the process dies before that is noted.
    let left = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(i64::MAX));
    let dying = common::Dying(second.store.clone(), left.clone());
    second.clock.advance(60);
    let broker = second.rebuilt(std::sync::Arc::new(dying)).await.unwrap();
    // Scan of orders, work on the one, scan of mails, the mail itself.
    for jobs in 1..40 {
        left.store(jobs, Ordering::SeqCst);
        let _ = broker.run_pending().await;
        if !second.script.mails.lock().unwrap().is_empty() {
            break;
        }
    }
    assert_eq!(second.state(held).await, "held");
    let early = second.reply("yes");
    assert_eq!(second.broker.take_mail(&early).await, Err(MailError::NotTaken));
    second.restart().await;
    second.clock.advance(60);
    second.pass().await;
    assert_eq!(second.broker.take_mail(&early).await.unwrap(), Some(Approval::Approved));
    assert_eq!(second.script.kinds().iter().filter(|kind| *kind == "confirmation").count(), 1);
    // The other order's reply is unknown here, and is no reason to offer it again.
    assert_eq!(second.broker.take_mail(&reply).await.unwrap(), None);
    assert_eq!(world.state(order).await, "confirming");
}

#[tokio::test]
async fn guessed_addresses_forged_senders_and_machines_approve_nothing() {
    let world = World::new().await;
    let order = world.confirming().await;
    let good = world.reply("yes");
    let mut guessed = good.clone();
    guessed.recipients = vec![format!("confirm+{}@{}", "0".repeat(32), common::DOMAIN)];
    assert_eq!(world.broker.take_mail(&guessed).await.unwrap(), None);
    let mut elsewhere = good.clone();
    elsewhere.recipients[0] = elsewhere.recipients[0].replace(common::DOMAIN, "evil.example");
    assert_eq!(world.broker.take_mail(&elsewhere).await.unwrap(), None);
    let mut forged = good.clone();
    forged.from = "mallory@example.jp".into();
    let mut disowned = good.clone();
    disowned.dkim = SenderCheck::Fail;
    let mut machine = good.clone();
    machine.kind = IncomingKind::Automatic;
    for mail in [forged, disowned, machine] {
        assert_eq!(world.broker.take_mail(&mail).await.unwrap(), Some(Approval::Ignored));
    }
    // What is not understood is asked again, once for a mail and some times at most.
    for text in ["how much?", "how much?", "where?", "when?", "why?"] {
        world.broker.take_mail(&world.reply(text)).await.unwrap();
    }
    world.pass().await;
    let kinds = world.script.kinds();
    assert_eq!(kinds[1..], ["asked-again-1", "asked-again-2", "asked-again-3"]);
    assert_eq!(world.state(order).await, "confirming");
    // The token is not in the records, in clear or as a key.
    let token = good.recipients[0].split(['+', '@']).nth(1).unwrap();
    assert!(token.len() == 32 && !world.is_stored(token));
}

#[tokio::test]
async fn a_cancelled_order_goes_nowhere() {
    let world = World::new().await;
    let order = world.confirming().await;
    let said = world.broker.take_mail(&world.reply("キャンセル")).await.unwrap();
    assert_eq!(said, Some(Approval::Cancelled));
    world.pass().await;
    assert_eq!(world.state(order).await, "cancelled");
    assert_eq!(world.script.kinds(), ["confirmation", "cancelled"]);
    assert_eq!(world.script.void.lock().unwrap().len(), 1);
    assert!(world.provider.orders.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_mail_server_that_is_down_holds_the_order_and_a_refused_mail_leaves_the_page() {
    let world = World::new().await;
    world.script.mail_down.store(true, Ordering::SeqCst);
    let order = world.place("k1").await;
    world.pass().await;
    assert_eq!(world.state(order).await, "held");
    world.script.mail_down.store(false, Ordering::SeqCst);
    world.clock.advance(60);
    world.pass().await;
    assert_eq!(world.state(order).await, "confirming");
    world.script.refuses_mail.store(true, Ordering::SeqCst);
    let order = world.place("k2").await;
    world.pass().await;
    assert_eq!(world.state(order).await, "confirming");
    let said = world.broker.decide(&world.member, order, true).await.unwrap();
    assert_eq!(said, Approval::Approved);
}

#[tokio::test]
async fn a_provider_that_is_silent_makes_the_order_void() {
    let world = World::new().await;
    let order = world.confirming().await;
    world.provider.down.store(true, Ordering::SeqCst);
    world.broker.decide(&world.member, order, true).await.unwrap();
    world.pass().await;
    assert_eq!(world.state(order).await, "approved");
    world.clock.advance(2 * DAY + 1);
    world.pass().await;
    let view = world.view(order).await;
    assert_eq!((view.state, view.reason.as_deref()), ("cancelled", Some("not_accepted")));
    world.pass().await;
    assert_eq!(world.script.kinds().last().unwrap(), "silent");
    assert_eq!(*world.script.void.lock().unwrap(), [view.number]);
    assert!(world.script.dispatched.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_out_is_not_void_and_the_providers_word_ends_it() {
    let world = World::new().await;
    world.script.out.store(true, Ordering::SeqCst);
    let order = world.confirming().await;
    world.broker.decide(&world.member, order, true).await.unwrap();
    world.pass().await;
    world.clock.advance(2 * DAY + 1);
    world.pass().await;
    assert_eq!(world.state(order).await, "passed");
    world.provider.says(State::Refused, Some("not_accepted"));
    world.pass().await;
    assert_eq!(world.state(order).await, "cancelled");
    world.pass().await;
    assert_eq!(world.script.kinds().last().unwrap(), "silent");
}

/// An order whose card is out and whose provider is dead, after its time.
async fn dead_provider(world: &World) -> warifu_types::OrderId {
    world.script.out.store(true, Ordering::SeqCst);
    let order = world.confirming().await;
    world.broker.decide(&world.member, order, true).await.unwrap();
    world.pass().await;
    assert_eq!(world.state(order).await, "passed");
    world.provider.down.store(true, Ordering::SeqCst);
    world.pass().await;
    assert!(world.issuer.withdrawn.lock().unwrap().is_empty(), "its time is not over");
    world.clock.advance(2 * DAY + 1);
    order
}

#[tokio::test]
async fn a_provider_that_dies_for_good_after_the_card_went_out_ends_the_order() {
    let world = World::new().await;
    let order = dead_provider(&world).await;
    // As long as the issuer cannot be asked either, nobody knows.
    world.issuer.down.store(true, Ordering::SeqCst);
    world.pass().await;
    assert_eq!(world.state(order).await, "passed");
    world.issuer.down.store(false, Ordering::SeqCst);
    world.pass().await;
    let view = world.view(order).await;
    assert_eq!((view.state, view.reason.as_deref()), ("cancelled", Some("not_accepted")));
    assert_eq!(*world.issuer.withdrawn.lock().unwrap(), [(order, id(PROVIDER))]);
    world.pass().await;
    assert_eq!(world.script.kinds().last().unwrap(), "silent");
    let listed = world.broker.all_orders(true).await.unwrap();
    assert_eq!(listed[0].trouble.as_deref(), Some("provider_silent"));
    assert_eq!(world.broker.run_pending().await.unwrap().waiting, 0);
}

#[tokio::test]
async fn what_a_dead_provider_has_had_held_or_paid_is_told_as_it_is() {
    let world = World::new().await;
    let order = dead_provider(&world).await;
    *world.issuer.word.lock().unwrap() = State::Authorized;
    for _ in 0..3 {
        world.pass().await;
    }
    assert_eq!(world.state(order).await, "accepted");
    // The issuer is asked again after an hour, not with every pass.
    assert_eq!(world.issuer.withdrawn.lock().unwrap().len(), 1);
    *world.issuer.word.lock().unwrap() = State::Settled;
    world.clock.advance(3_601);
    world.pass().await;
    assert_eq!(world.state(order).await, "closed");
    world.pass().await;
    assert_eq!(world.script.kinds().last().unwrap(), "served");
}

#[tokio::test]
async fn a_registry_or_a_mail_server_that_was_away_is_no_refusal_of_the_card() {
    for mail in [false, true] {
        let world = World::new().await;
        let down = if mail { &world.script.mail_down } else { &world.script.registry_down };
        down.store(true, Ordering::SeqCst);
        let order = world.place("k1").await;
        world.pass().await;
        world.clock.advance(DAY + 1);
        world.pass().await;
        let view = world.view(order).await;
        let reason = if mail { "mail_not_sent" } else { "registry_silent" };
        assert_eq!((view.state, view.reason.as_deref()), ("expired", Some(reason)));
        world.script.mail_down.store(false, Ordering::SeqCst);
        world.clock.advance(4_000);
        world.pass().await;
        assert_eq!(world.script.kinds().last().unwrap(), "our-fault");
        assert!(world.script.last().text.contains("カードが拒否されたものではありません"));
    }
}

#[tokio::test]
async fn a_provider_declines_in_every_way() {
    for (way, reason) in [(0, "declined"), (1, "unknown_item"), (2, "price_changed")] {
        let world = World::new().await;
        let order = world.confirming().await;
        match way {
            0 => world.provider.says(State::Refused, Some("declined")),
            1 => {
                let problem = Problem::new(422, "unknown_item", "no such item", Some("quote"));
                *world.provider.refuses.lock().unwrap() = Some(problem);
            }
            _ => world.provider.price.store(9_001, Ordering::SeqCst),
        }
        world.broker.decide(&world.member, order, true).await.unwrap();
        world.pass().await;
        let view = world.view(order).await;
        assert_eq!((view.state, view.reason.as_deref()), ("declined", Some(reason)));
        world.pass().await;
        assert_eq!(world.script.kinds().last().unwrap(), "declined");
        assert_eq!(world.script.void.lock().unwrap().len(), 1, "{reason}");
    }
}

#[tokio::test]
async fn a_card_that_is_out_for_nothing_is_told_to_the_operator() {
    let world = World::new().await;
    world.script.out.store(true, Ordering::SeqCst);
    let order = world.confirming().await;
    world.broker.decide(&world.member, order, true).await.unwrap();
    world.pass().await;
    world.provider.says(State::Refused, Some("declined"));
    world.pass().await;
    assert_eq!(world.state(order).await, "declined");
    let listed = world.broker.all_orders(true).await.unwrap();
    assert_eq!(listed[0].trouble.as_deref(), Some("card_out"));
    assert_eq!(world.broker.run_pending().await.unwrap().waiting, 0);
}

#[tokio::test]
async fn a_provider_that_bills_by_reference_is_sent_no_card() {
    let world = World::with(Rule::broker_reference()).await;
    let order = world.confirming().await;
    world.broker.decide(&world.member, order, true).await.unwrap();
    world.pass().await;
    assert_eq!(world.state(order).await, "passed");
    assert!(world.script.dispatched.lock().unwrap().is_empty());
    let (_, fields) = world.provider.orders.lock().unwrap()[&order].clone();
    assert!(!fields.contains_key(&FieldName::CARD_REFERENCE));
}

#[tokio::test]
async fn the_same_wish_is_ordered_once() {
    let world = World::new().await;
    let order = world.place("k1").await;
    assert_eq!(world.place("k1").await, order);
    let mut other = night();
    other.quantity = 3;
    let conflict = world.broker.place(&world.member, "k1", other.clone()).await.unwrap_err();
    assert_eq!(conflict.field.as_deref(), Some("idempotency_key"));
    let refused = |wish| world.broker.place(&world.member, "k2", wish);
    for (wish, field) in [
        (warifu_broker::OrderWish { service: "P-000001/X".into(), ..night() }, "service"),
        (warifu_broker::OrderWish { quantity: 0, ..night() }, "quantity"),
        (warifu_broker::OrderWish { date: "tomorrow".into(), ..night() }, "date"),
        (warifu_broker::OrderWish { payment_type: "free".into(), ..night() }, "payment_type"),
        (warifu_broker::OrderWish { destination: "\u{7}".into(), ..night() }, "destination"),
    ] {
        assert_eq!(refused(wish).await.unwrap_err().field.as_deref(), Some(field));
    }
    let concert = warifu_broker::OrderWish { service: "P-000001/C-1".into(), ..night() };
    assert_eq!(refused(concert).await.unwrap_err().field.as_deref(), Some("date"));
    // Another member sees nothing of it.
    let taro = world.broker.admit_member(common::application_of("en")).await.unwrap();
    assert!(world.broker.order(&taro, order).await.is_err());
    assert!(world.broker.decide(&taro, order, true).await.is_err());
    assert!(world.broker.orders(&taro).await.unwrap().is_empty());
    assert_eq!(world.broker.orders(&world.member).await.unwrap().len(), 1);
}
