//! Identifiers on the wire: one spelling each.
use crate::case::Case;
use serde_json::json;
use warifu_types::Identifier;

pub fn cases() -> Vec<Case> {
    let case = |name: &str, about: &str, text: &str| {
        let input = json!({"text": text});
        Case::new("identifier", name, about, ("kps", "merchant"), input)
    };
    let mut cases = Vec::new();
    for (name, text) in [
        ("mail", "mail:hanako@example.jp"),
        ("domain_international", "domain:xn--wgv71a.jp"),
        ("name_and_address_japanese", "name:山田 花子|address:東京都港区芝1-2-3"),
        ("all_four", "name:Ann Lee|address:1 High St|mail:ann@lee.example|domain:lee.example"),
    ] {
        let mut bytes = Vec::new();
        Identifier::parse_canonical(text).unwrap().write_canonical(&mut bytes);
        let about = "Canonical; the bytes are what points are hashed from.";
        cases.push(case(name, about, text).accepted(json!({"bytes": hex::encode(bytes)})));
    }
    for (name, problem, text) in [
        ("identifier_not_canonical", "NotCanonical", "mail:Hanako@Example.JP"),
        ("domain_upper_case", "NotCanonical", "domain:SHOP.example"),
        ("domain_final_dot", "NotCanonical", "domain:shop.example."),
        ("domain_not_ascii", "NotCanonical", "domain:日本.jp"),
        ("address_full_width_digits", "NotCanonical", "address:東京都港区芝１－２－３"),
        ("name_ideographic_space", "NotCanonical", "name:山田\u{3000}花子"),
        ("name_two_spaces", "NotCanonical", "name:Ann  Lee"),
        ("name_half_width_kana", "NotCanonical", "name:ﾔﾏﾀﾞ"),
        ("name_not_composed", "NotCanonical", "name:Jose\u{301}"),
        ("parts_in_another_order", "NotCanonical", "address:1 High St|name:Ann Lee"),
        ("kind_unknown", "UnknownKind", "phone:0312345678"),
        ("kind_missing", "UnknownKind", "hanako"),
        ("kind_repeated", "RepeatedKind", "name:a|name:b"),
        ("part_empty", "BadPart", "name:"),
        ("part_control_character", "BadPart", "name:a\u{7}b"),
        ("mail_without_at", "BadMail", "mail:nobody"),
        ("mail_without_local_part", "BadMail", "mail:@example.jp"),
        ("domain_empty_label", "BadDomain", "domain:a..b"),
    ] {
        let expected = json!({"refused": {"problem": problem}});
        cases.push(Case { expected, ..case(name, "Not the one spelling.", text) });
    }
    cases
}
