//! Seeds of what people bring: vaults, files of services and goods, codes, configurations.

use crate::corpora::{self, seed};
use serde_json::{Value, json};
use warifu_center::rules::codes;

const HASH: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

pub fn seeds() {
    vaults();
    services();
    catalogues();
    typed();
    configurations();
}

fn vaults() {
    // A vault that an earlier program has written; its header is read without a password.
    let vault = include_bytes!("../../../vault/tests/golden/two-passwords.vault");
    let header = &vault[..96];
    seed("vault", "good_header", header);
    seed("vault", "bad_header_cut", &header[..95]);
    let altered = |at: usize, byte: u8| {
        let mut bytes = header.to_vec();
        bytes[at] = byte;
        bytes
    };
    seed("vault", "bad_magic", altered(0, b'w'));
    seed("vault", "bad_version", altered(9, 2));
    seed("vault", "bad_cost", altered(12, 255));
    let entry = json!({
        "at": 1_790_000_000, "kind": "purchase", "party": "茶舗", "goods": "煎茶",
        "amount": {"minor": 1980, "currency": "JPY"}, "reference": null,
    });
    let cost = json!({"memory_kib": 65_536, "passes": 3, "lanes": 1});
    let layer_a = json!({
        "a": {"history": [entry], "documents": {"membership": "AAAA"}},
        "b": {"password": {"salt": HASH, "cost": cost}, "sealed": "AAAA"},
    });
    corpora::seeds("vault", "layer_a", layer_a.to_string());
    let layer_b = json!({"seed": HASH, "b": {"documents": {"share/1": "AAAA"}}});
    seed("vault", "good_layer_b", layer_b.to_string());
    let padded = json!({"seed": format!("{HASH}="), "b": {"documents": {}}});
    seed("vault", "bad_layer_b_padding", padded.to_string());
}

fn services() {
    let csv = "number,kind,name_en,name_ja,price,currency,place,begins,ends\n\
        N-1,inn,\"Night, with dinner\",一泊二食,19800,JPY,別府,2026-12-01,2026-12-31\n\
        N-2,inn,Night,,120.50,EUR,,,\n";
    seed("service_file", "good_csv", csv);
    seed("service_file", "bad_csv_column", csv.replacen("place", "fax", 1));
    seed("service_file", "bad_csv_price", csv.replacen("19800", "19800.5", 1));
    seed("service_file", "bad_csv_day", csv.replacen("2026-12-31", "2026-02-30", 1));
    seed("service_file", "bad_csv_cut", &csv[..csv.len() - 8]);
    let concert = json!({
        "@context": "https://schema.org", "@type": "Event", "identifier": "C-1",
        "category": "concert", "name": {"en": "Piano", "ja": "ピアノ"}, "description": "夜の演奏会",
        "offers": {"price": "45.50", "priceCurrency": "EUR"}, "location": {"name": "市民会館"},
        "startDate": "2026-12-24T19:00+09:00", "image": ["https://a.example/1.png"],
    });
    corpora::seeds("service_file", "schema_org", concert.to_string());
    seed("service_file", "good_schema_org_graph", json!({"@graph": [concert]}).to_string());
    let script = concert.to_string().replace("https://a.", "javascript:a.");
    seed("service_file", "bad_schema_org_picture", script);
    seed("service_file", "price", "19.80");
}

fn catalogues() {
    let item = |number: &str, minor: i64| {
        json!({
            "number": number, "name": {"en": "Green tea", "ja": "煎茶"}, "kind": "food",
            "prices": [{"minor": minor, "currency": "JPY"}], "stock": 3,
            "goods": {"download": {"type": "application/pdf"}},
        })
    };
    let file = |items: Value| items.to_string();
    corpora::seeds("catalogue_file", "items", file(json!([item("T-1", 990), item("T-2", 990)])));
    seed("catalogue_file", "good_nothing", "[]");
    seed("catalogue_file", "bad_free", file(json!([item("T-1", 0)])));
    seed("catalogue_file", "bad_negative", file(json!([item("T-1", -1)])));
    seed("catalogue_file", "bad_number_twice", file(json!([item("T-1", 1), item("T-1", 1)])));
}

fn typed() {
    let code = codes::spell(&[7; codes::CODE_LENGTH - 1]);
    corpora::seeds("typed", "code", codes::grouped(&code));
    let reference = codes::spell(&[9, 200, 31, 0, 15, 99, 3]);
    seed("typed", "good_reference", reference.to_lowercase());
    seed("typed", "good_page_end", "kP-1/a");
    seed("typed", "good_page_end_by_rank", "rbff0000000000000-1");
    seed("typed", "bad_page_end", "rbff0000000000000");
    seed("typed", "bad_page_end_number", "r0-99999999999999999999");
}

fn configurations() {
    let common = r#"
data = "/var/lib/warifu/party"
key_file = "/etc/warifu/party.key"
identifier = "domain:party.example"
listen = "0.0.0.0:7401"
center = { identifier = "domain:center.example", url = "https://center.example" }
"#;
    let registry = r#"
[registry]
broker = "broker.line.example"
card_keys = ["/etc/warifu/cards.key"]
issuers = { "issuer.line.example" = "domain:card.example" }
[registry.line]
listen = "10.0.0.2:7443"
files = { ca = "ca.pem", certificate = "registry.pem", key = "registry.key" }
[registry.fax.hylafax]
address = "127.0.0.1:4559"
"#;
    let merchant = r#"
[merchant]
rules = ["minimal", "prepaid"]
carrier = { name = "黒猫運輸" }
currencies = ["JPY", "EUR"]
"#;
    seed("config", "good_registry", format!("{common}{registry}"));
    let whole = format!("{common}{merchant}");
    seed("config", "good_merchant", &whole);
    seed("config", "bad_setting_unknown", whole.replacen("rules", "ruels", 1));
    seed("config", "bad_listen", whole.replacen("0.0.0.0:7401", "0.0.0.0", 1));
    seed("config", "bad_identifier", whole.replacen("domain:party.example", "party.example", 1));
    seed("config", "bad_currency", whole.replacen("EUR", "EURO", 1));
    seed("config", "bad_text_unended", whole.replacen(".key\"", ".key", 1));
    seed("config", "bad_without_key_file", whole.replacen("key_file", "#", 1));
    seed("config", "bad_empty", "");
}
