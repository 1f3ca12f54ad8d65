//! Applications, which nobody has signed yet.
use crate::{case::Case, decisions::ZERO, telegrams::person};
use serde_json::{Value, json};
use warifu_protocol::{AtFault, Reason};

const SENDER: AtFault = AtFault::Sender;

pub fn cases() -> Vec<Case> {
    let japanese = json!({"japanese": {
        "bank": "0005", "branch": "001", "kind": "ordinary", "number": "1234567",
        "holder": "ﾔﾏﾀﾞ ﾊﾅｺ",
    }});
    let store = |account: Value| {
        json!({"merchant": {
            "name": "山田茶舗", "address": "京都市左京区1-2-3", "representative": "山田花子",
            "account": account,
        }})
    };
    let apply = |profile: Value| json!({"apply": {"application": ZERO, "profile": profile, "language": "ja"}});
    let case = |name: &str, about: &str, message: &Value| {
        let input = json!({"message": message.to_string()});
        Case::new("application", name, about, ("kps", "center"), input)
    };
    let member = apply(json!(person()));
    let merchant = apply(store(japanese.clone()));
    let iban = |iban: &str| apply(store(json!({"iban": {"iban": iban, "holder": "Hanako"}})));
    let accepted = |kind: &str| json!({"kind": kind});
    let mut cases = vec![
        case("member", "A general member's.", &member).accepted(accepted("member")),
        case("merchant", "A merchant's, with a Japanese account.", &merchant)
            .accepted(accepted("merchant")),
        case("merchant_iban", "A merchant's, with an IBAN.", &iban("DE89370400440532013000"))
            .accepted(accepted("merchant")),
    ];
    let altered = |from: &Value, path: &str, value: Value| {
        let mut other = from.clone();
        *other.pointer_mut(path).unwrap() = value;
        other
    };
    let (person, account) = ("/apply/profile/member", "/apply/profile/merchant/account/japanese");
    let profile = "telegram.instruction.profile";
    use Reason::*;
    for (name, about, message, reason, field) in [
        (
            "born_on_no_day",
            "The 30th of February.",
            altered(&member, &format!("{person}/born"), json!("1990-02-30")),
            BadValue,
            format!("{profile}.born"),
        ),
        (
            "name_blank",
            "No name.",
            altered(&member, &format!("{person}/name"), json!(" ")),
            BadValue,
            format!("{profile}.name"),
        ),
        (
            "language_unknown",
            "A language that the letters do not have.",
            altered(&member, "/apply/language", json!("fr")),
            BadValue,
            "application.language".to_string(),
        ),
        (
            "iban_check_digits",
            "An IBAN whose check digits are wrong.",
            iban("DE88370400440532013000"),
            BadValue,
            format!("{profile}.account.iban"),
        ),
        (
            "bank_three_digits",
            "A bank's code that is too short.",
            altered(&merchant, &format!("{account}/bank"), json!("005")),
            BadValue,
            format!("{profile}.account.bank"),
        ),
        (
            "holder_in_kanji",
            "An account holder in letters that the banks' formats do not have.",
            altered(&merchant, &format!("{account}/holder"), json!("山田花子")),
            BadValue,
            format!("{profile}.account.holder"),
        ),
        (
            "kind_unknown",
            "A kind of account that does not exist.",
            altered(&merchant, &format!("{account}/kind"), json!("savings")),
            Malformed,
            "message.apply.profile.merchant.account.japanese.kind".to_string(),
        ),
        (
            "field_unknown",
            "A member that the format does not know.",
            {
                let mut other = member.clone();
                other["apply"]["mail"] = json!("hanako@example.jp");
                other
            },
            Malformed,
            "message.apply.mail".to_string(),
        ),
        (
            "message_as_array",
            "The message is an array.",
            json!(["apply", member["apply"]]),
            Malformed,
            "message".to_string(),
        ),
    ] {
        cases.push(case(name, about, &message).refused(reason, SENDER, &field));
    }
    cases
}
