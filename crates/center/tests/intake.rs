//! What comes in at bank and post office (row B7, ways 2 to 4) is taken up once, in order, whatever
//! the bank lists and whenever the center dies.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{Member, World, member::top_up, yen};
use std::sync::{Arc, Mutex};
use warifu_center::{MoneyOutcome, Source};
use warifu_gateways::bank::{
    account::Slip,
    simulator::{BankWorld, House},
};
use warifu_ports::{
    bank::{Bank, BankEntry, BankError, Cursor},
    books::AccountKind,
};
use warifu_protocol::telegram::{Funding, Outcome, TopUpState};

/// More halves of jobs than taking in three entries has.
const MOST: i64 = 30;

fn source(banks: &BankWorld, house: House) -> Source {
    let name = match house {
        House::Bank => "bank",
        House::PostOffice => "post-office",
    };
    Source::new(name, banks.center(house).clone()).unwrap()
}

/// Asks for value, and fills in the slip for it.
async fn slip(world: &World, member: &Member, minor: u64, funding: Funding) -> Slip {
    let asked = member.tell(world, top_up(yen(minor), None, funding)).await.unwrap();
    let Outcome::TopUp(TopUpState::Waiting { reference }) = asked else { panic!("{asked:?}") };
    Slip { reference, amount: yen(minor) }
}

/// Money that belongs to no request.
async fn unmatched(world: &World) -> u64 {
    world.sum(AccountKind::Unmatched, |b| b.credits_posted - b.debits_posted).await
}

/// What has come of everything that came in, by id.
async fn outcomes(world: &World) -> Vec<(String, String)> {
    let all = world.center.settlement().money().await.unwrap().into_iter();
    let word = |outcome| match outcome {
        MoneyOutcome::Issued {} => "issued".to_string(),
        MoneyOutcome::Unmatched { reason } => format!("unmatched: {reason}"),
        MoneyOutcome::SetAside { reason } => format!("set aside: {reason}"),
    };
    all.map(|money| (money.received.id, word(money.outcome))).collect()
}

fn said<const N: usize>(all: [(&str, &str); N]) -> Vec<(String, String)> {
    all.map(|(id, outcome)| (id.to_string(), outcome.to_string())).to_vec()
}

#[tokio::test]
async fn a_transfer_cash_paid_in_and_cash_in_the_mail_issue_the_cards_that_wait() {
    let world = World::new().await;
    let (member, banks) = (world.member().await, BankWorld::new());
    let hanako = (House::Bank, "hanako");
    banks.open_account(hanako.0, hanako.1, yen(5000));
    let settlement = world.center.settlement();
    let (bank, post_office) = (source(&banks, House::Bank), source(&banks, House::PostOffice));
    settlement.take_in(&bank).await.unwrap();
    banks.transfer(hanako, &slip(&world, &member, 3000, Funding::Transfer {}).await).unwrap();
    banks.pay_in(House::Bank, &slip(&world, &member, 400, Funding::PayIn {}).await);
    banks.pay_in(House::PostOffice, &slip(&world, &member, 50, Funding::PayIn {}).await);
    banks.send_cash(&slip(&world, &member, 6, Funding::RegisteredMail {}).await);
    for _ in 0..2 {
        settlement.take_in(&bank).await.unwrap();
        assert_eq!(world.loaded().await, 3400);
    }
    for _ in 0..2 {
        settlement.take_in(&post_office).await.unwrap();
        assert_eq!(world.loaded().await, 3456);
    }
    assert_eq!(world.sum(AccountKind::Bank, |b| b.debits_posted).await, 3456);
    let issued = "issued";
    assert_eq!(
        outcomes(&world).await,
        said([
            ("bank/B-000001", issued),
            ("bank/B-000002", issued),
            ("post-office/P-000001", issued),
            ("post-office/P-000002", issued),
        ])
    );
    world.audit().await;
}

#[tokio::test]
async fn money_that_names_no_one_is_kept_and_shown() {
    let world = World::new().await;
    let (member, banks) = (world.member().await, BankWorld::new());
    let good = slip(&world, &member, 3000, Funding::Transfer {}).await;
    let anonymous = |reference: &str| Slip { reference: reference.into(), amount: yen(3000) };
    banks.pay_in(House::Bank, &anonymous(""));
    // The cut falls into a character of several bytes.
    banks.pay_in(House::Bank, &anonymous(&format!("x{}", "誰".repeat(200))));
    banks.pay_in(House::Bank, &good);
    banks.pay_in(House::Bank, &Slip { amount: yen(2999), ..good.clone() });
    let settlement = world.center.settlement();
    settlement.take_in(&source(&banks, House::Bank)).await.unwrap();
    assert_eq!(
        outcomes(&world).await,
        said([
            ("bank/B-000001", "unmatched: unknown_reference"),
            ("bank/B-000002", "unmatched: unknown_reference"),
            ("bank/B-000003", "unmatched: way_differs"),
            ("bank/B-000004", "unmatched: amount_differs"),
        ])
    );
    assert_eq!(world.loaded().await, 0);
    assert_eq!(unmatched(&world).await, 3000 + 3000 + 3000 + 2999);
    let written = settlement.money().await.unwrap()[1].received.reference.clone();
    assert_eq!(written, format!("x{}", "誰".repeat(85)));
    // The operator finds out who it was.
    settlement.match_money("bank/B-000001", &good.reference).await.unwrap();
    assert_eq!((world.loaded().await, unmatched(&world).await), (3000, 3000 + 3000 + 2999));
    world.audit().await;
}

#[tokio::test]
async fn what_a_bank_lists_twice_counts_once_and_what_it_contradicts_is_set_aside() {
    let world = World::new().await;
    let (member, banks) = (world.member().await, BankWorld::new());
    let (account, bank) = (banks.center(House::Bank), source(&banks, House::Bank));
    let settlement = world.center.settlement();
    let first = banks.pay_in(House::Bank, &slip(&world, &member, 700, Funding::PayIn {}).await);
    account.list_again(&first);
    settlement.take_in(&bank).await.unwrap();
    account.list_again(&first);
    account.list_changed(&first, |entry| entry.amount = yen(9000));
    banks.pay_in(House::Bank, &Slip { reference: String::new(), amount: yen(0) });
    // What comes behind is not held up.
    banks.pay_in(House::Bank, &slip(&world, &member, 80, Funding::PayIn {}).await);
    settlement.take_in(&bank).await.unwrap();
    assert_eq!(world.loaded().await, 780);
    assert_eq!(
        outcomes(&world).await,
        said([
            ("bank/B-000001", "issued"),
            ("bank/B-000003", "issued"),
            ("bank/B-000001", "set aside: conflict"),
            ("bank/B-000002", "set aside: bad_value"),
        ])
    );
    let set_aside = &settlement.money().await.unwrap()[2];
    assert_eq!(set_aside.received.amount, yen(9000));
    // Bank and post office may give the same id to different money.
    let mailed = slip(&world, &member, 5, Funding::PayIn {}).await;
    banks.pay_in(House::PostOffice, &mailed);
    let other = Source::new("post-office", banks.center(House::PostOffice).clone()).unwrap();
    settlement.take_in(&other).await.unwrap();
    assert_eq!(world.loaded().await, 785);
    for bad in ["", "Bank", "a/b", "a-name-that-goes-on-and-on"] {
        let problem = Source::new(bad, banks.center(House::Bank).clone()).unwrap_err();
        assert_eq!(problem.field.as_deref(), Some("source"), "{bad}");
    }
    world.audit().await;
}

#[tokio::test]
async fn the_center_may_die_between_reading_and_booking() {
    let mut world = World::new().await;
    let member = world.member().await;
    let banks = BankWorld::new();
    let bank = source(&banks, House::Bank);
    for jobs in 0..MOST {
        for _ in 0..2 {
            banks.pay_in(House::Bank, &slip(&world, &member, 300, Funding::PayIn {}).await);
        }
        banks.pay_in(House::Bank, &Slip { reference: "nobody".into(), amount: yen(20) });
        let dying = world.dying_after(jobs).await;
        let first = world.center.settlement().take_in(&bank).await;
        assert_eq!(first.is_err(), dying.is_dead());
        let died = dying.is_dead();
        drop(dying);
        world.restart().await;
        for _ in 0..2 {
            world.center.settlement().take_in(&bank).await.unwrap();
        }
        let rounds = u64::try_from(jobs).unwrap() + 1;
        let booked = (world.loaded().await, unmatched(&world).await);
        assert_eq!(booked, (600 * rounds, 20 * rounds), "{jobs} jobs");
        if !died {
            // Two reads of the cursor and three entries, before and after each.
            assert!(jobs >= 10, "{jobs} halves of jobs");
            world.audit().await;
            return;
        }
    }
    panic!("taking in has fewer jobs");
}

/// A bank that tells behind which cursors it was read.
struct Read(Arc<dyn Bank>, Mutex<Vec<Cursor>>);

#[async_trait::async_trait]
impl Bank for Read {
    async fn incoming(&self, after: &Cursor, limit: usize) -> Result<Vec<BankEntry>, BankError> {
        self.1.lock().unwrap().push(after.clone());
        self.0.incoming(after, limit).await
    }
}

#[tokio::test]
async fn a_center_reads_on_where_it_stood_and_waits_for_a_bank_that_is_closed() {
    let mut world = World::new().await;
    let (member, banks) = (world.member().await, BankWorld::new());
    let account = banks.center(House::Bank);
    let read = Arc::new(Read(account.clone(), Mutex::default()));
    let bank = Source::new("bank", read.clone()).unwrap();
    for _ in 0..3 {
        banks.pay_in(House::Bank, &slip(&world, &member, 10, Funding::PayIn {}).await);
    }
    // Two at once, as of two processes on one database.
    let settlement = world.center.settlement();
    let (one, other) = tokio::join!(settlement.take_in(&bank), settlement.take_in(&bank));
    one.and(other).unwrap();
    assert_eq!(world.loaded().await, 30);
    account.set_down(true);
    banks.pay_in(House::Bank, &slip(&world, &member, 10, Funding::PayIn {}).await);
    let closed = settlement.take_in(&bank).await.unwrap_err();
    assert_eq!((closed.status, closed.code.as_str()), (502, "bank"));
    assert_eq!(world.loaded().await, 30);
    account.set_down(false);
    world.restart().await;
    read.1.lock().unwrap().clear();
    world.center.settlement().take_in(&bank).await.unwrap();
    assert_eq!(world.loaded().await, 40);
    let cursors = read.1.lock().unwrap().clone();
    assert_eq!(cursors, [Cursor("3".into()), Cursor("4".into())]);
    world.audit().await;
}
