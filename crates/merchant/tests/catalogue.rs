//! The catalogue, forms and quotes.
#![allow(clippy::unwrap_used, clippy::result_large_err, reason = "helpers of tests")]
mod common;

use common::{World, goods, item, offered, problem, question};
use serde_json::Value;
use warifu_merchant::{CatalogueAnswer, Language, parse_catalogue};
use warifu_protocol::{form::Designation, goods::Kind, rule::Rule};
use warifu_types::{Currency, FieldName, Role};
use warifu_wire::{CallError, FormAnswer, QuoteAnswer};

async fn get<A: serde::de::DeserializeOwned>(world: &World, path: &str) -> Result<A, CallError> {
    world.holder.connections().get(&format!("{}{path}", world.url)).await
}

#[tokio::test]
async fn importing_again_changes_nothing() {
    let world = World::new(Rule::minimal()).await;
    let (sealed, order) = world.two_teas(7).await;
    world.order(&sealed, &order).await;
    assert_eq!(world.merchant.import_catalogue(goods()).await.unwrap(), 0);
    assert_eq!(world.left("T-100").await, 8, "what was sold stays sold");
    let more = item("T-100", "Green tea", "煎茶", 990, 15);
    assert_eq!(world.merchant.import_catalogue(vec![more]).await.unwrap(), 1);
    assert_eq!(world.left("T-100").await, 13);
    assert_eq!(world.left("C-1").await, 5, "an item that is not named stays");
    let rebuilt = world.rebuilt();
    let page = rebuilt.catalogue(None, 10, None, Language::Ja).await.unwrap();
    assert_eq!(page.items.len(), 3);
    assert_eq!(page.items[2].name, "煎茶");
}

#[tokio::test]
async fn a_bad_item_stops_the_whole_import() {
    let world = World::new(Rule::minimal()).await;
    let items = vec![item("N-1", "New", "新", 1, 1), item("", "x", "x", 1, 1)];
    let refused = world.merchant.import_catalogue(items).await.unwrap_err();
    assert_eq!(refused.field.as_deref(), Some("items[1].number"));
    let page = world.merchant.catalogue(None, 10, None, Language::En).await.unwrap();
    assert_eq!(page.items.len(), 3);
}

#[test]
fn a_bad_file_is_refused_with_its_place() {
    let good =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../warifu/demo-data/catalogue.json"))
            .unwrap();
    assert!(parse_catalogue(&good).unwrap().len() > 100);
    let text = String::from_utf8(good).unwrap();
    for (from, to, place) in [
        (r#""stock": 6"#, r#""stock": -6"#, "[0].stock"),
        (r#""stock": 6"#, r#""stock": 6, "more": 1"#, "more"),
        (r#""currency": "JPY""#, r#""currency": "XXX""#, "[0].prices[0]"),
    ] {
        let refused = parse_catalogue(text.replacen(from, to, 1).as_bytes()).unwrap_err();
        let field = refused.field.unwrap();
        assert!(field.contains(place), "{field}");
    }
}

#[tokio::test]
async fn pages_and_searches() {
    let world = World::new(Rule::minimal()).await;
    let first: CatalogueAnswer = get(&world, "/v1/catalogue?limit=2").await.unwrap();
    let numbers = |page: &CatalogueAnswer| -> Vec<String> {
        page.items.iter().map(|item| item.number.clone()).collect()
    };
    assert_eq!(numbers(&first), ["C-1", "L-1"]);
    assert_eq!(first.next.as_deref(), Some("L-1"));
    let second: CatalogueAnswer = get(&world, "/v1/catalogue?limit=2&after=L-1").await.unwrap();
    assert_eq!(numbers(&second), ["T-100"]);
    assert_eq!(second.next, None);
    let found: CatalogueAnswer =
        get(&world, "/v1/catalogue?search=%E7%85%8E%E8%8C%B6&language=ja").await.unwrap();
    assert_eq!(numbers(&found), ["T-100"]);
    assert_eq!(found.items[0].name, "煎茶");
    let all: CatalogueAnswer = get(&world, "/v1/catalogue").await.unwrap();
    assert_eq!(all.items[2].name, "Green tea");
    assert_eq!(all.items[2].stock, 10);
    // The file brings everything that an order needs.
    let form = world.form("minimal").await;
    assert_eq!(all.forms["minimal"].form, form.form);
    assert!(all.forms["minimal"].credentials.contains_key(&Role::Carrier));
}

#[tokio::test]
async fn bad_query_values_are_named() {
    let world = World::new(Rule::minimal()).await;
    let long = format!("/v1/catalogue?search={}", "x".repeat(300));
    for (path, code, field) in [
        ("/v1/catalogue?limit=0", "bad_value", "limit"),
        ("/v1/catalogue?limit=1001", "bad_value", "limit"),
        ("/v1/catalogue?limit=-1", "bad_value", "limit"),
        ("/v1/catalogue?limit=", "bad_value", "limit"),
        ("/v1/catalogue?limit=1&limit=2", "bad_value", "limit"),
        ("/v1/catalogue?language=de", "bad_value", "language"),
        ("/v1/catalogue?search=%00", "bad_value", "search"),
        ("/v1/catalogue?search=%ff", "bad_value", "search"),
        (long.as_str(), "bad_value", "search"),
        ("/v1/catalogue?colour=red", "bad_value", "query"),
        ("/v1/form?rule=classic", "not_found", "rule"),
        ("/v1/form?rules=minimal", "bad_value", "query"),
        ("/v1/nothing", "not_found", "path"),
    ] {
        let refused = get::<Value>(&world, path).await.unwrap_err();
        assert_eq!(problem(refused), (code.to_string(), field.to_string()), "{path}");
    }
}

#[tokio::test]
async fn a_form_survives_a_restart_and_is_renewed_in_time() {
    let mut world = World::new(Rule::minimal()).await;
    let first = world.form("minimal").await;
    let (sealed, order) = world.two_teas(7).await;
    world.serve(world.rebuilt()).await;
    assert_eq!(world.form("minimal").await.form, first.form);
    assert_eq!(get::<FormAnswer>(&world, "/v1/form").await.unwrap().form, first.form);
    let state = world.order(&sealed, &order).await.state;
    assert_eq!(state, warifu_protocol::status::State::Dispatched);

    world.clock.advance(86_400 * 3 / 4 - 1);
    assert_eq!(world.form("minimal").await.form, first.form);
    world.clock.advance(1);
    let renewed = world.form("minimal").await;
    assert_ne!(renewed.form, first.form);
    // The old one is good as long as it says.
    assert!(world.quote(&first, &[("T-100", 1)]).await.is_ok());
    world.clock.advance(86_400 / 4);
    let refused = world.quote(&first, &[("T-100", 1)]).await.unwrap_err();
    assert_eq!(problem(refused), ("bad_value".into(), "form".into()));
}

#[tokio::test]
async fn a_form_of_other_settings_is_not_shown_again() {
    let mut world = World::new(Rule::minimal()).await;
    let first = world.form("minimal").await;
    world.settings.accepts.instalments = 1;
    world.serve(world.rebuilt()).await;
    assert_ne!(world.form("minimal").await.form, first.form);
}

#[tokio::test]
async fn a_designated_name_is_resolved() {
    let mut rule = offered(Rule::minimal());
    rule.parties.insert(Role::Carrier, Designation::Name("黒猫".into()));
    let world = World::with(vec![rule], &[]).await;
    let refused = get::<FormAnswer>(&world, "/v1/form").await.unwrap_err();
    assert_eq!(problem(refused).0, "not_found");
    let carrier = world.scripts[&Role::Carrier].clone();
    let token = warifu_wire::Service::party(carrier.as_ref()).terminal().credential_token.clone();
    world.directory.name_token("黒猫", &token);
    assert_eq!(world.form("minimal").await.credentials.get(&Role::Carrier), Some(&token));
}

#[tokio::test]
async fn quotes_name_the_field_at_fault() {
    let world = World::new(Rule::minimal()).await;
    let form = world.form("minimal").await;
    let many: Vec<_> = (0..1001).map(|_| ("T-100", 1)).collect();
    let ten_thousand: Vec<_> = (0..10_000).map(|_| ("T-100", 1)).collect();
    for (items, field) in [
        (&[][..], "items"),
        (&many, "items"),
        (&ten_thousand, "items"),
        (&[("T-100", 1), ("X", 1)], "items[1].number"),
        (&[("T-100", 0)], "items[0].quantity"),
        (&[("C-1", 1), ("T-100", u32::MAX)], "items[1].quantity"),
    ] {
        let refused = world.quote(&form, items).await.unwrap_err();
        assert_eq!(problem(refused), ("bad_value".into(), field.into()));
    }
    let good = question(&form, &[("T-100", 1)]);
    let usd = warifu_wire::QuoteQuestion { currency: Currency::USD, ..good.clone() };
    let german = warifu_wire::QuoteQuestion { language: "de".into(), ..good.clone() };
    for (asked, field) in [(usd, "currency"), (german, "language")] {
        let refused: Result<QuoteAnswer, _> = world.ask(&world.holder, "quote", &asked).await;
        assert_eq!(problem(refused.unwrap_err()), ("bad_value".into(), field.into()));
    }
    for (from, to, field) in [
        ("\"JPY\"", "\"XXX\"", "body.currency"),
        ("\"quantity\":1", "\"quantity\":-1", "quantity"),
        ("\"quantity\":1", "\"quantity\":1.5", "quantity"),
        ("\"quantity\":1", "\"quantity\":4294967296", "quantity"),
        ("\"quantity\":1", "\"quantity\":1,\"gift\":1", "gift"),
    ] {
        let text = serde_json::to_string(&good).unwrap().replacen(from, to, 1);
        let asked: Box<serde_json::value::RawValue> = serde_json::from_str(&text).unwrap();
        let refused: Result<QuoteAnswer, _> = world.ask(&world.holder, "quote", &asked).await;
        let (code, named) = problem(refused.unwrap_err());
        assert_eq!(code, "malformed");
        assert!(named.contains(field), "{named}");
    }
    world.assert_untouched().await;
}

#[tokio::test]
async fn settings_that_cannot_work_are_named() {
    let good = World::new(Rule::minimal()).await.settings;
    assert_eq!(good.check(), Ok(()));
    let mut twice = good.clone();
    twice.rules.push(twice.rules[0].clone());
    let mut nobody = good.clone();
    nobody.rules[0].parties.remove(&Role::Carrier);
    let mut leaking = good.clone();
    leaking.rules[0].rule =
        Rule::minimal().also(Role::Carrier, warifu_types::FieldName::CARD_NUMBER);
    let with = |rule: warifu_merchant::OfferedRule| warifu_merchant::Settings {
        rules: vec![rule],
        ..good.clone()
    };
    let prepaid = |kind| {
        let carrier = Designation::Identifier(common::who(Role::Carrier));
        warifu_merchant::OfferedRule::prepaid(kind, common::who(Role::Center), Some(carrier))
    };
    for kind in [Kind::Later, Kind::Download, Kind::Metered] {
        assert_eq!(with(prepaid(kind)).check(), Ok(()), "{kind}");
    }
    let mut relayed = with(prepaid(Kind::Later));
    relayed.rules[0].direct = false;
    let mut any_center = with(prepaid(Kind::Later));
    any_center.rules[0].parties.insert(Role::Center, Designation::Holder {});
    let carried = with(offered(Rule::prepaid().named("prepaid-download")));
    let unquoted = Rule::minimal().without_party(Role::Carrier).without(&FieldName::QUOTE);
    let unquoted = with(offered(unquoted.named("card-metered")));
    for (bad, field) in [
        (warifu_merchant::Settings { role: Role::Issuer, ..good.clone() }, "role"),
        (warifu_merchant::Settings { rules: vec![], ..good.clone() }, "rules"),
        (warifu_merchant::Settings { role: Role::Door, ..good.clone() }, "rules[0].front"),
        (warifu_merchant::Settings { instructions: "x".repeat(1025), ..good }, "instructions"),
        (twice, "rules[1].name"),
        (nobody, "rules[0].parties"),
        (relayed, "rules[0].direct"),
        (any_center, "rules[0].parties.center"),
        (carried, "rules[0].parts.carrier"),
        (unquoted, "rules[0].parts.merchant"),
        (leaking, "form.rule.parts.carrier.card_number"),
    ] {
        assert_eq!(bad.check().unwrap_err().field.as_deref(), Some(field));
    }
}
