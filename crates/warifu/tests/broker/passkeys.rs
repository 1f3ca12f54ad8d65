//! The second way in, by a real browser with virtual authenticators (row C3).

use crate::{
    people::HANAKO,
    providers::{Kind, Provider},
    town::{Replies, Town},
    user::{Order, User},
};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};

const TEA: Provider = Provider { name: "tea", kind: Kind::Line, clerk: false };

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_adds_a_passkey_and_orders_with_it() {
    let (town, members) = Town::open(Replies::Lmtp, &[TEA], &[HANAKO]).await;
    let said = browse(&town, &members[0]);
    let text = |name: &str| said["ordered"][name].as_str().unwrap().to_string();
    let order = Order { id: text("id"), number: text("number") };
    let user = User::login(&town, HANAKO, &members[0]);
    let view = user.wait_for(&order, "closed");
    assert_eq!(view["approved_by"], "page", "{view}");
    let copied = "a passkey may have been copied";
    assert!(!town.log("broker").contains(copied), "the counter was not what refused");
    town.stop();
}

/// What the browser has done; `tests/peers/passkeys.mjs` says what that is, and fails where the broker
/// does not answer as it should.
fn browse(town: &Town, member: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let library = root.join("tests/peers/node_modules/playwright-core/package.json");
    assert!(library.exists(), "playwright-core is not there: run ./test once, it installs it");
    let folder = town.path("browser");
    fs::create_dir(&folder).unwrap();
    let told = json!({
        "url": town.pages(),
        "member": member,
        "password": HANAKO.password,
        "service": format!("{}/N-1", town.providers[TEA.name]),
    });
    fs::write(folder.join("warifu.json"), told.to_string()).unwrap();
    let output = Command::new("node")
        .arg(root.join("tests/peers/passkeys.mjs"))
        .arg(&folder)
        .output()
        .unwrap_or_else(|error| panic!("node does not start ({error}): run ./test once"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}
