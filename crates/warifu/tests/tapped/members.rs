//! Joining a settlement center, loading a prepaid card and paying with it: every byte recorded, every
//! value of the member a canary.

use crate::{
    canary::{Canary, Source},
    network::Tapped,
};
use std::collections::BTreeSet;
use warifu::demo::{Person, purchase};
use warifu_holder::Profile;
use warifu_protocol::suite::Suite;

/// A member whose every value stands nowhere else.
fn person(source: &mut Source) -> Person {
    let hanako = Person::hanako().unwrap();
    let mut phone = || format!("+81-90-{}-{}", source.digits(4), source.digits(4));
    let (telephone, fax) = (phone(), phone());
    let mut member_card = hanako.member_card.clone();
    member_card.number = source.card_number();
    Person {
        profile: Profile {
            name: format!("金糸雀 {}", source.letters(14)),
            address: format!("長崎県 {} 7/8", source.letters(14)),
            telephone,
            fax,
        },
        born: "1931-07-19".to_string(),
        destination: format!("金糸雀 次郎 那覇市 {}", source.letters(14)),
        member_card,
        ..hanako
    }
}

fn canary(what: &str, value: &str, readers: &[&'static str]) -> Canary {
    let must: BTreeSet<_> = readers.iter().copied().collect();
    let mut may = must.clone();
    may.insert("holder");
    if ["name", "telephone"].contains(&what) {
        // The same person has an access badge, too.
        may.insert("card_manager");
    }
    Canary { name: format!("member: {what}"), value: value.as_bytes().to_vec(), may, must }
}

async fn nothing_of_a_member_leaks(suite: Option<Suite>) {
    let seed = warifu_protocol::encode::sha256(&std::process::id().to_be_bytes()).0;
    let person = person(&mut Source::new(&seed, "member"));
    let mut tapped = Tapped::start_with(suite, Some(person.clone())).await;
    for kind in ["prepaid-later", "prepaid-download", "prepaid-metered"] {
        purchase(&tapped.network, kind).await.unwrap();
        tapped.snapshot();
    }
    let cards = tapped.network.member().await.unwrap().holder.prepaid_cards().await.unwrap();
    let card = cards[0].card.clone().unwrap();
    let Profile { name, address, telephone, fax } = &person.profile;
    tapped.canaries.extend([
        // The register has it, the issuer authenticates by it, merchant and carrier deliver to it.
        canary("name", name, &["center", "issuer", "merchant", "carrier"]),
        canary("address", address, &["center"]),
        canary("date of birth", &format!("\"{}\"", person.born), &["center"]),
        canary("telephone", telephone, &["issuer", "merchant", "carrier"]),
        canary("fax", fax, &["issuer", "merchant", "carrier"]),
        canary("credit card", &person.member_card.number, &["issuer"]),
        canary("prepaid card", &card.number, &["center"]),
        canary("destination", &person.destination, &["carrier"]),
    ]);
    tapped.assert_recorded_of(&["center", "issuer", "merchant", "carrier"]);
    let faults = tapped.faults();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_member_leaks_with_hpke() {
    nothing_of_a_member_leaks(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_member_leaks_with_key_predistribution_alone() {
    nothing_of_a_member_leaks(Some(Suite::Kps)).await;
}
