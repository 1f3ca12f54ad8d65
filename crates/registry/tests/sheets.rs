//! Card sheets on their way: fax, telephone, closed line; busy, failed, unconfirmed; and every death.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{BROKER, CARD, NAME, World, ask_of, provider};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use warifu_ports::{
    Store,
    fax::{FaxError, FaxState},
};
use warifu_registry::{Channel, SheetSummary};
use warifu_wire::private_line::{DispatchAnswer, SheetState, VoidAnswer};

impl World {
    /// A sheet in the outbox.
    async fn sheet(&self, number: &str) {
        let reference = self.reference(number).await;
        let question = self.dispatch(&reference, number);
        let answer: DispatchAnswer =
            self.ask(BROKER, "/v1/line/dispatch", &question).await.unwrap();
        assert_eq!(answer.state, SheetState::Queued);
    }

    async fn pass(&self) -> SheetSummary {
        self.clock.advance(4_000);
        self.registry.run_pending().await.unwrap();
        self.summary().await
    }

    async fn summary(&self) -> SheetSummary {
        self.registry.sheets("", 10).await.unwrap().remove(0)
    }
}

fn states(sheet: &SheetSummary) -> Vec<SheetState> {
    sheet.steps.iter().map(|step| step.state).collect()
}

#[tokio::test]
async fn a_fax_goes_to_the_number_in_the_registrys_list_once_and_leaves_no_spool() {
    use SheetState::*;
    let world = World::new().await;
    world.member().await;
    world.sheet("N-0001").await;
    world.sheet("N-0001").await;
    assert_eq!(world.pass().await.state, HandedOver);
    let (to, page) = world.script.spool.lock().unwrap()["card-N-0001-1"].clone();
    assert_eq!((to.as_str(), page.card_number.as_str()), ("0312345678", CARD));
    assert_eq!((page.number.as_str(), page.holder_name.as_str()), ("N-0001", NAME));
    assert_eq!(page.provider, "海辺の宿");
    world.script.says(FaxState::Busy);
    assert_eq!(world.pass().await.state, Busy);
    world.script.says(FaxState::Sent { pages: 1 });
    let sheet = world.pass().await;
    assert_eq!(states(&sheet), [Queued, HandedOver, Busy, Sent, Cleared]);
    assert_eq!((sheet.pages, sheet.channel), (1, "fax"));
    assert!(world.script.spool.lock().unwrap().is_empty() && !world.is_stored(CARD));
    assert_eq!(world.script.jobs.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_failed_fax_is_sent_anew_and_at_last_an_operator_decides() {
    let world = World::new().await;
    world.member().await;
    world.sheet("N-0001").await;
    world.script.down.store(true, Ordering::SeqCst);
    assert_eq!(world.pass().await.state, SheetState::Queued);
    world.script.down.store(false, Ordering::SeqCst);
    world.script.says(FaxState::Failed { reason: "no carrier".into() });
    while world.pass().await.state != SheetState::Failed {}
    let jobs: Vec<_> = world.script.jobs.lock().unwrap().iter().map(|j| j.0.clone()).collect();
    assert_eq!(jobs, ["card-N-0001-1", "card-N-0001-2", "card-N-0001-3"]);
    world.pass().await;
    assert!(world.script.spool.lock().unwrap().is_empty());
    world.registry.settle_sheet("N-0001", false, "Jiro").await.unwrap();
    world.script.says(FaxState::Unconfirmed);
    while world.pass().await.state != SheetState::Unconfirmed {}
    // Nothing is sent again by itself.
    assert_eq!(world.pass().await.state, SheetState::Unconfirmed);
    assert_eq!(world.script.jobs.lock().unwrap().len(), 4);
    world.registry.settle_sheet("N-0001", true, "Jiro").await.unwrap();
    let sheet = world.pass().await;
    assert_eq!(sheet.state, SheetState::Cleared);
    assert!(sheet.steps.iter().any(|step| step.by.as_deref() == Some("Jiro")));
    assert!(world.script.spool.lock().unwrap().is_empty());
    let again = world.registry.settle_sheet("N-0001", false, "Jiro").await.unwrap_err();
    assert_eq!(again.code, "wrong_state");
}

impl World {
    /// The broker calls the sheet back: whether it is void, or the problem's code.
    async fn call_back(&self) -> Result<bool, String> {
        let question = json!({ "number": "N-0001" });
        let answer = self.ask::<VoidAnswer>(BROKER, "/v1/line/void", &question).await;
        answer.map(|answer| answer.void).map_err(|problem| problem.code)
    }

    fn jobs(&self) -> usize {
        self.script.jobs.lock().unwrap().len()
    }
}

#[tokio::test]
async fn a_sheet_that_a_dead_server_never_had_is_void_and_never_goes_out() {
    let world = World::new().await;
    world.member().await;
    world.sheet("N-0001").await;
    world.script.down.store(true, Ordering::SeqCst);
    assert_eq!(world.pass().await.state, SheetState::Queued);
    assert_eq!(world.call_back().await, Ok(true));
    world.script.down.store(false, Ordering::SeqCst);
    assert_eq!(world.pass().await.state, SheetState::Void);
    assert_eq!((world.jobs(), world.call_back().await), (0, Ok(true)));
}

#[tokio::test]
async fn a_sheet_whose_submission_broke_off_is_void_once_the_server_has_nothing_of_it() {
    for came_to_a_job in [false, true] {
        let world = World::new().await;
        world.member().await;
        world.sheet("N-0001").await;
        *world.script.breaks_off.lock().unwrap() = Some(came_to_a_job);
        assert_eq!(world.pass().await.state, SheetState::Queued);
        *world.script.breaks_off.lock().unwrap() = None;
        world.script.down.store(true, Ordering::SeqCst);
        // Nobody knows, and nothing is promised; but nothing is handed over any more.
        assert_eq!(world.call_back().await, Err("later".into()));
        world.pass().await;
        assert_eq!(world.call_back().await, Err("later".into()));
        world.script.down.store(false, Ordering::SeqCst);
        let sheet = world.pass().await;
        let state = if came_to_a_job { SheetState::HandedOver } else { SheetState::Void };
        assert_eq!((sheet.state, sheet.withdrawn), (state, true));
        assert_eq!(world.call_back().await, Ok(!came_to_a_job));
        assert_eq!(world.jobs(), usize::from(came_to_a_job));
        // What has failed after all is not tried again.
        world.script.says(FaxState::Failed { reason: "no carrier".into() });
        assert_eq!(
            world.pass().await.state,
            if came_to_a_job { SheetState::Queued } else { state }
        );
        assert_eq!(world.pass().await.state, SheetState::Void);
        assert_eq!((world.jobs(), world.call_back().await), (usize::from(came_to_a_job), Ok(true)));
    }
}

#[tokio::test]
async fn an_operator_does_not_send_the_card_of_a_dead_order_again() {
    let world = World::new().await;
    world.member().await;
    world.sheet("N-0001").await;
    world.script.says(FaxState::Unconfirmed);
    assert_eq!(world.pass().await.state, SheetState::Unconfirmed);
    assert_eq!(world.call_back().await, Ok(false));
    world.registry.settle_sheet("N-0001", false, "Jiro").await.unwrap();
    assert_eq!(world.pass().await.state, SheetState::Void);
    assert_eq!(world.jobs(), 1);
}

#[tokio::test]
async fn a_mail_gateway_is_told_apart_and_mailed_to_once() {
    let world = World::new().await;
    world.member().await;
    world.sheet("N-0001").await;
    world.script.is_gateway.store(true, Ordering::SeqCst);
    *world.script.breaks_off.lock().unwrap() = Some(true);
    assert_eq!(world.pass().await.state, SheetState::Queued);
    *world.script.breaks_off.lock().unwrap() = None;
    // It may have gone out, and nobody can be asked but the provider.
    assert_eq!(world.pass().await.state, SheetState::Unconfirmed);
    world.registry.settle_sheet("N-0001", false, "Jiro").await.unwrap();
    world.script.says(FaxState::Unconfirmed);
    assert_eq!(world.pass().await.state, SheetState::Unconfirmed);
    assert_eq!(world.jobs(), 2);
    world.registry.settle_sheet("N-0001", true, "Jiro").await.unwrap();
    let sheet = world.pass().await;
    // What the gateway keeps is beyond reach: that it was cleared is not recorded.
    assert_eq!(sheet.state, SheetState::Sent);
    assert_eq!(world.registry.run_pending().await.unwrap(), warifu_registry::Pass::default());
}

#[tokio::test]
async fn a_page_that_the_server_refuses_fails() {
    let world = World::new().await;
    world.member().await;
    world.sheet("N-0001").await;
    *world.script.refuses.lock().unwrap() = Some(FaxError::Refused { step: "send", code: 550 });
    let sheet = world.pass().await;
    assert_eq!(sheet.state, SheetState::Failed);
    assert_eq!(sheet.steps.last().unwrap().reason.as_deref(), Some("refused_550"));
}

#[tokio::test]
async fn a_sheet_is_read_out_by_telephone_and_recorded() {
    let world = World::new().await;
    world.member().await;
    world.admit(Channel::Telephone { number: "+81312345678".into() }).await;
    world.sheet("N-0001").await;
    world.pass().await;
    assert!(world.script.jobs.lock().unwrap().is_empty());
    let (sheet, telephone) = world.registry.read_sheet("N-0001", "Jiro").await.unwrap();
    assert_eq!((sheet.card_number.as_str(), telephone.as_str()), (CARD, "+81312345678"));
    let question = json!({ "number": "N-0001" });
    let void: VoidAnswer = world.ask(BROKER, "/v1/line/void", &question).await.unwrap();
    assert!(!void.void, "an operator has it before the eyes");
    assert!(world.registry.record_read_out("N-0001", " ").await.is_err());
    world.registry.record_read_out("N-0001", "Jiro").await.unwrap();
    let done = world.pass().await;
    let last = done.steps.last().unwrap();
    assert_eq!((done.state, last.by.as_deref()), (SheetState::ReadOut, Some("Jiro")));
    assert!(world.registry.read_sheet("N-0001", "Jiro").await.is_err());
}

#[tokio::test]
async fn a_closed_line_and_a_provider_that_bills_by_reference() {
    let world = World::new().await;
    world.member().await;
    world.admit(Channel::Line { url: "https://inn.example:7443".into() }).await;
    world.sheet("N-0001").await;
    assert_eq!(world.pass().await.state, SheetState::Cleared);
    let (url, card) = world.script.posted.lock().unwrap().remove(0);
    assert_eq!((url.as_str(), card.card_number.as_str()), ("https://inn.example:7443", CARD));
    world.admit(Channel::Reference {}).await;
    let reference = world.reference("N-0002").await;
    let question = world.dispatch(&reference, "N-0002");
    let none = world.ask::<Value>(BROKER, "/v1/line/dispatch", &question).await.unwrap_err();
    assert_eq!(none.code, "no_channel");
}

#[tokio::test]
async fn the_broker_cannot_have_cards_sent_elsewhere_or_without_end() {
    let world = World::new().await;
    world.member().await;
    let reference = world.reference("N-0001").await;
    let code = async |question: Value| {
        world.ask::<Value>(BROKER, "/v1/line/dispatch", &question).await.unwrap_err().code
    };
    // It names no number: there is no field for one.
    let mut question = world.dispatch(&reference, "N-0001");
    question["fax"] = json!("0399999999");
    assert_eq!(code(question).await, "malformed");
    let mut question = world.dispatch(&reference, "N-0001");
    question["provider"] = json!("domain:own.example");
    assert_eq!(code(question.clone()).await, "not_found");
    assert_eq!(code(world.dispatch(&reference, "N-0002")).await, "not_found");
    world.sheet("N-0001").await;
    assert_eq!(code(question).await, "conflict");
    for number in 2..=5 {
        world.sheet(&format!("N-000{number}")).await;
    }
    let reference = world.reference("N-0006").await;
    assert_eq!(code(world.dispatch(&reference, "N-0006")).await, "rate_limited");
    world.clock.advance(3_600);
    world.sheet("N-0006").await;
    for bad in ["12", "0312-345", "+", "1234567890123456789012"] {
        let entry = warifu_registry::ProviderEntry {
            provider: provider(),
            name: "x".into(),
            channel: Channel::Fax { number: bad.into() },
            sheets_an_hour: 5,
        };
        let refused = world.registry.admit_provider(entry).await.unwrap_err();
        assert_eq!(refused.field.as_deref(), Some("fax"), "{bad}");
    }
}

#[tokio::test]
async fn a_sheet_survives_every_death_and_goes_out_once() {
    for jobs in 0..40 {
        let world = World::new().await;
        world.member().await;
        let reference = world.reference("N-0001").await;
        let question = world.dispatch(&reference, "N-0001");
        world.script.says(FaxState::Sent { pages: 1 });
        let left = Arc::new(AtomicI64::new(jobs));
        let dying = common::Dying(world.store.clone() as Arc<dyn Store>, left.clone());
        let registry = world.rebuilt(Arc::new(dying), "2026");
        let dies = async {
            ask_of::<Value>(&registry, BROKER, "/v1/line/dispatch", &question).await.ok()?;
            world.clock.advance(4_000);
            registry.run_pending().await.ok()
        };
        let _ = dies.await;
        assert!(world.jobs() <= 1, "{jobs}");
        let died = left.load(Ordering::SeqCst) < 0;
        let answer: DispatchAnswer =
            world.ask(BROKER, "/v1/line/dispatch", &question).await.unwrap();
        assert!(died || answer.state == SheetState::Cleared);
        for _ in 0..3 {
            world.pass().await;
        }
        assert_eq!(world.summary().await.state, SheetState::Cleared, "{jobs}");
        assert_eq!(world.script.jobs.lock().unwrap().len(), 1, "{jobs}");
        assert!(world.script.spool.lock().unwrap().is_empty());
        if !died {
            return;
        }
    }
    panic!("a sheet has fewer jobs");
}
