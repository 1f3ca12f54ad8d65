//! Holders with a card at the issuer, who become the broker's members and register their card.

use crate::{
    program::{good, good_typed},
    town::{Town, identifier},
};
use std::fs;

/// A person. What is written here stands nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    /// The user at the mail server, and the folder of the terminal.
    pub name: &'static str,
    /// As the card has it.
    pub full_name: &'static str,
    /// The telephone number.
    pub telephone: &'static str,
    /// The card number.
    pub card: &'static str,
    /// `credit` or `debit`.
    pub kind: &'static str,
    /// The card's limit, in yen.
    pub limit: u64,
    /// The password at the broker.
    pub password: &'static str,
}

/// A limit that no test comes to.
const PLENTY: u64 = 1_000_000_000_000;

/// The card's expiry.
pub const EXPIRY: &str = "2031-08";

/// Pays by credit, once a month.
pub const HANAKO: Person = Person {
    name: "hanako",
    full_name: "YAMADA HANAKO 山田花子",
    telephone: "+81-3-5555-0123",
    card: "4929731685204133",
    kind: "credit",
    limit: PLENTY,
    password: "seven herons at dawn",
};

/// Pays at once.
pub const TARO: Person = Person {
    name: "taro",
    full_name: "SUZUKI TARO 鈴木太郎",
    telephone: "+81-6-5555-0199",
    card: "4532719406835722",
    kind: "debit",
    limit: PLENTY,
    password: "nine cranes at dusk",
};

impl Person {
    /// The mail address.
    pub fn mail(&self) -> String {
        format!("{}@mail.test", self.name)
    }
}

impl Town {
    /// A person becomes a holder with a card, a member of the broker, and registers the card at the
    /// registry, which must run. Returns the membership number.
    pub fn join(&self, person: &Person) -> String {
        self.issue_card(person);
        self.make_holder(person);
        let mail = person.mail();
        let broker = self.path("broker");
        let member = good_typed(
            &broker,
            &[
                "broker",
                "add-member",
                "--config",
                "broker.toml",
                "--name",
                person.full_name,
                "--telephone",
                person.telephone,
                "--mail",
                &mail,
                "--language",
                "ja",
                "--password-fd",
                "0",
            ],
            &format!("{}\n", person.password),
        );
        let code = ["broker", "card-code", "--config", "broker.toml", "--member", &member];
        let code = good(&broker, &code);
        let registry = identifier("registry");
        let register = [
            "holder",
            "register-card",
            "--data",
            "data",
            "--registry",
            &registry,
            "--member",
            &member,
        ];
        let said = good_typed(&self.path(person.name), &register, &code);
        assert_eq!(said, "registered");
        member
    }

    fn issue_card(&self, person: &Person) {
        let instalments = if person.kind == "credit" { 12 } else { 0 };
        let application = serde_json::json!({
            "kind": person.kind, "card_number": person.card, "expiry": EXPIRY,
            "holder": format!("mail:{}", person.mail()), "holder_name": person.full_name,
            "holder_telephone": person.telephone,
            "limits": [{"minor": person.limit, "currency": "JPY"}],
            "max_instalments": instalments,
        });
        let file = self.path("issuer").join("card.json");
        fs::write(&file, application.to_string()).unwrap();
        let add = ["issuer", "add-card", "--config", "issuer.toml", "--application", "card.json"];
        good(&self.path("issuer"), &add);
        fs::remove_file(&file).unwrap();
    }

    fn make_holder(&self, person: &Person) {
        let folder = self.path(person.name);
        fs::create_dir(&folder).unwrap();
        let (who, center) = (format!("mail:{}", person.mail()), identifier("center"));
        let (url, issuer) = (self.url("center"), identifier("issuer"));
        let init = ["holder", "init", "--data", "data", "--identifier", &who, "--out", "request"];
        let at = ["--center", &center, "--center-url", &url];
        good(&folder, &[&init[..], &at].concat());
        let request = format!("../{}/request", person.name);
        let answer = format!("../{}/answer", person.name);
        let files = ["--request", &request, "--out", &answer];
        let issue = ["center", "issue", "--data", "data"];
        good(&self.path("center"), &[&issue[..], &files].concat());
        let print = self.fingerprint.as_str();
        let accept = ["--data", "data", "--enrolment", "answer", "--fingerprint", print];
        good(&folder, &[&["holder", "accept"][..], &accept].concat());
        let own = ["--name", person.full_name, "--telephone", person.telephone];
        good(&folder, &[&["holder", "profile", "--data", "data"][..], &own].concat());
        let card = ["holder", "card", "--data", "data", "--issuer", &issuer, "--expiry", EXPIRY];
        good_typed(&folder, &card, &format!("{}\n", person.card));
    }
}
