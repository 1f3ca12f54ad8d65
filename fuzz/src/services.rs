//! Targets behind the protocol: what services ask each other within sessions and on private lines,
//! files that people bring, and what mail, fax and card network say.
//!
//! `crates/warifu/tests/fuzz_corpora` runs the corpora through the same functions.

#[path = "carried.rs"]
mod carried;

pub use carried::wire;

use async_trait::async_trait;
use std::sync::{
    LazyLock,
    atomic::{AtomicUsize, Ordering},
};
use tokio::runtime::{Builder, Runtime};
use warifu::config::Config;
use warifu_broker::rules::{
    csv_file, price,
    reply::{Decision, Expected, decide, tokens},
    schema_org,
};
use warifu_center::rules::codes;
use warifu_gateways::{
    card_network::{message::Message, read_frame},
    fax::hylafax::{data_port, read_reply, read_state},
    mail::{Decoder, Envelope, Limits, ReceivingServer, ReplyDomain, serve_lmtp},
};
use warifu_merchant::{parse_catalogue, rules::catalogue};
use warifu_ports::{
    mail::{IncomingKind, IncomingMail, MailError, MailIn},
    search::{SearchEntry, SearchIndex, SearchQuery},
};
use warifu_store::search::MemoryIndex;
use warifu_types::Currency;

/// A target: bytes in, accepted or not out.
pub type Target = fn(&[u8]) -> bool;

/// Every target by its name, which is also that of its program and of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("wire", wire),
    ("vault", vault),
    ("iso8583", iso8583),
    ("mail", mail),
    ("lmtp", lmtp),
    ("fax", fax),
    ("service_file", service_file),
    ("catalogue_file", catalogue_file),
    ("typed", typed),
    ("config", config),
];

/// What is asynchronous here reads from memory, and never waits.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().unwrap());

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// A vault's header, or what one of its layers opens to.
pub fn vault(data: &[u8]) -> bool {
    warifu_vault::inspect(data).is_ok() | warifu_vault::is_layer(data)
}

/// A line of the card network: frames, one after the other. What is read is written as the same
/// bytes, and what is sound of a faulty message can be written.
pub fn iso8583(data: &[u8]) -> bool {
    let mut line = data;
    let mut good = !data.is_empty();
    loop {
        let frame = match RUNTIME.block_on(read_frame(&mut line)) {
            Ok(Some(frame)) => frame,
            Ok(None) => return good,
            Err(_) => return false,
        };
        match Message::decode(&frame) {
            Ok(message) => assert_eq!(*message.encode().unwrap(), *frame),
            Err(rejected) => {
                let written = rejected.sound.map(|sound| sound.encode().unwrap());
                assert!(written.is_none_or(|bytes| Message::decode(&bytes).is_ok()));
                good = false;
            }
        }
    }
}

/// A mail, and what it means as a reply to a confirmation.
pub fn mail(data: &[u8]) -> bool {
    let server = ReceivingServer { authserv_id: "mx.example".into(), received_above: 0 };
    let decoder = Decoder::new().with_server(server);
    let envelope =
        Envelope { sender: String::new(), recipients: vec!["c+abc@order.example".into()] };
    for envelope in [None, Some(&envelope)] {
        let Ok(mail) = RUNTIME.block_on(decoder.decode(data, envelope)) else { return false };
        let tokens = tokens(&mail, "c", "order.example");
        assert!(envelope.is_none() || tokens == ["abc"]);
        let decision = decide(&mail, &Expected { member: "hanako@example.jp" });
        let said = matches!(decision, Decision::Approve | Decision::Cancel);
        assert!(!said || mail.kind == IncomingKind::Personal, "a machine decides nothing");
        if said {
            return true;
        }
    }
    false
}

/// Counts the mails that it takes.
#[derive(Default)]
struct Letterbox(AtomicUsize);

#[async_trait]
impl MailIn for Letterbox {
    async fn receive(&self, mail: IncomingMail) -> Result<(), MailError> {
        assert!((1..=2).contains(&mail.recipients.len()));
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// All that a mail server says on one connection; accepted if a mail was taken.
pub fn lmtp(data: &[u8]) -> bool {
    let replies = ReplyDomain { mailbox: "confirm".into(), domain: "order.example".into() };
    let limits = Limits { mail_bytes: 1024, recipients: 2, ..Limits::default() };
    let letterbox = Letterbox::default();
    let mut said = Vec::new();
    let line = tokio::io::join(data, &mut said);
    let decoder = Decoder::new();
    let served = serve_lmtp(line, (&replies, &decoder, limits), &letterbox);
    // A client that just stops is an error of the line, and no fault here.
    let _ = RUNTIME.block_on(served);
    let said = String::from_utf8(said).unwrap();
    let taken = letterbox.0.load(Ordering::Relaxed);
    assert!(said.lines().filter(|line| *line == "250 2.0.0 Taken").count() >= taken);
    taken > 0
}

/// All that a fax server says; the last five replies are taken for a job's parameters.
pub fn fax(data: &[u8]) -> bool {
    let mut server = data;
    let mut texts = Vec::new();
    while !server.is_empty() {
        let Ok(reply) = RUNTIME.block_on(read_reply(&mut server)) else { return false };
        assert!((100..600).contains(&reply.code));
        let _ = data_port(reply.text());
        texts.push(reply.text().to_owned());
    }
    if let Some([state, pages, dials, status, code]) = texts.last_chunk::<5>() {
        let _ = read_state(state, pages, dials, status, code);
    }
    !texts.is_empty()
}

/// A provider's file of services, in either format; a text as a price.
pub fn service_file(data: &[u8]) -> bool {
    if let Some(text) = text(data) {
        for currency in [Currency::JPY, Currency::EUR] {
            let price = price::parse(text, currency);
            assert!(price.is_none_or(|price| price.currency() == currency));
        }
    }
    [csv_file::read(data), schema_org::read(data)].into_iter().any(|read| match read {
        Ok(services) => {
            assert!(services.iter().all(|service| service.check().is_ok()));
            assert!(!services.is_empty());
            true
        }
        Err(faults) => {
            assert!(!faults.is_empty(), "a refusal says why");
            false
        }
    })
}

/// A merchant's catalogue file.
pub fn catalogue_file(data: &[u8]) -> bool {
    parse_catalogue(data).is_ok_and(|items| catalogue::check(&items).is_ok())
}

static INDEX: LazyLock<MemoryIndex> = LazyLock::new(|| {
    let index = MemoryIndex::new().unwrap();
    let entry = |key: &str| {
        let grams = vec!["tea".to_string()];
        SearchEntry { key: key.into(), grams, kind: "shop".into(), ..SearchEntry::default() }
    };
    index.replace("", vec![entry("P-1/a"), entry("P-1/b")]).unwrap();
    index
});

/// What people copy by hand, a one-time code or a reference; where a page of a search has ended.
pub fn typed(data: &[u8]) -> bool {
    let Some(text) = text(data) else { return false };
    let mut accepted = false;
    for length in [codes::CODE_LENGTH, codes::REFERENCE_LENGTH] {
        let Some(meant) = codes::read(text, length) else { continue };
        assert_eq!(codes::read(&codes::grouped(&meant), length), Some(meant));
        accepted = true;
    }
    for grams in [vec![], vec!["tea".to_string()]] {
        let after = Some(text.to_string());
        let query = SearchQuery { grams, after, limit: 1, ..SearchQuery::default() };
        accepted |= INDEX.search(&query).is_ok();
    }
    accepted
}

/// A service's configuration; an error is one line.
pub fn config(data: &[u8]) -> bool {
    let Some(text) = text(data) else { return false };
    match Config::parse(text) {
        Ok(config) => {
            let _ = (config.public_url(), config.key_settings(), config.settlement.settings());
            true
        }
        Err(problem) => {
            assert!(problem.starts_with("line ") && !problem.contains('\n'), "{problem}");
            false
        }
    }
}
