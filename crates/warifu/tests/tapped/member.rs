//! A member of the settlement center: joins by letter, keeps everything in a vault under two
//! passwords.

use crate::{
    canary::{Canary, Source},
    secrets, vault,
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use warifu::{
    demo::network::{NETWORK, Network},
    newcomer::{self, Invited, Newcomer},
    setup::{now, party_over, random},
};
use warifu_holder::{
    Holder, Profile, VaultStore, Writer, change_key,
    joining::{Fresh, first_key},
};
use warifu_ports::{Entropy, Store};
use warifu_protocol::{
    ChaCha20Rng, SeedableRng,
    credential::Credential,
    encode::b64,
    hpke::{self, Binding},
    telegram::Person,
};
use warifu_store::{Document, OsEntropy};
use warifu_types::Nonce;
use warifu_vault::{Cost, Password, Passwords, Vault};
use warifu_wire::identity;

/// Who joins: known to the center, and to nobody else.
pub fn person(source: &mut Source) -> Person {
    Person {
        name: format!("金糸雀 {}", source.letters(14)),
        address: format!("長崎県 {} 7/8", source.letters(14)),
        born: "1931-07-19".to_string(),
    }
}

/// A profile as an order says it, known to nobody beforehand.
pub fn profile(source: &mut Source) -> Profile {
    let mut phone = || format!("+81-90-{}-{}", source.digits(4), source.digits(4));
    let (telephone, fax) = (phone(), phone());
    Profile {
        name: format!("金糸雀 {}", source.letters(14)),
        address: format!("佐賀県 {} 9", source.letters(14)),
        telephone,
        fax,
    }
}

/// A member's terminal, and everything secret that it was given.
pub struct Member {
    /// Its membership.
    pub newcomer: Newcomer,
    /// The whole terminal.
    pub holder: Arc<Holder>,
    /// What the vault keeps.
    pub store: Arc<dyn Store>,
    file: PathBuf,
    passwords: [String; 2],
    code: String,
    entropy: Arc<Remembered>,
    center: Arc<Credential>,
}

/// Entropy of which it is known afterwards what it gave.
#[derive(Default)]
struct Remembered(Mutex<Vec<[u8; 32]>>);

impl Entropy for Remembered {
    fn fill(&self, bytes: &mut [u8]) {
        OsEntropy.fill(bytes);
        if let Ok(given) = <[u8; 32]>::try_from(&*bytes) {
            self.0.lock().unwrap().push(given);
        }
    }
}

impl Member {
    /// Guide, application, approval, letter, registration.
    pub async fn join(
        network: &Network,
        person: Person,
        folder: &Path,
        source: &mut Source,
    ) -> Member {
        let (settlement, url) = (network.center.settlement(), network.url("center"));
        let invited = newcomer::invite(settlement, &url, person).await.unwrap();
        Member::register(network, invited, &folder.join("first.vault"), source).await
    }

    /// The registration, with a new vault.
    pub async fn register(
        network: &Network,
        invited: Invited,
        file: &Path,
        source: &mut Source,
    ) -> Member {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let seed = OsEntropy.bytes32();
        let passwords = [source.letters(20), source.letters(20)];
        let [a, b] = passwords.each_ref().map(|typed| Password::new(typed).unwrap());
        let vault = Vault::at(file);
        // Cheap to open: nobody guesses here.
        let cost = Cost::new(8, 1, 1).unwrap();
        let both = Passwords::two(a, b).unwrap();
        let vault = vault.create(&both, cost, first_key(&seed), &mut random()).unwrap();
        let store: Arc<dyn Store> = VaultStore::open(vault, Arc::new(OsEntropy)).unwrap();
        network.agree_with_member(&store).await.unwrap();
        let (code, center) = (invited.letter.code.to_string(), invited.guide.center().clone());
        let entropy = Arc::new(Remembered::default());
        let keys = network.keys().unwrap();
        let newcomer = invited.register(store.clone(), &keys, seed, entropy.clone()).await.unwrap();
        let holder = newcomer.holder.clone();
        let file = file.to_path_buf();
        Member { newcomer, holder, store, file, passwords, code, entropy, center }
    }

    /// Everything in the vault, decrypted.
    pub fn documents(&self) -> Vec<Document> {
        vault::documents(&self.file, &self.passwords)
    }

    /// Puts another signature key in force.
    pub async fn change_key(&mut self, network: &Network) {
        let fresh = Fresh { now: now(), random: random(), jti: Nonce(OsEntropy.bytes32()) };
        let Newcomer { membership, writer, .. } = &self.newcomer;
        change_key(&self.store, writer, membership, fresh).await.unwrap();
        let signer = Arc::new(self.store.run(identity::signing_key).await.unwrap());
        let party = party_over(self.store.clone(), &network.keys().unwrap()).await.unwrap();
        self.holder = Holder::new(party, self.store.clone());
        self.holder.join(Writer { signer, ..writer.clone() });
    }

    /// What was typed, and what telegrams are encrypted under: nobody keeps any of it.
    pub fn canaries(&self) -> Vec<Canary> {
        let [a, b] = &self.passwords;
        let mut canaries = vec![
            Canary::nobodys("member: password A", a.as_str()),
            Canary::nobodys("member: password B", b.as_str()),
            // It counts no more; it stands in the registration telegram, which the center keeps.
            Canary::nobodys("member: one-time code", self.code.as_str()).seen_by(&["center"]),
            Canary::nobodys("member: one-time code", self.code.replace('-', ""))
                .seen_by(&["center"]),
        ];
        let roots = self.session_roots();
        canaries
            .extend(roots.iter().map(|(_, root)| Canary::nobodys("member: telegram keys", *root)));
        canaries
    }

    /// The secrets that the vault holds now.
    pub fn secrets(&self) -> Vec<Canary> {
        secrets::kept("member", &self.documents())
    }

    /// Each telegram session's encapsulated key, as it travelled, and the secret from which the keys
    /// of both directions come.
    pub fn session_roots(&self) -> Vec<(String, [u8; 32])> {
        let mut info = Vec::new();
        for item in ["warifu/1 telegram session", NETWORK, self.center.sub.as_str()] {
            info.extend_from_slice(&u16::try_from(item.len()).unwrap().to_be_bytes());
            info.extend_from_slice(item.as_bytes());
        }
        let (key, given) = (&self.center.hpke[0], self.entropy.0.lock().unwrap().clone());
        let root = |seed: [u8; 32]| {
            let binding = Binding { psk: None, info: &info };
            let mut random = ChaCha20Rng::from_seed(seed);
            let (ek, root) = hpke::encapsulate(key, &binding, &mut random).unwrap();
            (b64(&ek), *root)
        };
        // The first was the id of the registration telegram.
        given.into_iter().skip(1).map(root).collect()
    }
}
