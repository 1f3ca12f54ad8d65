#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;

fn facts() -> Facts<'static> {
    Facts {
        order: "A-1001",
        service: "A night in Nara <b>& more</b>",
        provider: "宿屋 \"鹿\"",
        quantity: 2,
        price: Money::new(24_000, "JPY".parse().unwrap()).unwrap(),
        place: Some("Nara"),
        date: Some("2026-12-24"),
    }
}

fn occasions() -> [Occasion<'static>; 12] {
    let answering =
        Answering { link: "https://broker.test/c/1?a=1&b='2'", until: "2026-11-22 19:00 JST" };
    [
        Occasion::Confirmation(answering),
        Occasion::Reminder(answering),
        Occasion::AskedAgain(answering),
        Occasion::Expired,
        Occasion::Approved,
        Occasion::Cancelled,
        Occasion::CardRefused,
        Occasion::OurFault,
        Occasion::SoldOut,
        Occasion::Declined,
        Occasion::Silent,
        Occasion::Served,
    ]
}

#[test]
fn every_letter_says_what_is_ordered_from_whom_and_for_how_much_in_both_languages() {
    for language in [Language::English, Language::Japanese] {
        for occasion in occasions() {
            let letter = letter(language, &facts(), &occasion);
            for fact in ["A-1001", "A night in Nara <b>& more</b>", "宿屋 \"鹿\"", "2026-12-24"]
            {
                assert!(letter.text.contains(fact), "{fact}: {}", letter.text);
            }
            assert!(letter.text.contains(&facts().price.to_string()));
            assert!(letter.subject.contains("A-1001"));
            let answers = occasion.answering().is_some();
            assert_eq!(letter.text.contains("https://broker.test/c/1?a=1&b='2'"), answers);
            assert_eq!(
                letter.html.contains("https://broker.test/c/1?a=1&amp;b=&#39;2&#39;"),
                answers
            );
            assert_eq!(letter.text.contains("2026-11-22 19:00 JST"), answers);
        }
    }
}

#[test]
fn the_languages_differ_and_no_two_occasions_have_one_subject() {
    let mut subjects = Vec::new();
    for occasion in occasions() {
        subjects.push(letter(Language::English, &facts(), &occasion).subject);
        subjects.push(letter(Language::Japanese, &facts(), &occasion).subject);
    }
    let all = subjects.len();
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), all);
}

#[test]
fn what_others_wrote_is_never_html_and_never_a_line_of_its_own() {
    let evil = "x\r\nBcc: a@b.test\n\n<img src=http://evil.test/>\u{2028}y";
    let facts = Facts { service: evil, order: evil, ..facts() };
    for occasion in occasions() {
        let letter = letter(Language::English, &facts, &occasion);
        assert!(!letter.subject.contains(['\r', '\n']));
        assert!(
            letter.text.lines().all(|line| !line.starts_with("Bcc:") && !line.starts_with('<'))
        );
        assert!(!letter.html.contains("<img") && !letter.html.contains("<script"));
        assert!(letter.html.contains("&lt;img src=http://evil.test/&gt;"));
    }
}

#[test]
fn html_fetches_nothing() {
    for occasion in occasions() {
        let html = letter(Language::Japanese, &facts(), &occasion).html;
        assert!(html.contains("lang=\"ja\""));
        for element in ["src=", "<link", "<script", "<img", "url(", "@import"] {
            assert!(!html.contains(element), "{element}");
        }
    }
}

#[test]
fn the_letter_about_a_device_has_its_link_and_its_time() {
    for language in [Language::English, Language::Japanese] {
        let letter = device_letter(language, "https://broker.test/d/B-1/x", "12:00 UTC");
        for text in [&letter.text, &letter.html] {
            assert!(text.contains("https://broker.test/d/B-1/x") && text.contains("12:00 UTC"));
        }
        assert!(letter.html.contains("</html>") && !letter.subject.contains('\n'));
    }
}

#[test]
fn the_language_comes_from_the_tag() {
    assert_eq!(Language::of("ja"), Language::Japanese);
    assert_eq!(Language::of("ja-JP"), Language::Japanese);
    assert_eq!(Language::of("en"), Language::English);
    assert_eq!(Language::of(""), Language::English);
}
