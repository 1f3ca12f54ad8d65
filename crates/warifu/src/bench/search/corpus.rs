//! Ten thousand services in English and Japanese, and what people look for among them.

/// Services in all.
pub const SERVICES: usize = 10_000;
/// Providers, each with its share.
pub const PROVIDERS: usize = 20;

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

/// What is looked for: words, and conditions of the query string.
const WISHES: [(&str, &str); 20] = [
    ("温泉", ""),
    ("hot spring", ""),
    // Typing errors.
    ("hot sprng bath", ""),
    ("concrt seat kobe", ""),
    ("famlies with children", ""),
    ("potery clas", ""),
    ("京都の演奏会", ""),
    ("dinner by candlelight", ""),
    ("陶芸", ""),
    ("朝食付き 庭園", ""),
    ("boat trip 4711", ""),
    ("旅館", "kind=hotel+night"),
    ("露天風呂", "place=%E5%88%A5%E5%BA%9C"),
    ("seat", "date=2026-12-24"),
    ("garden", "currency=JPY&from=2000&to=4000"),
    ("ﾃｰﾌﾞﾙ", "kind=table+for+dinner&place=kobe&currency=JPY&to=9000"),
    ("nothing of the kind", ""),
    ("", "kind=boat+trip"),
    ("", "place=nikko&date=2027-02-01"),
    ("", "currency=JPY&from=9000"),
];

/// The CSV file of a provider.
pub fn file(provider: usize) -> String {
    let head = "number,kind,name_en,name_ja,text_en,text_ja,price,currency,place,begins,ends\n";
    let each = SERVICES / PROVIDERS;
    let lines = (provider * each..(provider + 1) * each).map(line);
    std::iter::once(head.to_string()).chain(lines).collect()
}

fn line(number: usize) -> String {
    let (kind, place) = (KINDS[number % 5], PLACES[number / 5 % 8]);
    let (first, second) = (EXTRAS[number / 40 % 6], EXTRAS[number / 240 % 6]);
    let (begins, ends) = match number % 3 {
        0 => (format!("2026-{:02}-01", 1 + number / 3 % 12), "2027-12-31"),
        _ => (String::new(), ""),
    };
    format!(
        "S-{number},{en},{en} {number},{ja}{number}号,\"{en} in {place}, {}, {}\",\
         {place}の{ja}。{}。{}。,{},JPY,{place},{begins},{ends}\n",
        first.0,
        second.0,
        first.1,
        second.1,
        1_000 + number,
        en = kind.0,
        ja = kind.1,
    )
}

/// The path and query of the nth search.
pub fn path(nth: usize) -> String {
    let (words, conditions) = WISHES[nth % WISHES.len()];
    let words: String = words.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("/v1/services?limit=20&words={words}&{conditions}").trim_end_matches('&').to_string()
}
