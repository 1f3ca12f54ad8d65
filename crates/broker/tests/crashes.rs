//! The broker is killed after every job of an order in turn. Started again, it comes to the same end:
//! one order at the provider, one sheet at the registry, one mail of each kind.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{Dying, World};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use warifu_ports::Store;
use warifu_protocol::status::State;

const MOST: i64 = 200;

#[tokio::test]
async fn an_order_survives_every_death() {
    for jobs in 0..MOST {
        let mut world = World::new().await;
        let left = Arc::new(AtomicI64::new(i64::MAX));
        let store: Arc<dyn Store> = Arc::new(Dying(world.store.clone(), left.clone()));
        let broker = world.rebuilt(store).await.unwrap();
        left.store(jobs, Ordering::SeqCst);
        let member = world.member.clone();
        let dies = async {
            let order = broker.place(&member, "k1", common::night()).await.ok()?;
            broker.run_pending().await.ok()?;
            broker.take_mail(&world.reply("yes")).await.ok()?;
            broker.run_pending().await.ok()?;
            world.provider.says(State::Settled, None);
            broker.run_pending().await.ok()?;
            Some(order)
        };
        let _ = dies.await;
        let died = left.load(Ordering::SeqCst) < 0;
        drop(broker);
        world.restart().await;
        let order = world.place("k1").await;
        world.pass().await;
        if world.state(order).await == "confirming" {
            let _ = world.broker.take_mail(&world.reply("yes")).await.unwrap();
        }
        world.pass().await;
        world.provider.says(State::Settled, None);
        world.pass().await;
        world.pass().await;
        assert_eq!(world.state(order).await, "closed", "{jobs}");
        assert_eq!(world.provider.orders.lock().unwrap().len(), 1, "{jobs}");
        assert_eq!(world.script.dispatched.lock().unwrap().len(), 1, "{jobs}");
        let mut kinds = world.script.kinds();
        kinds.sort();
        assert_eq!(kinds, ["approved", "confirmation", "served"], "{jobs}");
        if !died {
            return;
        }
    }
    panic!("an order has fewer jobs");
}
