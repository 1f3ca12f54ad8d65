//! A vault from the first day to the second password, in a temporary folder:
//! `cargo run -p warifu-vault --example vault`. Prints how long each step takes.

#![allow(clippy::print_stdout, reason = "an example for the command line")]

use std::{error::Error, time::Instant};
use warifu_protocol::{ChaCha20Rng, SeedableRng, signer::Signer};
use warifu_types::UnixTime;
use warifu_vault::{Cost, Entered, Entry, EntryKind, Password, Passwords, Vault, signature_key};

fn main() -> Result<(), Box<dyn Error>> {
    let (mut machine, mut seed) = ([0; 32], [0; 32]);
    getrandom::fill(&mut machine)?;
    getrandom::fill(&mut seed)?;
    let rng = &mut ChaCha20Rng::from_seed(seed);
    let now = UnixTime(1_790_000_000);
    let (a, b) = (Password::new("the first password")?, Password::new("the second password")?);

    let folder = tempfile::tempdir()?;
    let vault = Vault::at(&folder.path().join("vault"));
    let key = signature_key(Entered::Text("an autograph"), &machine);
    let start = Instant::now();
    vault.create(&Passwords::two(a.clone(), b.clone())?, Cost::current(), key, rng)?;
    println!("made, {:?}", start.elapsed());

    let start = Instant::now();
    let mut history = vault.open_a(&a, now)?;
    println!("open under A, {:?}", start.elapsed());

    let entry = Entry {
        at: now,
        kind: EntryKind::Purchase,
        party: "tea.example".to_string(),
        goods: "two teas".to_string(),
        amount: None,
        reference: None,
    };
    let start = Instant::now();
    history.append(entry, rng)?;
    println!("a line added under A alone, {:?}", start.elapsed());

    let start = Instant::now();
    let signing = history.open_b(&b, now)?;
    println!("open under B, {:?}; it signs as {:?}", start.elapsed(), signing.verifying_key());
    for entry in signing.a().history() {
        println!("{}  {}  {}", entry.date(540), entry.party, entry.goods);
    }
    Ok(())
}
