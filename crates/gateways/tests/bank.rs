//! What every bank behind the port must do, shown of the simulated bank and post office; and what
//! people do there.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use warifu_gateways::bank::{
    account::Slip,
    simulator::{BankWorld, House, NotCovered},
};
use warifu_ports::bank::{Arrival, Bank, BankEntry, BankError, Cursor};
use warifu_types::{Currency, Money};

fn slip(reference: &str, minor: u64) -> Slip {
    let amount = Money::new(minor, Currency::JPY).unwrap();
    Slip { reference: reference.to_string(), amount }
}

/// Everything behind a cursor, read in pages.
async fn all(bank: &impl Bank, after: &Cursor, page: usize) -> Vec<BankEntry> {
    let (mut read, mut reached) = (Vec::new(), after.clone());
    loop {
        let more = bank.incoming(&reached, page).await.unwrap();
        assert!(more.len() <= page);
        let Some(last) = more.last() else { return read };
        reached = last.cursor.clone();
        read.extend(more);
    }
}

/// The port's contract. `pay` brings so many yen to the account of a bank that nobody has used.
async fn contract(bank: &impl Bank, pay: impl Fn(u64)) {
    let start = Cursor::default();
    assert!(bank.incoming(&start, 10).await.unwrap().is_empty());
    for yen in 1..=7 {
        pay(yen);
    }
    let first = all(bank, &start, 100).await;
    let amounts: Vec<u64> = first.iter().map(|entry| entry.amount.minor()).collect();
    assert_eq!(amounts, [1, 2, 3, 4, 5, 6, 7], "in order");
    for (place, entry) in first.iter().enumerate() {
        let others = first[..place].iter();
        assert!(entry.cursor != start && !entry.id.is_empty());
        assert!(others.clone().all(|other| other.cursor != entry.cursor && other.id != entry.id));
    }
    // However it is read, it is the same, and more comes behind it.
    for page in 1..=8 {
        assert_eq!(all(bank, &start, page).await, first, "in pages of {page}");
    }
    pay(8);
    for (place, entry) in first.iter().enumerate() {
        let rest = all(bank, &entry.cursor, 3).await;
        assert_eq!(rest[..rest.len() - 1], first[place + 1..], "behind entry {place}");
        assert_eq!(rest.last().unwrap().amount.minor(), 8);
    }
    let unknown = [Cursor("elsewhere".to_string()), Cursor("99".to_string())];
    for cursor in unknown {
        assert_eq!(bank.incoming(&cursor, 10).await, Err(BankError::UnknownCursor));
    }
}

#[tokio::test]
async fn bank_and_post_office_keep_the_ports_contract() {
    let world = BankWorld::new();
    for house in [House::Bank, House::PostOffice] {
        let pay = |yen| drop(world.pay_in(house, &slip("K7Q2-9MXA", yen)));
        contract(world.center(house).as_ref(), pay).await;
    }
}

#[tokio::test]
async fn people_transfer_pay_in_and_send_cash() {
    let world = BankWorld::new();
    world.open_account(House::Bank, "hanako", slip("", 5000).amount);
    let hanako = (House::Bank, "hanako");
    let transferred = world.transfer(hanako, &slip("K7Q2-9MXA", 3000)).unwrap();
    assert_eq!(world.transfer(hanako, &slip("K7Q2-9MXA", 2001)), Err(NotCovered));
    assert_eq!(world.transfer((House::PostOffice, "hanako"), &slip("x", 1)), Err(NotCovered));
    world.transfer(hanako, &slip("no reference at all", 2000)).unwrap();
    let mailed = world.send_cash(&slip("2222-2222", 700));
    let came = |entry: BankEntry| (entry.reference, entry.amount.minor(), entry.arrival);
    let at = async |house| all(world.center(house).as_ref(), &Cursor::default(), 9).await;
    let bank = at(House::Bank).await;
    assert_eq!(bank[0].id, transferred);
    assert_eq!(
        bank.into_iter().map(came).collect::<Vec<_>>(),
        [
            ("K7Q2-9MXA".to_string(), 3000, Arrival::Transfer),
            ("no reference at all".to_string(), 2000, Arrival::Transfer),
        ]
    );
    let post_office = at(House::PostOffice).await;
    assert_eq!(post_office[0].id, mailed);
    assert_eq!(
        post_office.into_iter().map(came).collect::<Vec<_>>(),
        [("2222-2222".to_string(), 700, Arrival::RegisteredMail)]
    );
}

#[tokio::test]
async fn a_list_has_its_faults() {
    let world = BankWorld::new();
    let account = world.center(House::Bank);
    let id = world.pay_in(House::Bank, &slip("K7Q2-9MXA", 3000));
    account.set_down(true);
    let start = Cursor::default();
    assert!(matches!(account.incoming(&start, 1).await, Err(BankError::Unreachable(_))));
    account.set_down(false);
    account.list_again(&id);
    account.list_changed(&id, |entry| entry.amount = slip("", 1).amount);
    let listed = all(account.as_ref(), &start, 9).await;
    assert!(listed.iter().all(|entry| entry.id == id));
    let amounts: Vec<u64> = listed.iter().map(|entry| entry.amount.minor()).collect();
    assert_eq!(amounts, [3000, 3000, 1]);
}
