//! The merchant as a broker's provider: orders that wait, cards by the second channel, billing in the
//! network and by ISO 8583 (rows C6 to C9).
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
#![allow(clippy::result_large_err, reason = "as in the crate")]
mod common;
mod provider;

use common::{Breaking, World, net::NOW, script::Mode, server::Fault};
use provider::{CARD, Line, LineFault, Provider, by_card_network, by_itself, card, provider};
use std::sync::{Arc, atomic::AtomicUsize};
use warifu_merchant::{Billing, Brokering, CardWay, PROVIDER_PATIENCE};
use warifu_protocol::{rule::Rule, status::State};
use warifu_types::Role;
use warifu_wire::{StatusAnswer, private_line::LinePeer};

fn named(problem: warifu_wire::Problem) -> (String, String) {
    (problem.code, problem.field.unwrap_or_default())
}

#[tokio::test]
async fn accepted_shown_served_and_billed() {
    let Provider { world, .. } = provider(CardWay::SecondChannel, Brokering::default()).await;
    let (sealed, question) = world.two_teas(7).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Ordered);
    assert_eq!(world.left("T-100").await, 8);
    let listed = world.merchant.broker_orders(None, 10).await.unwrap().remove(0);
    let number = listed.trade.number.clone();
    assert_eq!((listed.order, listed.broker.as_str()), (sealed.id, common::HOLDER));
    assert_eq!(
        listed.view.fields[&warifu_types::FieldName::HOLDER_NAME].as_text(),
        Some("山田花子")
    );
    assert!(world.merchant.run_pending().await.unwrap().waiting == 1);
    assert_eq!(world.script(Role::Issuer).times_asked("authorize"), 0, "nothing is asked yet");

    world.clock.advance(60);
    let typed = format!("{} {}", &number[..4].to_lowercase(), &number[4..]);
    assert_eq!(world.merchant.take_card(&typed, card(CARD)).await.unwrap(), State::Ordered);
    assert_eq!(world.script(Role::Issuer).times_asked("authorize"), 0, "not accepted yet");
    world.clock.advance(60);
    assert_eq!(world.merchant.accept(&sealed.id).await.unwrap(), State::Authorized);
    assert_eq!(world.merchant.accept(&sealed.id).await.unwrap(), State::Authorized);
    let shown = world.script(Role::Issuer).cards.lock().unwrap().clone();
    assert_eq!(shown, [(sealed.identity, (CARD.to_string(), "2030-12".to_string()))]);
    assert!(provider::keeps_no_card(&world, &sealed.id).await, "forgotten with the answer");
    // The registry's retry finds the card taken; nothing is kept again.
    assert_eq!(world.merchant.take_card(&number, card(CARD)).await.unwrap(), State::Authorized);
    assert!(provider::keeps_no_card(&world, &sealed.id).await);
    world.merchant.run_pending().await.unwrap();
    assert_eq!(world.state(&sealed).await, State::Authorized, "it waits for the provider");

    world.clock.advance(60);
    assert_eq!(world.merchant.serve(&sealed.id).await.unwrap(), State::Settled);
    assert_eq!(world.merchant.serve(&sealed.id).await.unwrap(), State::Settled);
    assert_eq!(world.script(Role::Issuer).kinds(), ["authorize", "capture"]);
    let status = world.status(&sealed).await;
    assert!(status.authorization.is_some() && status.reason.is_none());
    let trade = world.merchant.broker_order(&number).await.unwrap().trade;
    assert_eq!(trade.card_came, Some(NOW.plus(60)));
    assert_eq!(trade.accepted, Some(NOW.plus(120)));
    let steps = [
        (State::Ordered, NOW),
        (State::Authorized, NOW.plus(120)),
        (State::Delivered, NOW.plus(180)),
        (State::Settled, NOW.plus(180)),
    ];
    assert_eq!(trade.steps, steps);
    assert_eq!(world.merchant.run_pending().await.unwrap(), Default::default());
}

#[tokio::test]
async fn by_reference_the_provider_sees_no_card() {
    let Provider { world, .. } = provider(CardWay::Reference, by_itself(Billing::Network)).await;
    let (sealed, question) = provider::order(&world, 7).await;
    let status = world.order(&sealed, &question).await;
    assert_eq!(status.state, State::Settled, "accepted and served by itself");
    assert!(world.script(Role::Issuer).cards.lock().unwrap().is_empty());
    let number = world.merchant.broker_orders(None, 1).await.unwrap().remove(0).trade.number;
    let problem = world.merchant.take_card(&number, card(CARD)).await.unwrap_err();
    assert_eq!(named(problem), ("bad_value".to_string(), "number".to_string()));
    let view = world.merchant.view(&sealed.id).await.unwrap().unwrap();
    assert!(view.sealed.contains(&warifu_types::FieldName::CARD_REFERENCE));
}

#[tokio::test]
async fn brokers_and_holders_order_by_their_own_rules() {
    let Provider { mut world, .. } = provider(CardWay::SecondChannel, Brokering::default()).await;
    let broker = world.holder.clone();
    world.holder = world.other_holder();
    let (_, question) = world.two_teas(7).await;
    let refused = world.refused(&question).await;
    assert_eq!(refused, ("wrong_party".to_string(), "credential.roles".to_string()));
    world.assert_untouched().await;

    let mut world = World::new(Rule::minimal()).await;
    world.holder = provider::broker(&world);
    assert_eq!(broker.id(), world.holder.id());
    let (_, question) = world.two_teas(7).await;
    let refused = world.refused(&question).await;
    assert_eq!(refused, ("outside_rule".to_string(), "form.rule.name".to_string()));
    world.assert_untouched().await;
}

#[tokio::test]
async fn declined_or_silent() {
    let Provider { world, .. } = provider(CardWay::SecondChannel, Brokering::default()).await;
    let (sealed, question) = world.two_teas(7).await;
    world.order(&sealed, &question).await;
    let number = world.merchant.broker_orders(None, 1).await.unwrap().remove(0).trade.number;
    world.merchant.take_card(&number, card(CARD)).await.unwrap();
    assert_eq!(world.merchant.decline(&sealed.id).await.unwrap(), State::Refused);
    assert_eq!(world.merchant.decline(&sealed.id).await.unwrap(), State::Refused);
    assert_eq!(world.status(&sealed).await.reason.as_deref(), Some("declined"));
    assert!(provider::keeps_no_card(&world, &sealed.id).await);
    let late = world.merchant.accept(&sealed.id).await.unwrap_err();
    assert_eq!(named(late), ("wrong_state".to_string(), "state".to_string()));
    let late = world.merchant.serve(&sealed.id).await.unwrap_err();
    assert_eq!(late.code, "wrong_state");

    // Silence, and a card that never comes.
    for (accepts, reason) in [(false, "not_accepted"), (true, "no_card")] {
        let Provider { world, .. } = provider(CardWay::SecondChannel, Brokering::default()).await;
        let (sealed, question) = world.two_teas(8).await;
        world.order(&sealed, &question).await;
        if accepts {
            world.merchant.accept(&sealed.id).await.unwrap();
            let problem = world.merchant.decline(&sealed.id).await.unwrap_err();
            assert_eq!(problem.code, "wrong_state", "accepted is accepted");
        }
        world.clock.advance(PROVIDER_PATIENCE - 1);
        world.merchant.run_pending().await.unwrap();
        assert_eq!(world.state(&sealed).await, State::Ordered);
        world.clock.advance(1);
        if !accepts {
            assert_eq!(world.merchant.accept(&sealed.id).await.unwrap_err().code, "wrong_state");
        }
        assert_eq!(world.merchant.run_pending().await.unwrap().finished, 1);
        let status = world.status(&sealed).await;
        assert_eq!((status.state, status.reason.as_deref()), (State::Refused, Some(reason)));
        assert_eq!(world.left("T-100").await, 10);
        assert_eq!(world.script(Role::Issuer).count(), 0);
        let number = world.merchant.broker_orders(None, 1).await.unwrap().remove(0).trade.number;
        let late = world.merchant.take_card(&number, card(CARD)).await.unwrap_err();
        assert_eq!(late.code, "wrong_state");
    }
}

#[tokio::test]
async fn cards_that_are_not_taken() {
    let Provider { world, .. } = provider(CardWay::SecondChannel, Brokering::default()).await;
    let (sealed, question) = world.two_teas(7).await;
    world.order(&sealed, &question).await;
    let number = world.merchant.broker_orders(None, 1).await.unwrap().remove(0).trade.number;
    let other = warifu_protocol::trade_number::TradeNumber::of(&warifu_types::OrderId([9; 32]));
    let wrong = format!("{}{}", &number[..10], if number.ends_with('0') { '1' } else { '0' });
    let expired = provider::expiring(CARD, "2020-01");
    for (number, card, expected) in [
        (wrong.as_str(), card(CARD), ("bad_value", "number")),
        ("", card(CARD), ("bad_value", "number")),
        (other.as_str(), card(CARD), ("order_not_here", "number")),
        (&number, card("4111111111111112"), ("bad_value", "card.number")),
        (&number, card("4111"), ("bad_value", "card.number")),
        (&number, expired, ("bad_value", "card.expiry")),
        (&number, provider::expiring(CARD, "12/30"), ("bad_value", "card.expiry")),
    ] {
        let problem = world.merchant.take_card(number, card).await.unwrap_err();
        assert!(!format!("{problem:?}").contains("4111"), "no value is repeated");
        assert_eq!(named(problem), (expected.0.to_string(), expected.1.to_string()));
        assert!(provider::keeps_no_card(&world, &sealed.id).await);
    }
    world.merchant.take_card(&number, card(CARD)).await.unwrap();
    world.merchant.take_card(&number, card(CARD)).await.unwrap();
    let problem = world.merchant.take_card(&number, card("5555555555554444")).await.unwrap_err();
    assert_eq!(named(problem), ("conflict".to_string(), "card".to_string()));
    let kind = world.merchant.accept(&warifu_types::OrderId([9; 32])).await.unwrap_err();
    assert_eq!(named(kind), ("not_found".to_string(), "order".to_string()));
}

#[tokio::test]
async fn over_the_closed_line() {
    let Provider { world, .. } =
        provider(CardWay::SecondChannel, by_itself(Billing::Network)).await;
    let (sealed, question) = world.two_teas(7).await;
    world.order(&sealed, &question).await;
    let number = world.merchant.broker_orders(None, 1).await.unwrap().remove(0).trade.number;
    let line = async |name: &str| {
        let address = "127.0.0.1:1".parse().unwrap();
        let peer = LinePeer { name: name.to_string(), address };
        let routes = warifu_merchant::card_routes(world.merchant.clone(), "Registry.example");
        let routes = routes.layer(axum::extract::connect_info::MockConnectInfo(peer));
        format!("{}/v1/line/card", common::server::serve(routes).await)
    };
    let url = line("registry.example").await;
    let post_to = |url: &str, body: String| {
        let client = reqwest::Client::new().post(url);
        async move {
            let answer = client.body(body).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        }
    };
    let post = |body: String| post_to(&url, body);
    let body = |number: &str, pan: &str| {
        let name = "山田 花子";
        format!(
            r#"{{"number":"{number}","holder_name":"{name}","card_number":"{pan}","card_expiry":"2030-12"}}"#
        )
    };
    // The broker has a certificate of the same authority.
    let other = line("broker.example").await;
    assert_eq!(post_to(&other, body(&number, CARD)).await.0, 403);
    for (bad, field) in [
        ("{}".to_string(), "card_post"),
        ("4111111111111111".to_string(), "card_post"),
        (body(&number, "4111"), "card.number"),
        (body("x", CARD), "\"number\""),
        (body(&number, CARD).replace('}', ",\"more\":1}"), "card_post"),
    ] {
        let (status, text) = post(bad).await;
        assert_eq!(status, 422, "{text}");
        assert!(text.contains(field) && !text.contains("4111"), "{text}");
    }
    let large = post(format!("\"{}\"", "4".repeat(5000))).await;
    assert_eq!(large.0, 413, "{}", large.1);
    for _ in 0..2 {
        let (status, text) = post(body(&number, CARD)).await;
        assert_eq!((status, text.as_str()), (200, "{}"));
    }
    assert_eq!(world.script(Role::Issuer).kinds(), ["authorize", "capture"]);
    assert!(provider::keeps_no_card(&world, &sealed.id).await);
}

#[tokio::test]
async fn billed_by_iso_8583() {
    let Provider { world, line } = by_card_network().await;
    let (sealed, question) = world.two_teas(7).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Ordered);
    let number = world.merchant.broker_orders(None, 1).await.unwrap().remove(0).trade.number;
    line.fail(&[LineFault::Silent, LineFault::LostAnswer, LineFault::Later, LineFault::BadAnswer]);
    world.merchant.take_card(&number, card(CARD)).await.unwrap();
    for _ in 0..3 {
        assert_eq!(world.state(&sealed).await, State::Ordered);
        world.merchant.run_pending().await.unwrap();
    }
    let trouble = world.merchant.orders(None, 1).await.unwrap().remove(0).trouble.unwrap();
    assert_eq!((trouble.party, trouble.code.as_str()), (Role::Issuer, "bad_answer"));
    line.fail(&[LineFault::None, LineFault::LostAnswer]);
    world.merchant.run_pending().await.unwrap();
    // Authorized, served by itself, and the answer to the capture was lost.
    assert_eq!(world.state(&sealed).await, State::Delivered);
    assert!(provider::keeps_no_card(&world, &sealed.id).await);
    world.merchant.run_pending().await.unwrap();
    let status = world.status(&sealed).await;
    assert_eq!((status.state, status.authorization), (State::Settled, None));
    assert_eq!(
        line.effects(),
        [format!("authorize W{number} 1980 1"), format!("capture W{number} 1980")]
    );
    let trade = world.merchant.broker_order(&number).await.unwrap().trade;
    assert_eq!((trade.approval.as_deref(), trade.answer.as_deref()), (Some("A1B2C3"), Some("00")));
    assert_eq!(world.script(Role::Issuer).count(), 0, "nothing goes through the network");
}

#[tokio::test]
async fn what_the_card_network_declines() {
    for (code, reason) in [
        ("05", "not_authenticated"),
        ("14", "not_authenticated"),
        ("51", "limit_exceeded"),
        ("54", "card_expired"),
        ("12", "declined_by_card_network"),
    ] {
        let Provider { world, line } = by_card_network().await;
        line.decline(code);
        let (sealed, question) = world.two_teas(7).await;
        world.order(&sealed, &question).await;
        let number = world.merchant.broker_orders(None, 1).await.unwrap().remove(0).trade.number;
        let state = world.merchant.take_card(&number, card(CARD)).await.unwrap();
        assert_eq!(state, State::Refused);
        assert_eq!(world.status(&sealed).await.reason.as_deref(), Some(reason));
        assert_eq!(world.left("T-100").await, 10);
        assert!(provider::keeps_no_card(&world, &sealed.id).await);
        let trade = world.merchant.broker_order(&number).await.unwrap().trade;
        assert_eq!((trade.approval, trade.answer.as_deref()), (None, Some(code)));
    }
}

#[tokio::test]
async fn given_up_on_the_card_network() {
    let brokering = Brokering { accepts_by_itself: true, ..Brokering::default() };
    let Provider { world, line } = provider::on_line(brokering).await;
    let (sealed, question) = world.two_teas(7).await;
    world.order(&sealed, &question).await;
    let number = world.merchant.broker_orders(None, 1).await.unwrap().remove(0).trade.number;
    world.merchant.take_card(&number, card(CARD)).await.unwrap();
    line.fail(&[LineFault::LostAnswer]);
    assert_eq!(world.merchant.cancel(&sealed.id).await.unwrap(), State::Authorized);
    assert_eq!(world.merchant.serve(&sealed.id).await.unwrap_err().code, "wrong_state");
    world.merchant.run_pending().await.unwrap();
    assert_eq!(world.state(&sealed).await, State::Cancelled);
    assert_eq!(world.left("T-100").await, 10);
    let reversed = format!("reverse W{number} 1980");
    assert_eq!(line.effects(), [format!("authorize W{number} 1980 1"), reversed]);
}

#[tokio::test]
async fn an_order_that_is_over_is_reversed_before_it_is_refused() {
    let Provider { world, line } = by_card_network().await;
    let (sealed, question) = world.two_teas(7).await;
    world.order(&sealed, &question).await;
    let number = world.merchant.broker_orders(None, 1).await.unwrap().remove(0).trade.number;
    // The hold was made, and nobody heard of it.
    line.fail(&[LineFault::LostAnswer]);
    world.merchant.take_card(&number, card(CARD)).await.unwrap();
    world.clock.advance(4 * 86_400);
    world.merchant.run_pending().await.unwrap();
    let status = world.merchant.broker_order(&number).await.unwrap();
    assert_eq!((status.view.state, status.reason.as_deref()), (State::Refused, Some("expired")));
    assert_eq!(line.effects().last().unwrap(), &format!("reverse W{number} 1980"));
    assert!(provider::keeps_no_card(&world, &sealed.id).await);
}

#[tokio::test]
async fn a_refusal_in_the_network_is_told_to_the_broker() {
    let Provider { world, .. } =
        provider(CardWay::SecondChannel, by_itself(Billing::Network)).await;
    world.script(Role::Issuer).set(Mode::Refuses("limit_exceeded"));
    let (sealed, question) = world.two_teas(7).await;
    world.order(&sealed, &question).await;
    let number = world.merchant.broker_orders(None, 1).await.unwrap().remove(0).trade.number;
    let state = world.merchant.take_card(&number, card(CARD)).await.unwrap();
    assert_eq!(state, State::Refused);
    assert_eq!(world.status(&sealed).await.reason.as_deref(), Some("limit_exceeded"));
    assert!(provider::keeps_no_card(&world, &sealed.id).await);
}

/// Takes an order and its card to the end, whatever was done before; whether all of it went well.
async fn drive(world: &World, question: &warifu_wire::OrderQuestion) -> bool {
    let ordered: Result<StatusAnswer, _> = world.ask(&world.holder, "order", question).await;
    let Ok(mut listed) = world.merchant.broker_orders(None, 1).await else { return false };
    let Some(order) = listed.pop() else { return false };
    if order.trade.card_way == CardWay::SecondChannel {
        let taken = world.merchant.take_card(&order.trade.number, card(CARD)).await;
        return ordered.is_ok() && taken.is_ok();
    }
    ordered.is_ok()
}

#[tokio::test]
async fn a_crash_at_every_write() {
    for way in ["network", "card network", "reference"] {
        let (mut jobs, mut finished_alone) = (0, false);
        while !finished_alone {
            let Provider { mut world, line } = match way {
                "network" => provider(CardWay::SecondChannel, by_itself(Billing::Network)).await,
                "card network" => by_card_network().await,
                _ => provider(CardWay::Reference, by_itself(Billing::Network)).await,
            };
            let (sealed, question) = provider::order(&world, 7).await;
            let whole = world.merchant.clone();
            let store = Breaking { store: world.store.clone(), jobs: AtomicUsize::new(jobs) };
            let broken = provider::rebuilt(&world, Arc::new(store), &line, way == "card network");
            world.serve(broken).await;
            finished_alone = drive(&world, &question).await;

            world.serve(whole).await;
            assert!(drive(&world, &question).await, "{way}, broken after {jobs}");
            world.merchant.run_pending().await.unwrap();
            assert_eq!(world.state(&sealed).await, State::Settled, "{way}, broken after {jobs}");
            assert_eq!(world.left("T-100").await, 8);
            assert!(provider::keeps_no_card(&world, &sealed.id).await);
            let (signed, by_line) = if way == "card network" { (0, 2) } else { (2, 0) };
            assert_eq!(world.script(Role::Issuer).count(), signed);
            assert_eq!(line.effects().len(), by_line, "{:?}", line.effects());
            assert_eq!(world.merchant.run_pending().await.unwrap(), Default::default());
            jobs += 1;
            assert!(jobs < 60, "an order takes fewer writes than that");
        }
        assert!(jobs > 5, "an order is written more often than {jobs} times");
    }
}

#[tokio::test]
async fn answers_that_are_lost_in_the_network() {
    for fault in [Fault::LostQuestion, Fault::LostAnswer] {
        let Provider { world, .. } =
            provider(CardWay::SecondChannel, by_itself(Billing::Network)).await;
        let (sealed, question) = world.two_teas(7).await;
        world.order(&sealed, &question).await;
        let number = world.merchant.broker_orders(None, 1).await.unwrap().remove(0).trade.number;
        let faults = &world.hosts[&Role::Issuer].faults;
        faults.lock().unwrap().push_back(fault);
        world.merchant.take_card(&number, card(CARD)).await.unwrap();
        assert_eq!(world.state(&sealed).await, State::Ordered);
        assert!(!provider::keeps_no_card(&world, &sealed.id).await, "kept until the answer");
        world.merchant.run_pending().await.unwrap();
        assert_eq!(world.state(&sealed).await, State::Settled, "{fault:?}");
        assert_eq!(world.script(Role::Issuer).kinds(), ["authorize", "capture"]);
        assert!(provider::keeps_no_card(&world, &sealed.id).await);
    }
}

#[tokio::test]
async fn settings_that_no_order_could_live_with() {
    let line: Arc<Line> = Arc::default();
    let billing = |acceptor: &str| Billing::CardNetwork {
        line: line.clone(),
        acceptor: acceptor.to_string(),
    };
    let usual = Brokering::default();
    usual.check().unwrap();
    Brokering { billing: billing("SHOP1"), ..usual.clone() }.check().unwrap();
    for (bad, field) in [
        (Brokering { patience: 0, ..usual.clone() }, "patience"),
        (Brokering { patience: 3 * 86_400, ..usual.clone() }, "patience"),
        (Brokering { billing: billing(""), ..usual.clone() }, "acceptor"),
        (Brokering { billing: billing("SHOP-1"), ..usual.clone() }, "acceptor"),
        (Brokering { billing: billing("SHOP456789012345"), ..usual }, "acceptor"),
    ] {
        assert_eq!(bad.check().unwrap_err().field.as_deref(), Some(field));
    }
    let mut settings = World::new(Rule::broker()).await.settings;
    settings.check().unwrap();
    settings.rules[0].direct = true;
    let problem = settings.check().unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("rules[0].direct"));
}
