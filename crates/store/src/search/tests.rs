use super::*;

fn entry(key: &str, words: &[&str], kind: &str, price: u64) -> SearchEntry {
    let mut grams: Vec<String> = words.iter().map(ToString::to_string).collect();
    grams.sort_unstable();
    SearchEntry {
        key: key.into(),
        grams,
        kind: kind.into(),
        currency: 392,
        price,
        place: "kyoto".into(),
        ..SearchEntry::default()
    }
}

fn index() -> MemoryIndex {
    let index = MemoryIndex::new().unwrap();
    let mut concert = entry("c", &["·pi", "音楽"], "event", 5_000);
    (concert.begins, concert.ends) = ("2026-12-01".into(), "2026-12-03".into());
    let inn = entry("a", &["·in", "温泉", "泉旅"], "inn", 9_000);
    let hall = entry("b", &["·in", "温泉"], "inn", 4_000);
    index.replace("", vec![inn, hall, concert]).unwrap();
    index
}

fn query(words: &[&str]) -> SearchQuery {
    let grams = words.iter().map(ToString::to_string).collect();
    SearchQuery { grams, limit: 10, ..SearchQuery::default() }
}

fn keys(query: SearchQuery) -> Vec<String> {
    index().search(&query).unwrap().keys
}

#[test]
fn the_best_hit_is_first_and_every_condition_counts() {
    assert_eq!(keys(query(&["温泉", "泉旅"])), ["a", "b"]);
    assert_eq!(keys(query(&["unknown"])), Vec::<String>::new());
    assert_eq!(keys(query(&[])), ["a", "b", "c"]);
    let cheap = SearchQuery { price: Some((392, 0, 4_000)), ..query(&["温泉"]) };
    assert_eq!(keys(cheap), ["b"]);
    let euro = SearchQuery { price: Some((978, 0, 9_000)), ..query(&[]) };
    assert_eq!(keys(euro), Vec::<String>::new());
    let kind = SearchQuery { kind: Some("event".into()), ..query(&[]) };
    assert_eq!(keys(kind), ["c"]);
    let place = SearchQuery { place: Some("yot".into()), ..query(&["音楽"]) };
    assert_eq!(keys(place), ["c"]);
    let on = |date: &str| SearchQuery { date: Some(date.into()), ..query(&[]) };
    assert_eq!(keys(on("2026-12-03")), ["a", "b", "c"]);
    assert_eq!(keys(on("2026-12-04")), ["a", "b"]);
}

#[test]
fn pages_follow_each_other_without_a_gap() {
    let index = index();
    for (words, all) in [(&["泉旅", "·pi"][..], &["a", "c"][..]), (&[], &["a", "b", "c"])] {
        let mut found = Vec::new();
        let mut ask = SearchQuery { limit: 1, ..query(words) };
        loop {
            let page = index.search(&ask).unwrap();
            found.extend(page.keys);
            let Some(next) = page.next else { break };
            ask.after = Some(next);
        }
        found.sort();
        assert_eq!(found, all, "{words:?}");
    }
    for bad in ["", "x", "r1", "rzz-1", "r1-x"] {
        let ask = SearchQuery { after: Some(bad.into()), ..query(&[]) };
        assert_eq!(index.search(&ask), Err(SearchError::BadCursor), "{bad}");
    }
}

#[test]
fn what_is_replaced_is_found_no_more() {
    let index = index();
    let again = entry("a", &["·te"], "tea", 1);
    let concert = entry("c", &["·pi", "音楽"], "event", 5_000);
    index.replace("", vec![again, concert]).unwrap();
    assert_eq!(index.search(&query(&["温泉"])).unwrap().keys, Vec::<String>::new());
    assert_eq!(index.search(&query(&["·te"])).unwrap().keys, ["a"]);
    assert_eq!(index.kinds().unwrap(), [("event".into(), 1), ("tea".into(), 1)]);
    // Others' entries stay as they are.
    index.replace("a", Vec::new()).unwrap();
    assert_eq!(index.kinds().unwrap(), [("event".into(), 1)]);
    // Neither a quote nor an operator of the query language gets through.
    assert!(index.search(&query(&["\" OR *", "NEAR(", "·te"])).is_ok());
}
