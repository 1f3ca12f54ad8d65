//! An order through a broker in the tapped network: who may hold which field of it. The broker never
//! has the card, the registry nothing but the card, the mail server what the mail says, the fax
//! machine card and number; the private line carries nothing that can be read (rows C2 to C8).

use crate::{
    canary::{Canary, Source},
    http::attempt,
    keys::Keys,
    network::{PATIENCE, Tapped},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Instant};
use warifu::{
    demo::{Person, broker::BrokerSide, broker::PASSWORD},
    serve::Service,
};
use warifu_broker::Import;
use warifu_holder::{Card, Profile};
use warifu_issuer::{CardApplication, CardKind};
use warifu_ports::{Entropy, card_network::PresentedCard, mail::OutgoingMail};
use warifu_protocol::status::State;
use warifu_types::{Currency, Money, OrderId};

/// The payment type: broker, provider and issuer read it.
const PAYMENT_TYPE: &str = "instalments:12";
/// Who may hold a field of the order. `user` is the line between the user and the broker, `mail` what
/// the mail server carries, `fax` the telephone line and the page that comes out.
const MATRIX: &[(&str, &[&str])] = &[
    ("holder_name", &["broker", "registry", "fax", "merchant", "issuer"]),
    ("holder_telephone", &["broker", "merchant", "issuer"]),
    ("card_number", &["fax", "issuer"]),
    ("card_expiry", &["fax", "issuer"]),
    ("item_numbers", &["broker", "user", "merchant", "issuer"]),
    ("items", &["broker", "user", "mail", "merchant"]),
    ("amount", &["broker", "user", "mail", "merchant", "issuer"]),
    ("payment_type", &["broker", "user", "merchant", "issuer"]),
    ("destination", &["broker", "user", "merchant"]),
];

/// A user with a card, and what is ordered: every value stands nowhere else.
pub struct BrokerTrade {
    /// Who orders, before the card is known.
    pub person: Person,
    card: Card,
    item: String,
    item_name: String,
    price: String,
}

impl BrokerTrade {
    /// Its values come from `source`.
    pub fn new(source: &mut Source) -> BrokerTrade {
        let hanako = Person::hanako().unwrap();
        let telephone = format!("+81-90-{}-{}", source.digits(4), source.digits(4));
        let profile = Profile {
            name: format!("KANARIA {}", source.letters(14)),
            telephone,
            ..hanako.profile.clone()
        };
        let mut card = hanako.card.clone();
        card.number = source.card_number();
        card.expiry = "2047-10".to_string();
        BrokerTrade {
            card,
            item: source.letters(13),
            item_name: format!("急須 {}", source.letters(12)),
            price: source.digits(9),
            person: Person {
                profile,
                destination: format!("柳荘 {}", source.letters(14)),
                ..hanako
            },
        }
    }

    fn canaries(&self) -> Vec<Canary> {
        let person = &self.person;
        let expiry = format!("\"{}\"", self.card.expiry);
        let values: [(&str, &str); 9] = [
            ("holder_name", &person.profile.name),
            ("holder_telephone", &person.profile.telephone),
            ("card_number", &self.card.number),
            ("card_expiry", &expiry),
            ("item_numbers", &self.item),
            ("items", &self.item_name),
            ("amount", &self.price),
            ("payment_type", PAYMENT_TYPE),
            ("destination", &person.destination),
        ];
        values.into_iter().map(|(field, value)| canary(field, value)).collect()
    }
}

fn canary(field: &str, value: &str) -> Canary {
    let (_, readers) = MATRIX.iter().find(|(known, _)| *known == field).unwrap();
    let mut must: BTreeSet<&'static str> = readers.iter().copied().collect();
    let mut may = must.clone();
    // The user's own terminal registered the card.
    may.insert("holder");
    if field.starts_with("holder_") {
        // The same person has a badge.
        may.insert("card_manager");
    }
    // Sealed once more within the registry's own documents.
    must.remove("registry");
    if field == "card_expiry" {
        // On the page it stands without quotation marks.
        must.remove("fax");
    }
    Canary { name: format!("broker: {field}"), value: value.as_bytes().to_vec(), may, must }
}

impl Tapped {
    /// Makes a whole order through the broker: login and order over HTTP, approval by mail, the card
    /// by fax, and the end.
    pub async fn broker_trade(&mut self, trade: &BrokerTrade) -> OrderId {
        self.prepare_brokering(trade).await;
        let side = self.network.broker().await.unwrap();
        let service = offer(side, trade).await;
        let (session, order) = place(side, &service, &trade.person.destination).await;
        let number = order["number"].as_str().unwrap().to_string();
        let asks = |mail: &OutgoingMail| mail.reply_to.is_some() && mail.text.contains(&number);
        let mail = until(async || side.mail.mails().into_iter().find(asks)).await;
        side.mail.reply_as_it_is(&mail, &*side.broker).await.unwrap();
        let sheet = until(async || side.machine.take(&number)).await;
        let card =
            PresentedCard { number: sheet.card_number.clone(), expiry: sheet.card_expiry.clone() };
        self.network.merchant().unwrap().take_card(&sheet.number, card).await.unwrap();
        let id: OrderId = order["id"].as_str().unwrap().parse().unwrap();
        until(async || {
            let view = side.broker.view(id).await.unwrap()?;
            (view.state == State::Settled).then_some(())
        })
        .await;
        let secret = |what: &str, value: &str, place| {
            Canary::nobodys(&format!("broker: {what}"), value).seen_by(&[place])
        };
        let secrets = [
            secret("password", PASSWORD, "user"),
            secret("session", &session, "user"),
            secret("reply address", &mail.reply_to.unwrap(), "mail"),
        ];
        self.canaries.extend(trade.canaries());
        self.canaries.extend(secrets);
        self.snapshot();
        id
    }

    /// The user's card at the issuer and in the terminal, and the goods in the merchant's catalogue.
    async fn prepare_brokering(&self, trade: &BrokerTrade) {
        let holder = &self.network.holder;
        let profile = &trade.person.profile;
        let application = CardApplication {
            kind: CardKind::Credit,
            card_number: trade.card.number.clone(),
            expiry: trade.card.expiry.clone(),
            holder: holder.party().id(),
            holder_name: profile.name.clone(),
            holder_telephone: profile.telephone.clone(),
            limits: vec![Money::new(1_000_000_000_000, Currency::JPY).unwrap()],
            zones: Vec::new(),
            max_instalments: 12,
        };
        let Service::Issuer(issuer) = &self.network.services["issuer"] else { panic!("no issuer") };
        issuer.add_card(application).await.unwrap();
        holder.add_card(trade.card.clone()).await.unwrap();
        let price: u64 = trade.price.parse().unwrap();
        let items = json!([{
            "number": trade.item, "name": {"en": "Teapot", "ja": trade.item_name}, "kind": "tea",
            "prices": [{"minor": price, "currency": "JPY"}], "stock": 100,
        }]);
        let items = serde_json::from_value(items).unwrap();
        self.network.merchant().unwrap().import_catalogue(items).await.unwrap();
    }
}

/// The provider's one service.
async fn offer(side: &BrokerSide, trade: &BrokerTrade) -> String {
    let file = json!([{
        "@type": "Product", "identifier": trade.item, "category": "craft",
        "name": trade.item_name, "description": "和布の工房から",
        "offers": {"price": trade.price.parse::<u64>().unwrap(), "priceCurrency": "JPY"},
    }]);
    let bytes = serde_json::to_vec(&file).unwrap();
    side.broker.import(&side.provider, Import::SchemaOrg(&bytes)).await.unwrap().unwrap();
    format!("{}/{}", side.provider, trade.item)
}

/// Logs in and orders, as a program of the user's does; the session, and the order as it is shown.
async fn place(side: &BrokerSide, service: &str, destination: &str) -> (String, Value) {
    let login = json!({"member": side.member, "password": PASSWORD});
    let login = post(side, "/v1/login", Vec::new(), login).await;
    let session = login["session"].as_str().unwrap().to_string();
    let wish = json!({
        "service": service, "quantity": 1, "destination": destination,
        "payment_type": PAYMENT_TYPE,
    });
    let headers = vec![
        ("authorization", format!("Bearer {session}")),
        ("idempotency-key", "the-one-order".to_string()),
    ];
    let order = post(side, "/v1/orders", headers, wish).await;
    (session, order)
}

async fn post(
    side: &BrokerSide,
    path: &str,
    headers: Vec<(&'static str, String)>,
    body: Value,
) -> Value {
    let (url, head) = (side.url.clone(), format!("POST {path}"));
    let ask = move || {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(k, v)| (*k, v.as_str())).collect();
        attempt(&url, &head, &headers, body.to_string().as_bytes()).unwrap()
    };
    let (status, _, answer) = tokio::task::spawn_blocking(ask).await.unwrap();
    assert!((200..300).contains(&status), "{path}: {}", String::from_utf8_lossy(&answer));
    serde_json::from_slice(&answer).unwrap()
}

/// Waits for what comes by itself.
async fn until<T>(look: impl AsyncFn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "it did not come");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// A network in which one order went through a broker, and nothing is wrong.
pub async fn clean(keys: Keys) -> Tapped {
    let trade = BrokerTrade::new(&mut Source::new(&warifu_store::OsEntropy.bytes32(), "broker"));
    let mut tapped = Tapped::start_for(keys, Some(trade.person.clone())).await;
    tapped.broker_trade(&trade).await;
    tapped
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_order_through_a_broker_leaks() {
    for keys in Keys::HPKE.with_each_suite() {
        let mut tapped = clean(keys).await;
        tapped.assert_recorded_of(&["issuer", "merchant", "private line", "broker"]);
        let faults = tapped.faults();
        assert!(faults.is_empty(), "{keys:?}: {faults:#?}");
    }
}
