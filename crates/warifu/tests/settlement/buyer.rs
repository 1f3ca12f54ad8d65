//! Somebody with a vault: Hanako, or Taro, who joins after her.

use crate::town::{PASSWORDS, Town, went_well};
use serde_json::Value;
use std::process::Output;

const TARO: [&str; 6] =
    ["--name", "鈴木太郎", "--address", "大阪府大阪市4-5-6", "--born", "1985-11-03"];

pub struct Buyer {
    vault: &'static str,
}

impl Buyer {
    /// She has joined with the town.
    pub fn hanako() -> Buyer {
        Buyer { vault: "hanako.vault" }
    }

    /// He joins, and has a card of the issuer's too.
    pub fn taro(town: &Town) -> Buyer {
        let taro = Buyer { vault: "taro.vault" };
        let letter = town.letter_for(&TARO);
        went_well(&town.try_register_at(taro.vault, &letter, &TARO));
        town.enter_card_at(taro.vault, (&letter.number, "鈴木太郎"), "4242424242424242");
        taro
    }

    /// Where the vault is, for a command.
    pub fn place(&self) -> [&'static str; 4] {
        ["--vault", self.vault, "--password-fd", "0"]
    }

    pub fn run(&self, town: &Town, arguments: &[&str]) -> Output {
        town.type_holder_at(self.vault, arguments, PASSWORDS)
    }

    #[track_caller]
    pub fn json(&self, town: &Town, arguments: &[&str]) -> Value {
        let printed = went_well(&self.run(town, &[arguments, &["--json"]].concat()));
        serde_json::from_str(&printed).unwrap()
    }

    /// What the center says is on the prepaid card, in yen.
    #[track_caller]
    pub fn balance(&self, town: &Town) -> u64 {
        self.json(town, &["balance"])["balance"]["minor"].as_u64().unwrap()
    }
}
