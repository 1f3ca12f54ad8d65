//! Orders that go their way, to their end.
#![allow(clippy::unwrap_used, clippy::result_large_err, reason = "helpers of tests")]
mod common;

use common::{World, net, offered, script::Mode, who};
use std::collections::BTreeMap;
use warifu_merchant::OfferedRule;
use warifu_protocol::{rule::Rule, status::State};
use warifu_types::{FieldName, Role};
use warifu_wire::{OrderQuestion, StatusAnswer};

/// Runs tasks side by side.
async fn join_all<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    let mut all = Vec::new();
    for task in running {
        all.push(task.await.unwrap());
    }
    all
}

#[tokio::test]
async fn from_order_to_settled() {
    let world = World::new(Rule::minimal()).await;
    let (sealed, question) = world.two_teas(7).await;
    let status = world.order(&sealed, &question).await;
    assert_eq!(status.state, State::Dispatched);
    assert!(status.authorization.is_some());
    assert_eq!(world.left("T-100").await, 8);
    assert_eq!(*world.script(Role::Issuer).parts.lock().unwrap(), [1], "the issuer's part only");
    assert_eq!(*world.script(Role::Carrier).parts.lock().unwrap(), [1], "the carrier's part only");

    let pass = world.merchant.run_pending().await.unwrap();
    assert_eq!((pass.finished, pass.waiting), (0, 1));
    world.script(Role::Carrier).mark_delivered(sealed.identity);
    let pass = world.merchant.run_pending().await.unwrap();
    assert_eq!((pass.finished, pass.waiting), (1, 0));
    assert_eq!(world.status(&sealed).await.state, State::Settled);
    assert_eq!(world.script(Role::Issuer).kinds(), ["authorize", "capture"]);
    assert_eq!(world.script(Role::Carrier).kinds(), ["deliver"]);
    let pass = world.merchant.run_pending().await.unwrap();
    assert_eq!((pass.finished, pass.waiting), (0, 0), "nothing is looked at again");
}

#[tokio::test]
async fn a_parcel_delivered_at_once_settles_at_once() {
    let world = World::new(Rule::classic()).await;
    world.script(Role::Carrier).set(Mode::DeliversAtOnce);
    let (sealed, question) = world.two_teas(7).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Settled);
}

#[tokio::test]
async fn the_view_has_the_merchants_fields_alone() {
    let world = World::new(Rule::minimal()).await;
    let (sealed, question) = world.two_teas(7).await;
    world.order(&sealed, &question).await;
    let view = world.merchant.view(&sealed.id).await.unwrap().unwrap();
    let mut expected = Rule::minimal().part(Role::Merchant).to_vec();
    expected.sort();
    assert_eq!(view.fields.keys().cloned().collect::<Vec<_>>(), expected);
    for field in [FieldName::CARD_NUMBER, FieldName::CARD_EXPIRY, FieldName::DESTINATION] {
        assert!(view.sealed.contains(&field), "{field}");
    }
    for document in world.store.dump().unwrap() {
        let text = String::from_utf8_lossy(&document.value).into_owned();
        assert!(!text.contains("4111111111111111") && !text.contains("左京区"), "{document:?}");
    }
    assert_eq!(world.merchant.orders(None, 10).await.unwrap().len(), 1);
    assert!(world.merchant.view(&warifu_types::OrderId([9; 32])).await.unwrap().is_none());
}

#[tokio::test]
async fn refused_gives_the_stock_back_and_tells_no_carrier() {
    let rule = Rule::minimal().also(Role::Gateway, FieldName::HOLDER_TELEPHONE);
    let world = World::new(rule).await;
    world.script(Role::Issuer).set(Mode::Refuses("limit_exceeded"));
    let (sealed, question) = world.two_teas(7).await;
    let status = world.order(&sealed, &question).await;
    assert_eq!(status.state, State::Refused);
    assert_eq!(status.reason.as_deref(), Some("limit_exceeded"));
    assert_eq!(world.left("T-100").await, 10);
    world.merchant.run_pending().await.unwrap();
    world.script(Role::Issuer).set(Mode::Good);
    assert_eq!(world.order(&sealed, &question).await, status, "a refusal is for good");
    for role in [Role::Carrier, Role::Gateway] {
        assert!(world.script(role).asked.lock().unwrap().is_empty(), "{role}");
    }
    assert_eq!(world.left("T-100").await, 10);
}

#[tokio::test]
async fn an_authorizers_problem_refuses_with_its_code() {
    let world = World::new(Rule::minimal()).await;
    let problem = warifu_wire::Problem::new(422, "wrong_digest", "", Some("order.fields.amount"));
    world.script(Role::Issuer).set(Mode::Problem(problem));
    let (sealed, question) = world.two_teas(7).await;
    let status = world.order(&sealed, &question).await;
    assert_eq!((status.state, status.reason.as_deref()), (State::Refused, Some("wrong_digest")));
    assert_eq!(world.left("T-100").await, 10);
}

#[tokio::test]
async fn without_a_carrier() {
    let world = World::new(Rule::minimal().without_party(Role::Carrier)).await;
    let (sealed, question) = world.two_teas(7).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Settled);
    assert_eq!(world.script(Role::Issuer).kinds(), ["authorize", "capture"]);
}

#[tokio::test]
async fn the_issuers_part_goes_directly() {
    let direct = OfferedRule { direct: true, ..offered(Rule::minimal()) };
    let world = World::with(vec![direct], &[]).await;
    let (sealed, question) = world.two_teas(7).await;
    *world.script(Role::Issuer).direct.lock().unwrap() = Some(sealed.bundle.only(Role::Issuer));
    let question = OrderQuestion { sealed: sealed.bundle.except(Role::Issuer), ..question };
    assert_eq!(world.order(&sealed, &question).await.state, State::Dispatched);
    assert_eq!(*world.script(Role::Issuer).parts.lock().unwrap(), [0], "no part through the shop");
}

#[tokio::test]
async fn a_direct_part_is_not_relayed_even_if_the_shop_has_it() {
    let direct = OfferedRule { direct: true, ..offered(Rule::minimal()) };
    let world = World::with(vec![direct], &[]).await;
    let (sealed, question) = world.two_teas(7).await;
    *world.script(Role::Issuer).direct.lock().unwrap() = Some(sealed.bundle.only(Role::Issuer));
    assert_eq!(world.order(&sealed, &question).await.state, State::Dispatched);
    assert_eq!(*world.script(Role::Issuer).parts.lock().unwrap(), [0]);
}

#[tokio::test]
async fn a_missing_part_is_refused_where_it_does_not_go_directly() {
    let world = World::new(Rule::minimal()).await;
    let (sealed, question) = world.two_teas(7).await;
    let question = OrderQuestion { sealed: sealed.bundle.except(Role::Issuer), ..question };
    let expected = ("outside_rule".into(), "parts.issuer".into());
    assert_eq!(world.refused(&question).await, expected);
    world.assert_untouched().await;
}

#[tokio::test]
async fn a_door_opens_and_that_is_all() {
    let world = World::new(Rule::badge()).await;
    let form = world.form("badge").await;
    let (sealed, question) = world.seal(&form, None, net::values(""), 7).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Delivered);
    assert_eq!(world.script(Role::CardManager).kinds(), ["authorize"]);
    let pass = world.merchant.run_pending().await.unwrap();
    assert_eq!((pass.finished, pass.waiting), (0, 0));

    world.script(Role::CardManager).set(Mode::Refuses("unknown_card"));
    let (sealed, question) = world.seal(&form, None, net::values(""), 8).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Refused);
}

#[tokio::test]
async fn a_gateway_is_told_and_never_waited_for() {
    let rule = Rule::minimal().also(Role::Gateway, FieldName::HOLDER_TELEPHONE);
    let world = World::with(vec![offered(rule)], &[Role::Gateway]).await;
    world.script(Role::Carrier).set(Mode::DeliversAtOnce);
    let (sealed, question) = world.two_teas(7).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Settled);
    assert_eq!(world.merchant.orders(None, 1).await.unwrap()[0].to_notify, [Role::Gateway]);
    assert_eq!(world.merchant.run_pending().await.unwrap().waiting, 1);

    world.start(Role::Gateway).await;
    assert_eq!(world.merchant.run_pending().await.unwrap().finished, 1);
    assert_eq!(world.script(Role::Gateway).kinds(), ["notify"]);
    assert_eq!(*world.script(Role::Gateway).parts.lock().unwrap(), [1], "the gateway's part only");

    let (sealed, question) = world.two_teas(8).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Settled);
    assert_eq!(world.script(Role::Gateway).count(), 2, "told within the answer's time");
}

#[tokio::test]
async fn a_gateway_that_names_another_order_is_asked_again() {
    let rule = Rule::minimal().also(Role::Gateway, FieldName::HOLDER_TELEPHONE);
    let world = World::new(rule).await;
    world.script(Role::Carrier).set(Mode::DeliversAtOnce);
    world.script(Role::Gateway).set(Mode::WrongOrder);
    let (sealed, question) = world.two_teas(7).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Settled);
    assert_eq!(world.merchant.run_pending().await.unwrap().waiting, 1);
    world.script(Role::Gateway).set(Mode::Good);
    assert_eq!(world.merchant.run_pending().await.unwrap().finished, 1);
}

#[tokio::test]
async fn a_notice_that_is_refused_is_not_sent_again() {
    let rule = Rule::minimal().also(Role::Gateway, FieldName::HOLDER_TELEPHONE);
    let world = World::new(rule).await;
    world.script(Role::Carrier).set(Mode::DeliversAtOnce);
    let no = warifu_wire::Problem::new(422, "expired", "", Some("order.exp"));
    world.script(Role::Gateway).set(Mode::Problem(no));
    let (sealed, question) = world.two_teas(7).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Settled);
    let pass = world.merchant.run_pending().await.unwrap();
    assert_eq!((pass.finished, pass.waiting), (0, 0));
    assert_eq!(world.script(Role::Gateway).times_asked("notify"), 1);
}

#[tokio::test]
async fn the_same_order_twice_and_fifty_times_at_once() {
    let world = World::new(Rule::minimal()).await;
    let (sealed, question) = world.two_teas(7).await;
    let first: StatusAnswer = world.ask(&world.holder, "order", &question).await.unwrap();
    world.clock.advance(30);
    let again: StatusAnswer = world.ask(&world.holder, "order", &question).await.unwrap();
    assert_eq!(first.status, again.status);
    assert_eq!(world.left("T-100").await, 8);

    let (other, question) = world.two_teas(8).await;
    let (url, holder) = (world.url.clone(), world.holder.clone());
    let asks = (0..50).map(|_| {
        let (url, holder, question) = (url.clone(), holder.clone(), question.clone());
        async move {
            let roles = (Role::Holder, Role::Merchant);
            let shop = who(Role::Merchant);
            let question = ("order", &question);
            let connections = holder.connections();
            connections
                .ask::<StatusAnswer>(&holder, &url, roles, Some(&shop), question, None)
                .await
                .unwrap()
                .status
        }
    });
    let answers = join_all(asks).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(world.verified(&other, &answers[0]).state, State::Dispatched);
    assert_eq!(world.left("T-100").await, 6, "taken once");
    assert_eq!(world.script(Role::Issuer).times_asked("authorize"), 2);
    assert_eq!(world.script(Role::Carrier).times_asked("deliver"), 2);
    assert_ne!(sealed.identity, other.identity);
}

#[tokio::test]
async fn another_order_under_a_known_id_is_a_conflict() {
    let world = World::new(Rule::minimal()).await;
    let (first, question) = world.two_teas(7).await;
    let before = world.order(&first, &question).await;
    let (second, question) = world.two_teas(7).await;
    assert_eq!(first.id, second.id);
    assert_eq!(world.refused(&question).await, ("conflict".into(), "order.jti".into()));
    assert_eq!(world.status(&first).await, before);
    assert_eq!(world.left("T-100").await, 8);
}

#[tokio::test]
async fn a_status_is_for_the_holder_alone() {
    let world = World::new(Rule::minimal()).await;
    let (sealed, question) = world.two_teas(7).await;
    world.order(&sealed, &question).await;
    let other = world.other_holder();
    let question = warifu_wire::StatusQuestion { order: sealed.id };
    let answer: Result<StatusAnswer, _> = world.ask(&other, "status", &question).await;
    assert_eq!(common::problem(answer.unwrap_err()), ("not_found".into(), "order".into()));
}

#[tokio::test]
async fn one_of_two_gets_the_last_item() {
    let world = World::new(Rule::minimal()).await;
    let form = world.form("minimal").await;
    let mut questions = BTreeMap::new();
    for seed in [7, 8] {
        let quote = world.quote(&form, &[("L-1", 1)]).await.unwrap();
        let mut values = net::values(&quote);
        values.extend(common_values(700, "L-1", "最後の一つ", 1));
        questions.insert(seed, world.seal(&form, Some(quote), values, seed).await.1);
    }
    let (url, holder) = (world.url.clone(), world.holder.clone());
    let asks = questions.into_values().map(|question| {
        let (url, holder) = (url.clone(), holder.clone());
        async move {
            let roles = (Role::Holder, Role::Merchant);
            let question = ("order", &question);
            let connections = holder.connections();
            connections.ask::<StatusAnswer>(&holder, &url, roles, None, question, None).await
        }
    });
    let answers = join_all(asks).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 1));
    let problem: warifu_wire::Problem = lost.into_iter().next().unwrap().unwrap_err().into();
    assert_eq!(problem.code, "out_of_stock");
    assert!(problem.title.contains("L-1"), "names the item");
    assert_eq!(world.merchant.orders(None, 10).await.unwrap().len(), 1);
    assert_eq!(world.script(Role::Issuer).count(), 1);
    assert_eq!(world.left("L-1").await, 0);
}

fn common_values(
    yen: u64,
    number: &str,
    name: &str,
    quantity: u32,
) -> Vec<(FieldName, warifu_protocol::value::FieldValue)> {
    use warifu_protocol::value::{FieldValue, OrderLine};
    use warifu_types::{Currency, Money};
    vec![
        (FieldName::AMOUNT, FieldValue::Amount(Money::new(yen, Currency::JPY).unwrap())),
        (FieldName::ITEM_NUMBERS, FieldValue::Numbers(vec![number.into()])),
        (FieldName::ITEMS, FieldValue::Lines(vec![OrderLine { name: name.into(), quantity }])),
    ]
}
