//! Faults put in by hand: the comparison of records finds each of them.

use crate::{
    agreement::{self, books},
    network::Network,
    rounds::text,
    told::{Goods, Order, Told},
};
use std::sync::Arc;
use warifu_types::Role;

#[tokio::test]
async fn a_changed_transfer_and_a_lost_payment_are_found() {
    let network = Network::on_postgres();
    network.town.holder(&["top-up", "--amount", "5000", "--card", "card"]);
    let order = network.town.buy();
    let network = Arc::new(network);
    let read = async |network: Arc<Network>| {
        tokio::spawn(async move { drop(books(&network.town, Role::Center).await) }).await
    };
    read(network.clone()).await.unwrap();
    let change = "UPDATE warifu.ledger_transfers SET amount =";
    network.alter("center", &format!("{change} 1981 WHERE amount = 1980"));
    assert!(read(network.clone()).await.unwrap_err().is_panic());
    network.alter("center", &format!("{change} 1980 WHERE amount = 1981"));
    read(network.clone()).await.unwrap();
    // She was shown another number than the center has.
    let mut told = Told::default();
    let tea = Order { buyer: 0, shop: 0, goods: Goods::Teas(1) };
    told.orders.insert(text(&order["order"]), tea);
    told.paid.insert(text(&order["order"]), "T-20260101-000009".to_string());
    let mut network = Arc::into_inner(network).unwrap();
    let compared = tokio::spawn(async move { agreement::check(&mut network, &told).await });
    assert!(compared.await.unwrap_err().is_panic());
}
