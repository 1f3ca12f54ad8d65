//! The share file is read strictly: one test for each fault, each error names the field.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::*;
use warifu_keydist::{CenterMatrices, CenterSeed, KeyError, SHARE_FORMAT, Share, Thresholds};
use warifu_types::Identifier;

/// A holder's share file.
fn good() -> String {
    text(&matrices(1, first_center()).holder_share(3, &hanako()))
}

fn text(share: &Share) -> String {
    String::from_utf8(share.to_file().to_vec()).unwrap()
}

/// The file of a sum of two centers.
fn sum() -> String {
    let one = matrices(1, first_center()).holder_share(3, &hanako());
    text(&one.add(&matrices(2, second_center()).holder_share(3, &hanako())).unwrap())
}

/// The texts of the two instances in a file.
fn instances(file: &str) -> [&str; 2] {
    let (_, both) = file.split_once(r#""coefficients":[""#).unwrap();
    let (first, second) = both.split_once(r#"",""#).unwrap();
    [first, second.strip_suffix(r#""]}"#).unwrap()]
}

fn refusal(file: &str) -> KeyError {
    Share::from_file(file.as_bytes()).unwrap_err()
}

fn malformed(field: &'static str) -> KeyError {
    KeyError::Malformed { field }
}

/// The good file with one change, which must be one.
fn changed(from: &str, to: &str) -> String {
    let good = good();
    assert!(Share::from_file(good.as_bytes()).is_ok());
    assert_eq!(good.matches(from).count(), 1, "{from}");
    good.replace(from, to)
}

macro_rules! refused {
    ($($name:ident: $file:expr => $error:expr;)*) => {
        $(#[test] fn $name() { assert_eq!(refusal(&$file), $error); })*
    };
}

refused! {
    empty: "" => malformed("file");
    not_json: "share" => malformed("file");
    not_an_object: "[]" => malformed("file");
    cut_off: good()[..good().len() - 1] => malformed("file");
    line_end_added: good() + "\n" => malformed("file");
    something_after: good() + "{}" => malformed("file");
    space_before: format!(" {}", good()) => malformed("file");
    space_between: changed(r#","network""#, r#", "network""#) => malformed("file");
    byte_order_mark: format!("\u{feff}{}", good()) => malformed("file");
    fields_in_another_order:
        changed(r#""matrix":"h3","side":"rows""#, r#""side":"rows","matrix":"h3""#)
        => malformed("file");
    escaped_letter: changed(r#":"town""#, r#":"\u0074own""#) => malformed("file");
    escaped_field_name: changed(r#""network""#, r#""\u006eetwork""#) => malformed("file");
    unknown_field: changed("{\"format\"", "{\"note\":1,\"format\"")
        => KeyError::UnknownField { field: "note".into() };
    unknown_field_with_a_long_name:
        changed("{\"format\"", &format!("{{\"{}\":1,\"format\"", "割".repeat(1000)))
        => KeyError::UnknownField { field: "割".repeat(64) };

    format_of_the_future: changed("warifu-share/1", "warifu-share/2") => malformed("format");
    format_not_a_text: changed(r#""warifu-share/1""#, "1") => malformed("format");
    network_not_a_text: changed(r#""town""#, "null") => malformed("network");

    no_center: changed(r#"[{"center":"domain:center.example","epoch":1}]"#, "[]")
        => malformed("epochs");
    center_not_canonical: changed("domain:center", "domain:Center") => malformed("epochs");
    center_with_unknown_field: changed(r#""epoch":1"#, r#""epoch":1,"term":1"#)
        => malformed("epochs");
    center_without_epoch: changed(r#","epoch":1"#, "") => malformed("epochs");
    epoch_twice: changed(r#""epoch":1"#, r#""epoch":1,"epoch":1"#) => malformed("epochs");
    epoch_negative: changed(r#""epoch":1"#, r#""epoch":-1"#) => malformed("epochs");
    epoch_too_large: changed(r#""epoch":1"#, r#""epoch":4294967296"#) => malformed("epochs");
    epoch_with_fraction: changed(r#""epoch":1"#, r#""epoch":1.0"#) => malformed("epochs");
    epoch_as_text: changed(r#""epoch":1"#, r#""epoch":"1""#) => malformed("epochs");
    centers_out_of_order: swapped_centers() => malformed("epochs");
    center_twice: sum().replace("name:第二センター", "domain:center.example")
        => malformed("epochs");
    centers_in_different_epochs:
        sum().replace(r#"センター","epoch":1"#, r#"センター","epoch":2"#)
        => malformed("epochs");
    too_many_centers: with_centers(17) => malformed("epochs");

    matrix_with_leading_zero: changed(r#""h3""#, r#""h03""#) => malformed("matrix");
    matrix_with_groups_reversed: changed(r#""h3""#, r#""s2-0""#) => malformed("matrix");
    matrix_unknown: changed(r#""h3""#, r#""x3""#) => malformed("matrix");
    matrix_not_a_text: changed(r#""h3""#, "3") => malformed("matrix");
    side_in_capitals: changed(r#""rows""#, r#""Rows""#) => malformed("side");
    side_unknown: changed(r#""rows""#, r#""left""#) => malformed("side");
    side_of_columns_in_a_square: changed(r#""h3","side":"rows""#, r#""s2-2","side":"columns""#)
        => malformed("side");
    side_that_does_not_fit_the_length: changed(r#""rows""#, r#""columns""#)
        => malformed("coefficients");

    threshold_below_the_bound: changed(r#""holders":5"#, r#""holders":1"#)
        => malformed("thresholds");
    threshold_above_the_bound: changed(r#""services":4"#, r#""services":4097"#)
        => malformed("thresholds");
    threshold_missing: changed(r#""holders":5,"#, "") => malformed("thresholds");
    threshold_unknown: changed(r#""holders":5,"#, r#""holders":5,"x":1,"#)
        => malformed("thresholds");
    thresholds_in_another_order:
        changed(r#""holders":5,"services":4"#, r#""services":4,"holders":5"#)
        => malformed("file");
    threshold_that_does_not_fit_the_length: changed(r#""services":4"#, r#""services":5"#)
        => malformed("coefficients");
    owner_not_canonical: changed("mail:hanako", "mail:Hanako") => malformed("owner");
    owner_not_an_identifier: changed("mail:hanako@example.jp", "hanako") => malformed("owner");

    one_instance: changed(&format!("\",\"{}", instances(&good())[1]), "")
        => malformed("coefficients");
    three_instances: changed("\"]}", "\",\"AAAA\"]}") => malformed("coefficients");
    first_instance_too_short: with_instances(|a, b| (a[2..].into(), b.into()))
        => malformed("coefficients");
    second_instance_too_short: with_instances(|a, b| (a.into(), b[..b.len() - 1].into()))
        => malformed("coefficients");
    instance_too_long: with_instances(|a, b| (a.into(), format!("AAAA{b}")))
        => malformed("coefficients");
    padded: with_instances(|a, b| (format!("{a}=="), b.into())) => malformed("coefficients");
    padded_to_the_same_length: with_instances(|a, b| (format!("{}==", &a[2..]), b.into()))
        => malformed("coefficients");
    other_alphabet: with_instances(|a, b| (format!("+/{}", &a[2..]), b.into()))
        => malformed("coefficients");
    unused_bits_set: with_instances(|a, b| (a.into(), format!("{}B", &b[..b.len() - 1])))
        => malformed("coefficients");
    all_zero: with_instances(|a, b| ("A".repeat(a.len()), "A".repeat(b.len())))
        => malformed("coefficients");
    coefficients_not_texts: with_instances(|a, b| (a.into(), b.into())).replace("[\"", "[1,\"")
        => malformed("coefficients");
}

fn swapped_centers() -> String {
    let first = r#"{"center":"domain:center.example","epoch":1}"#;
    let second = r#"{"center":"name:第二センター","epoch":1}"#;
    let file = sum();
    assert!(file.contains(&format!("[{first},{second}]")));
    file.replace(&format!("[{first},{second}]"), &format!("[{second},{first}]"))
}

fn with_centers(count: usize) -> String {
    let centers: Vec<String> =
        (10..10 + count).map(|n| format!(r#"{{"center":"name:{n}","epoch":1}}"#)).collect();
    changed(r#"{"center":"domain:center.example","epoch":1}"#, &centers.join(","))
}

fn with_instances(edit: impl Fn(&str, &str) -> (String, String)) -> String {
    let file = good();
    let [first, second] = instances(&file);
    let (a, b) = edit(first, second);
    file.replace(&format!("{first}\",\"{second}"), &format!("{a}\",\"{b}"))
}

#[test]
fn the_helpers_of_these_tests_make_good_files_too() {
    for file in [good(), sum(), with_centers(16), with_instances(|a, b| (a.into(), b.into()))] {
        let share = Share::from_file(file.as_bytes()).unwrap();
        assert_eq!(text(&share), file);
    }
    // One instance may be zero by (absurd) chance; only both at once are refused.
    let half = with_instances(|a, b| ("A".repeat(a.len()), b.into()));
    assert!(Share::from_file(half.as_bytes()).is_ok());
}

#[test]
fn not_utf8() {
    let file = good().into_bytes();
    let place = file.windows(4).position(|four| four == b"town").unwrap();
    let mut broken = file;
    broken[place] = 0xff;
    assert_eq!(Share::from_file(&broken).unwrap_err(), malformed("file"));
}

/// The fields of a file with their values, as they stand there.
fn fields(file: &str) -> Vec<(&'static str, String)> {
    let names =
        ["format", "network", "epochs", "matrix", "side", "thresholds", "owner", "coefficients"];
    let starts: Vec<usize> =
        names.iter().map(|name| file.find(&format!("\"{name}\":")).unwrap()).collect();
    let end = |n: usize| starts.get(n + 1).copied().unwrap_or(file.len());
    (0..names.len()).map(|n| (names[n], file[starts[n]..end(n) - 1].to_string())).collect()
}

fn joined(fields: &[(&str, String)]) -> String {
    let texts: Vec<&str> = fields.iter().map(|(_, text)| text.as_str()).collect();
    format!("{{{}}}", texts.join(","))
}

#[test]
fn each_field_is_needed() {
    let all = fields(&good());
    assert_eq!(joined(&all), good());
    for n in 0..all.len() {
        let mut fewer = all.clone();
        let (field, _) = fewer.remove(n);
        assert_eq!(refusal(&joined(&fewer)), KeyError::MissingField { field });
    }
}

#[test]
fn no_field_stands_twice() {
    let all = fields(&good());
    for n in 0..all.len() {
        let mut more = all.clone();
        more.push(all[n].clone());
        assert_eq!(refusal(&joined(&more)), KeyError::RepeatedField { field: all[n].0 });
    }
}

#[test]
fn errors_do_not_repeat_the_secret() {
    let secret = instances(&good())[0][..8].to_string();
    for file in [
        with_instances(|a, b| (format!("{a}A"), b.into())),
        changed("warifu-share/1", "warifu-share/2"),
        good() + " ",
    ] {
        assert!(file.contains(&secret));
        let error = refusal(&file);
        assert!(!format!("{error} {error:?}").contains(&secret));
    }
}

#[test]
fn odd_names_survive_the_file() {
    let thresholds = Thresholds::new(2, 2).unwrap();
    for network in ["", "商店街", "a\"b\\c\u{1}\n\u{2028}/"] {
        let seed = CenterSeed::from_bytes([1; 32]);
        let center = CenterMatrices::new(seed, network, second_center(), thresholds);
        for owner in [taro(), id("name:\"\\'{}|address:<1>")] {
            let share = center.holder_share(u32::MAX, &owner);
            let read = Share::from_file(&share.to_file()).unwrap();
            assert_eq!((read.network(), read.owner()), (network, &owner));
            assert_eq!(read.pair_key(&shop()), share.pair_key(&shop()));
            assert!(!share.to_file().contains(&b'\n'));
        }
    }
}

/// Files as they come at the default thresholds: a terminal keeps several, so they must be small.
#[test]
fn a_holders_file_is_small() {
    let center = CenterMatrices::new(
        CenterSeed::from_bytes([1; 32]),
        NETWORK,
        first_center(),
        Thresholds::new(2, Thresholds::default().services()).unwrap(),
    );
    let longest = Identifier::parse(&format!(
        "name:{0}|address:{0}|mail:a@{1}.example|domain:{1}.example",
        "あ".repeat(85),
        "a".repeat(63)
    ))
    .unwrap();
    assert!(center.holder_share(u32::MAX, &longest).to_file().len() < 16 * 1024);
    assert_eq!(SHARE_FORMAT, "warifu-share/1");
}
