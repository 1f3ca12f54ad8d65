//! Leaks at the further parties: gateway, certifier, door, card manager.

use super::assert_found_in_documents;
use crate::{keys::Keys, network::Tapped, trades::SCRIPTS};

#[tokio::test(flavor = "multi_thread")]
async fn in_the_documents_of_further_parties() {
    let mut tapped = Tapped::start(Keys::HPKE).await;
    for name in ["card-gateway", "card-certifier", "badge"] {
        tapped.trade(*SCRIPTS.iter().find(|script| script.name == name).unwrap()).await;
    }
    let leaks = [
        ("gateway", "card-gateway: card_number"),
        ("gateway", "card-gateway: holder_fax"),
        ("gateway", "card-gateway: salt of amount"),
        ("certifier", "card-certifier: holder_telephone"),
        ("certifier", "card-certifier: items"),
        ("door", "badge: card_number"),
        ("door", "badge: holder_name"),
        ("card_manager", "badge: holder_telephone"),
        ("card_manager", "card-gateway: amount"),
    ];
    assert_found_in_documents(&mut tapped, &leaks).await;
}
