//! Hanako's vault, opened by the test, so that it can send her telegrams as often and to whom it
//! likes.

use crate::town::Town;
use serde_json::Value;
use std::sync::Arc;
use warifu::setup::{KeySettings, now, party_over, random};
use warifu_holder::{VaultStore, joining};
use warifu_ports::{Collection, Store};
use warifu_protocol::{
    credential::Credential,
    telegram::{Outcome, Telegram, TelegramAnswer},
};
use warifu_store::OsEntropy;
use warifu_types::Nonce;
use warifu_vault::{Password, Vault};
use warifu_wire::{CallError, Party, TelegramSession};

/// Telegrams, as the terminal keeps them.
const TELEGRAMS: Collection<Value> = Collection::new("telegrams");

/// What her terminal knew when the vault was opened.
pub struct Terminal {
    party: Arc<Party>,
    center: Credential,
    /// The payments that wait in the vault, as they are to be sent.
    pub waiting: Vec<String>,
    /// The top-ups that wait in it.
    pub top_ups: Vec<String>,
}

impl Terminal {
    /// Opens the vault, and closes it again.
    pub async fn of(town: &Town) -> Terminal {
        let password = |text: &str| Password::new(text).unwrap();
        let vault = Vault::at(&town.path("hanako.vault"));
        let opened =
            vault.open_ab(&password("password of A"), &password("password of B"), now()).unwrap();
        let store: Arc<dyn Store> = VaultStore::open(opened, Arc::new(OsEntropy)).unwrap();
        let (membership, _) = joining::standing(&store).await.unwrap().unwrap();
        let center = joining::center_of(&membership, now()).unwrap();
        let party = party_over(store.clone(), &KeySettings::default()).await.unwrap();
        let all = store.run(|unit| TELEGRAMS.all(unit)).await.unwrap();
        let open = |word: &str| -> Vec<String> {
            let of_word = |telegram: &&Value| telegram["word"] == word;
            let open = all.iter().map(|(_, telegram)| telegram).filter(of_word);
            let open = open.filter(|telegram| telegram["answer"].is_null());
            open.map(|telegram| telegram["token"].as_str().unwrap().to_string()).collect()
        };
        let (waiting, top_ups) = (open("pay"), open("top_up"));
        Terminal { party, center: center.as_ref().clone(), waiting, top_ups }
    }

    /// A session with the center's process on this port.
    pub async fn session(&self, port: u16) -> TelegramSession {
        let url = Some(format!("http://127.0.0.1:{port}"));
        let center = Credential { url, ..self.center.clone() };
        let mut random = random();
        TelegramSession::open(&self.center.network, &center, &mut random).await.unwrap()
    }

    /// Sends a telegram to the center's process on this port: the signed answer.
    pub async fn send(&self, port: u16, token: &str) -> Result<String, CallError> {
        self.session(port).await.send(token).await
    }

    /// What a signed answer says, once its signature has proved good.
    pub fn read(&self, answer: &str, token: &str) -> Outcome {
        let member = Telegram::peek(token).unwrap().iss;
        TelegramAnswer::verify(answer, &self.center, &member, token).unwrap().outcome
    }

    /// The same instruction in a telegram of its own, signed with the key that the vault had.
    pub fn anew(&self, token: &str) -> String {
        let telegram = Telegram::peek(token).unwrap();
        let jti = Nonce(self.party.random32());
        // No terminal has come so far by counting.
        let seq = telegram.seq + 1_000_000;
        let signer = self.party.terminal().signer.clone();
        Telegram { jti, seq, ..telegram }.sign(signer.as_ref())
    }
}
