//! Killed in the middle of a renewal: a retry comes to the same state, and so does a copy.

use crate::{
    chance::Chance,
    program::{command, good},
    town::{SERVICES, Town},
};
use std::{
    fs,
    path::Path,
    process::Stdio,
    thread::sleep,
    time::{Duration, Instant},
};

const ROUNDS: u32 = 6;

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// The credential, and every share as a file.
async fn held(town: &Town, data: &str) -> (String, Vec<Vec<u8>>) {
    let party = town.party(data).await;
    let terminal = party.terminal();
    let shares = terminal.ring.shares().map(|share| share.to_file().to_vec()).collect();
    (terminal.credential_token.clone(), shares)
}

#[tokio::test]
async fn two_copies_of_a_party_get_the_same_answer() {
    let mut town = Town::found(1, 32);
    town.start("c0");
    town.center(0, "advance --grace 10m");
    copy(&town.path("hanako"), &town.path("copy"));
    town.renew_holder();
    good(town.folder(), &["holder", "renew", "--data", "copy"]);
    let (credential, shares) = held(&town, "hanako").await;
    assert_eq!(shares.len(), 2);
    assert_eq!(held(&town, "copy").await, (credential, shares));
}

/// Begins a renewal, and kills it or the center at some moment of it.
fn interrupted(town: &mut Town, chance: &mut Chance, arguments: &[&str], usual: Duration) {
    let mut child = command(town.folder(), arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    sleep(Duration::from_micros(chance.below(usual.as_micros() as u64 * 6 / 5)));
    if chance.below(2) == 0 {
        // It may have ended by itself.
        let _ = child.kill();
    } else {
        town.kill("c0");
        town.start("c0");
    }
    child.wait().unwrap();
}

#[tokio::test]
async fn killed_in_the_middle_of_a_renewal() {
    let mut chance = Chance::new();
    let mut town = Town::found(1, 32);
    town.start("c0");
    let holder = ["holder", "renew", "--data", "hanako"];
    let merchant = ["party", "renew", "--config", "merchant.toml"];
    town.center(0, "advance --grace 0s");
    let started = Instant::now();
    town.renew_holder();
    let usual = started.elapsed();
    for round in 0..ROUNDS {
        town.center(0, "advance --grace 0s");
        let who = if chance.below(2) == 0 { &holder[..] } else { &merchant[..] };
        interrupted(&mut town, &mut chance, who, usual);
        let epoch = format!("epoch {}\n", round + 3);
        for who in [&holder[..], &merchant[..]] {
            let printed = good(town.folder(), who);
            assert!(printed.contains(&epoch), "{printed}");
            assert!(good(town.folder(), who).ends_with("nothing to renew\n"));
        }
        let (_, shares) = held(&town, "hanako").await;
        assert_eq!(shares.len(), 1, "of the epoch in force and no other");
    }
    // A center killed between the new epoch and its own renewal goes on, too.
    let advance = ["center", "advance", "--data", "center", "--grace", "0s"];
    let mut child = command(&town.path("c0"), &advance)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    sleep(Duration::from_micros(chance.below(usual.as_micros() as u64)));
    let _ = child.kill();
    child.wait().unwrap();
    town.center(0, "renew");
    for party in SERVICES {
        town.renew(party);
        town.start(party);
    }
    town.renew_holder();
    town.buy();
}
