//! The demonstration's member: joins by letter, keeps everything in a vault, and loads a prepaid card
//! in each of the four ways.

use super::{banks, network::Network};
use crate::{
    Failure,
    newcomer::{self, Newcomer},
    output::note,
    serve::Service,
    setup::random,
};
use std::{sync::Arc, time::Duration};
use warifu_holder::{Source, Standing, TopUpWish, VaultStore, joining::first_key};
use warifu_ports::{Entropy, Store};
use warifu_protocol::telegram;
use warifu_store::OsEntropy;
use warifu_types::{Currency, Money, Nonce};
use warifu_vault::{Cost, Password, Passwords, Vault};

/// The label of the prepaid card.
pub const PREPAID: &str = "prepaid";
/// How long issuer, bank and post office may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Joins, and loads 20,000 yen by the issuer's credit and 6,000 in the other ways.
pub async fn join(network: &Network) -> Result<Newcomer, Failure> {
    let seed = OsEntropy.bytes32();
    let folder = network.folder.join("member");
    std::fs::create_dir_all(&folder)?;
    let vault = Vault::at(&folder.join("hanako.vault"));
    // Nobody will open it again: one password that nobody knows.
    let password = Nonce(OsEntropy.bytes32()).to_string();
    let passwords = Passwords::one(Password::new(&password)?)?;
    let vault = vault.create(&passwords, Cost::current(), first_key(&seed), &mut random())?;
    let store = VaultStore::open(vault, Arc::new(OsEntropy))?;
    let person = telegram::Person {
        name: network.person.profile.name.clone(),
        address: network.person.profile.address.clone(),
        born: network.person.born.clone(),
    };
    let store: Arc<dyn Store> = store;
    network.agree_with_member(&store).await?;
    let keys = network.keys()?;
    let url = network.url("center");
    let settlement = network.center.settlement();
    let member = newcomer::join(settlement, &url, store, person, &keys, seed).await?;
    credit(network, &member).await?;
    load(network, &member).await?;
    Ok(member)
}

/// A credit card in the member's name, at the issuer and in the terminal.
async fn credit(network: &Network, member: &Newcomer) -> Result<(), Failure> {
    let Some(Service::Issuer(issuer)) = network.services.get("issuer") else {
        return Err(Failure::input("issuer", "there is none"));
    };
    let card = network.person.member_card.clone();
    let holder = member.membership.identifier.clone();
    issuer.add_card(super::network::application(&network.person, &card, holder)?).await?;
    member.holder.set_profile(network.person.profile.clone()).await?;
    Ok(member.holder.add_card(card).await?)
}

/// Loads one card: by the issuer's credit, a transfer, cash paid in, and cash by registered mail.
async fn load(network: &Network, member: &Newcomer) -> Result<(), Failure> {
    note("loading a prepaid card in four ways …");
    let credit = Source::Issuer { card: "card".to_string(), payment_type: "one".to_string() };
    let asked = member.holder.top_up(&wish(20_000, credit)?).await?;
    issued(member, asked.telegram).await?;
    let who = member.membership.identifier.as_str();
    let mut all = Vec::new();
    let ways = [(Source::Transfer, 3000), (Source::PayIn, 2000), (Source::RegisteredMail, 1000)];
    for (source, yen) in ways {
        let wish = wish(yen, source)?;
        let asked = member.holder.top_up(&wish).await?;
        let Standing::Waiting { reference } = asked.standing else {
            return Err(Failure::input("top-up", "the center gave no reference"));
        };
        banks::bring(&network.banks, who, &wish.source, (reference, wish.amount))?;
        all.push(asked.telegram);
    }
    for telegram in all {
        issued(member, telegram).await?;
    }
    Ok(())
}

fn wish(yen: u64, source: Source) -> Result<TopUpWish, Failure> {
    let amount = Money::new(yen, Currency::JPY)?;
    Ok(TopUpWish { amount, onto: PREPAID.to_string(), source })
}

/// Waits for the card of a top-up.
async fn issued(member: &Newcomer, telegram: Nonce) -> Result<(), Failure> {
    let asked = member.holder.wait_for_top_up(telegram, PATIENCE).await?;
    match asked.standing {
        Standing::Issued {} => Ok(()),
        _ => Err(Failure::input("top-up", "no card was issued")),
    }
}
