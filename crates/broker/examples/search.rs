//! How long a search takes among 10,000 services (row C1): `cargo run --example search`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use std::time::Instant;
use warifu_broker::rules::{
    grams::wanted,
    service::{Service, Text},
};
use warifu_ports::search::{SearchEntry, SearchIndex, SearchQuery};
use warifu_store::search::MemoryIndex;
use warifu_types::{Currency, Money};

const KINDS: [(&str, &str); 5] = [
    ("hotel night", "温泉旅館の一泊"),
    ("concert seat", "演奏会の座席"),
    ("table for dinner", "夕食のテーブル"),
    ("boat trip", "遊覧船"),
    ("pottery class", "陶芸教室"),
];
const PLACES: [&str; 8] = ["京都", "別府", "金沢", "Sapporo", "Kobe", "長崎", "松山", "Nikko"];
const EXTRAS: [(&str, &str); 6] = [
    ("with breakfast and garden view", "朝食付き、庭園の眺め"),
    ("near the station", "駅の近く"),
    ("for families with children", "お子様連れ歓迎"),
    ("in the old town", "旧市街"),
    ("by candlelight", "蝋燭の灯り"),
    ("with a private hot spring bath", "貸切露天風呂"),
];

fn service(number: usize) -> SearchEntry {
    let (kind, place) = (KINDS[number % 5], PLACES[number / 5 % 8]);
    let (first, second) = (EXTRAS[number / 40 % 6], EXTRAS[number / 240 % 6]);
    let key = format!("P-{:06}/S-{number}", number % 97);
    Service {
        number: format!("S-{number}"),
        kind: kind.0.into(),
        name: Text { en: format!("{} {number}", kind.0), ja: format!("{}{number}号", kind.1) },
        text: Text {
            en: format!("{} in {place}, {}, {}", kind.0, first.0, second.0),
            ja: format!("{place}の{}。{}。{}。", kind.1, first.1, second.1),
        },
        price: Money::new(1_000 + number as u64, Currency::JPY).unwrap(),
        place: place.into(),
        begins: String::new(),
        ends: String::new(),
        pictures: Vec::new(),
    }
    .entry(&key)
}

fn main() {
    let index = MemoryIndex::new().unwrap();
    let began = Instant::now();
    index.replace(&[], (0..10_000).map(service).collect()).unwrap();
    println!("filled in {} ms", began.elapsed().as_millis());
    let words = [
        "温泉",
        "hot spring",
        "hot sprng bath",
        "京都の演奏会",
        "dinner by candlelight",
        "陶芸",
        "concrt seat kobe",
        "朝食付き 庭園",
        "boat trip 4711",
        "旅館",
        "famlies with children",
    ];
    let mut times = Vec::new();
    for round in 0..40 {
        for text in words {
            let kind = (round % 4 == 3).then(|| "hotel night".to_string());
            let query = SearchQuery { kind, limit: 20, ..SearchQuery::default() };
            let began = Instant::now();
            let page = index.search(&SearchQuery { grams: wanted(text), ..query }).unwrap();
            times.push((began.elapsed(), text, page.keys.len()));
        }
    }
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("p50 {:?}, p99 {:?}, max {:?}", at(50), at(99), at(100));
}
