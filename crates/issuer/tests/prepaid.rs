//! A center that sells prepaid value stands where a merchant stands (row B7, way 1).
#![allow(clippy::unwrap_used, reason = "helpers of tests")]
mod common;

use common::{Wish, World, yen};
use warifu_protocol::{rule::Rule, settlement::Action};
use warifu_types::Role;

#[tokio::test]
async fn a_center_has_a_card_paid_for() {
    let mut world = World::new();
    world.cast.merchant = world.cast.net.terminal("domain:till.example", Role::Center, 12);
    world.card().await;
    let wish = Wish { rule: Rule::top_up(), ..Wish::new(1).amount(yen(4000)) };
    let authorization = world.authorize(&wish).await;
    assert_eq!(authorization.reason, None);
    assert_eq!(world.sums().await, (4000, 0, 0));
    world.settle(&world.cast.merchant, &authorization, Action::Capture).await.unwrap();
    assert_eq!(world.sums().await, (0, 4000, 4000));
    let beyond = Wish { rule: Rule::top_up(), ..Wish::new(2).amount(yen(1001)) };
    assert_eq!(world.reason(&beyond).await, "limit_exceeded");
    world.issuer.audit().await.unwrap();
}
