//! The operator's commands about members and money, as a script uses them: exit codes, one line on
//! standard error, JSON on standard output (rows B2, B7).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use serde_json::Value;
use std::{
    path::Path,
    process::{Command, Output},
};
use warifu::setup::{KeySettings, Place};
use warifu_center::Center;
use warifu_protocol::{
    joining::{Application, MemberKind, Message, Reply},
    telegram::{Person, Profile},
};
use warifu_types::Nonce;
use warifu_wire::TelegramSession;

fn warifu(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_warifu"))
        .arg("center")
        .args(arguments)
        .arg("--data")
        .arg(folder)
        .output()
        .unwrap()
}

#[track_caller]
fn says(folder: &Path, arguments: &[&str]) -> String {
    let output = warifu(folder, arguments);
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}{error}");
    out
}

/// A failure is one clear line.
#[track_caller]
fn fails(folder: &Path, arguments: &[&str]) -> String {
    let output = warifu(folder, arguments);
    let error = text(&output.stderr);
    assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{error}");
    assert!(output.stdout.is_empty());
    error
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Somebody applies at the running center.
async fn apply(folder: &Path, listener: tokio::net::TcpListener) -> Nonce {
    let opened = Place::new(folder, None).open().unwrap();
    let party = opened.party(&KeySettings::default()).await.unwrap();
    let center = Center::new(party.clone(), opened.port(), false).await.unwrap();
    let routes = warifu_center::routes(center);
    let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let credential = party.terminal().credential.clone();
    let mut random = party.random();
    let line = TelegramSession::open("town.example", &credential, &mut random).await.unwrap();
    let Reply::Form { application, .. } =
        line.say(&Message::Join { kind: MemberKind::Member }).await.unwrap()
    else {
        panic!("no form")
    };
    let profile = Profile::Member(Person {
        name: "山田花子".into(),
        address: "東京都港区芝1-2-3".into(),
        born: "1970-01-31".into(),
    });
    let filled = Application { application, profile, language: "ja".into() };
    line.say(&Message::Apply(Box::new(filled))).await.unwrap();
    serving.abort();
    application
}

#[tokio::test]
async fn an_operator_takes_an_applicant_from_the_list_to_the_letter() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let init = ["init", "--network", "town.example", "--identifier", "domain:center.example"];
    let sizes = ["--url", &url, "--holder-threshold", "24", "--service-threshold", "8"];
    says(data, &[&init[..], &sizes].concat());
    assert_eq!(json(&says(data, &["applications"])), json("[]"));
    let application = apply(data, listener).await.to_string();
    let listed = json(&says(data, &["applications"]));
    assert_eq!(listed[0]["application"], application.as_str());
    assert_eq!(listed[0]["profile"]["member"]["name"], "山田花子");
    assert!(fails(data, &["approve", "nobody"]).contains("application"));
    let terms = data.join("terms.txt");
    std::fs::write(&terms, "Be kind. 親切に。").unwrap();
    let terms = terms.to_str().unwrap();
    says(data, &["terms", "--member", terms, "--merchant", terms]);
    let page = data.join("letter.html");
    let out = ["--out", page.to_str().unwrap()];
    let said = says(data, &["approve", &application[..12], out[0], out[1]]);
    assert_eq!(said.trim(), "number       M-000001");
    let letter = std::fs::read_to_string(&page).unwrap();
    assert!(letter.contains("M-000001") && letter.contains("山田花子 様"));
    assert!(letter.contains("親切に。"));
    assert!(fails(data, &["letter", "M-000001", out[0], out[1]]).contains("--again"));
    says(data, &["letter", "M-000001", out[0], out[1], "--again"]);
    assert_ne!(std::fs::read_to_string(&page).unwrap(), letter);
    assert!(fails(data, &["reject", &application]).contains("approved already"));
    says(data, &["revoke", "M-000001"]);
    assert!(fails(data, &["revoke", "M-000009"]).contains("number"));
    assert_eq!(json(&says(data, &["members"]))[0]["active"], false);
}

#[tokio::test]
async fn money_is_recorded_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let init = ["init", "--network", "town.example", "--identifier", "domain:center.example"];
    let sizes =
        ["--url", "http://127.0.0.1:9", "--holder-threshold", "24", "--service-threshold", "8"];
    says(data, &[&init[..], &sizes].concat());
    let received = ["money-received", "--id", "b-1", "--reference", "K7Q2-9MXA", "--way", "pay_in"];
    for _ in 0..2 {
        let said = says(data, &[&received[..], &["--amount", "3000"]].concat());
        assert_eq!(said.trim(), "unmatched    unknown_reference");
    }
    assert!(fails(data, &[&received[..], &["--amount", "3001"]].concat()).contains("id"));
    let listed = json(&says(data, &["money"]));
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["received"]["amount"]["minor"], 3000);
    let meant = ["match-money", "--id", "b-1", "--reference", "K7Q2-9MXA"];
    assert!(fails(data, &meant).contains("reference"));
    let wrong = warifu(data, &["money-received", "--id", "b-2", "--way", "by_hand"]);
    assert_eq!(wrong.status.code(), Some(2));
}
