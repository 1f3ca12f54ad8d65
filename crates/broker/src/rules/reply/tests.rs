#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::{own_text::cut, *};

const MEMBER: Expected<'static> = Expected { member: "hanako@example.jp" };

fn mail(text: &str) -> IncomingMail {
    IncomingMail {
        recipients: vec!["confirm+abc@broker.test".to_string()],
        from: "hanako@example.jp".to_string(),
        kind: IncomingKind::Personal,
        subject: "Re: Please confirm your order (A-1001)".to_string(),
        text: text.to_string(),
        dkim: SenderCheck::None,
        spf: SenderCheck::None,
        digest: [0; 32],
    }
}

fn of(text: &str) -> Decision {
    decide(&mail(text), &MEMBER)
}

const QUOTED: &str =
    "> You have ordered the following.\n> To approve the order, send this mail back\n> cancel\n";

#[test]
fn a_reply_as_it_is_approves() {
    for text in [
        String::new(),
        "\n\n  \n".to_string(),
        QUOTED.to_string(),
        format!("\n\nOn Sat, 21 Nov 2026 at 19:00, Broker <b@broker.test> wrote:\n\n{QUOTED}"),
        format!("On Sat, 21 Nov 2026 at 19:00, Broker\n<confirm+abc@broker.test> wrote:\n{QUOTED}"),
        format!("2026年11月21日(土) 19:00 割符 <confirm+abc@broker.test>:\n\n{QUOTED}"),
        format!("割符さんは書きました:\n{QUOTED}"),
        format!("「割符」さんは書きました：\n{}", QUOTED.replace('>', "＞")),
        "\n-----Original Message-----\nFrom: Broker\nSent: today\nSubject: x\n\nYou have ordered it.\n".to_string(),
        "\n-----元のメッセージ-----\n差出人: 割符\n件名: x\n\n下記のご注文\n".to_string(),
        "\nFrom: Broker <b@broker.test>\nSent: Saturday\nTo: Hanako\nSubject: x\n\nYou have ordered it.".to_string(),
        "差出人: 割符\n送信日時: 2026年11月21日\n宛先: 花子\n件名: x\n\n下記のご注文".to_string(),
        format!("Sent from my iPhone\n\n{QUOTED}"),
        format!("iPhoneから送信\n\n2026/11/21 19:00、割符 <b@broker.test>のメール:\n\n{QUOTED}"),
        format!("{QUOTED}\n-- \nHanako\n+81 3 0000 0000\n"),
        "On 21.11.2026 19:00, Broker wrote:\nYou have ordered the following.\n".to_string(),
    ] {
        assert_eq!(of(&text), Decision::Approve, "{text}");
    }
}

#[test]
fn a_yes_approves_above_below_and_without_the_quotation() {
    for yes in [
        "Yes",
        "OK",
        "ok!",
        "Yes, please.",
        "ＯＫ",
        "はい",
        "はい。",
        "承認",
        "承認します。",
        "了解しました。よろしくお願いいたします。",
        "はい、お願いします",
        "お願いします",
        "Hello,\n\nI approve the order.\n\nBest regards",
        "お世話になっております。\n承認いたします。",
    ] {
        for text in [
            yes.to_string(),
            format!("{yes}\n\nOn Sat, 21 Nov 2026, Broker wrote:\n{QUOTED}"),
            format!("{QUOTED}\n{yes}\n"),
            format!("{yes}\n-- \nHanako\n"),
            format!("{yes}\n\n━━━━━━━━━━━\n山田 花子\n━━━━━━━━━━━\n"),
        ] {
            assert_eq!(of(&text), Decision::Approve, "{text}");
        }
    }
}

#[test]
fn a_no_cancels() {
    for no in [
        "cancel",
        "Cancel.",
        "CANCEL",
        "Please cancel my order. Thanks!",
        "No, thanks.",
        "no",
        "キャンセル",
        "ｷｬﾝｾﾙ",
        "取消",
        "取り消し",
        "キャンセルしてください。",
        "中止",
        "いいえ",
        "お世話になっております。\nキャンセルでお願いします。",
        "「キャンセル」",
        "キャンセル、お願いします",
    ] {
        for text in [
            no.to_string(),
            format!("{no}\n\nOn Sat, 21 Nov 2026, Broker wrote:\n{QUOTED}"),
            format!("{QUOTED}\n{no}\n"),
        ] {
            assert_eq!(of(&text), Decision::Cancel, "{text}");
        }
    }
    let empty = IncomingMail { subject: "Re: キャンセル".to_string(), ..mail(QUOTED) };
    assert_eq!(decide(&empty, &MEMBER), Decision::Cancel);
}

#[test]
fn whatever_else_is_written_is_unclear() {
    for text in [
        "do not cancel",
        "Don't cancel it!",
        "not ok",
        "OK?",
        "yes, cancel",
        "No problem",
        "キャンセルしないでください",
        "承認しない",
        "いいえ、承認します",
        "Can you make it two nights?",
        "明日まで待ってください",
        "I approve of your prices but want less",
        "yes but only one",
        "thanks",
        "よろしく",
        "hello",
        "🙂",
        "[attachment]",
        "[no text]",
        "on holiday until Monday",
    ] {
        assert_eq!(of(text), Decision::Unclear, "{text}");
    }
}

#[test]
fn a_no_that_hides_where_we_cut_approves_nothing() {
    for text in [
        "-----Original Message-----\nFrom: Broker\nSubject: x\n\nYou have ordered it.\n\nキャンセル\n",
        "yes\n-- \ncancel\n",
        "On 21.11.2026 19:00, Broker wrote:\nYou have ordered it.\nPlease cancel\n",
    ] {
        assert_eq!(of(text), Decision::Unclear, "{text}");
    }
    let yes = IncomingMail { subject: "cancel".to_string(), ..mail("ok") };
    assert_eq!(decide(&yes, &MEMBER), Decision::Unclear);
}

#[test]
fn a_forward_approves_nothing() {
    let ignored = Decision::Ignore(Reason::Forward);
    for subject in ["Fwd: Please confirm", "FW: x", "Re: Fwd: x", "転送: x", "Ｆｗｄ: x"] {
        let forward = IncomingMail { subject: subject.to_string(), ..mail("ok") };
        assert_eq!(decide(&forward, &MEMBER), ignored, "{subject}");
    }
    for text in [
        "---------- Forwarded message ---------\nFrom: Broker\nSubject: x\n\nYou have ordered it.",
        "Begin forwarded message:\n\nFrom: Broker",
        "yes\n-------- 転送メッセージ --------\n件名: x",
    ] {
        assert_eq!(of(text), ignored, "{text}");
    }
}

#[test]
fn machines_approve_nothing() {
    let automatic = IncomingMail { kind: IncomingKind::Automatic, ..mail("yes") };
    assert_eq!(decide(&automatic, &MEMBER), Decision::Ignore(Reason::Automatic));
    let bounce = IncomingMail { kind: IncomingKind::Bounce, from: String::new(), ..mail("") };
    assert_eq!(decide(&bounce, &MEMBER), Decision::Ignore(Reason::Bounce));
}

#[test]
fn another_sender_or_a_disowned_one_approves_nothing() {
    for from in [
        "taro@example.jp",
        "",
        "hanako@example.jp.evil.test",
        "hanako",
        "hanako@example.jp@evil.test",
    ] {
        let other = IncomingMail { from: from.to_string(), ..mail("yes") };
        assert_eq!(decide(&other, &MEMBER), Decision::Ignore(Reason::NotTheMember), "{from}");
    }
    let same = IncomingMail { from: " Hanako@EXAMPLE.jp. ".to_string(), ..mail("yes") };
    assert_eq!(decide(&same, &MEMBER), Decision::Approve);
    for (dkim, spf) in
        [(SenderCheck::Fail, SenderCheck::Pass), (SenderCheck::Pass, SenderCheck::Fail)]
    {
        let disowned = IncomingMail { dkim, spf, ..mail("yes") };
        assert_eq!(decide(&disowned, &MEMBER), Decision::Ignore(Reason::Disowned));
    }
}

#[test]
fn an_address_brings_its_token() {
    let mut mail = mail("");
    mail.recipients = [
        "Confirm+ABC@Broker.test",
        "confirm+@broker.test",
        "confirm@broker.test",
        "other+x@broker.test",
        "confirm+y@evil.test",
    ]
    .map(String::from)
    .to_vec();
    assert_eq!(tokens(&mail, "confirm", "broker.test"), ["abc"]);
}

#[test]
fn our_own_letters_quoted_without_marks_hide_no_cancellation() {
    use crate::rules::letter::{Answering, Facts, Language, Occasion, letter};
    let price = warifu_types::Money::new(1, "JPY".parse().unwrap()).unwrap();
    let facts = Facts {
        order: "1",
        service: "s",
        provider: "p",
        quantity: 1,
        price,
        place: None,
        date: None,
    };
    let answering = Answering { link: "https://broker.test/1", until: "tomorrow" };
    for language in [Language::English, Language::Japanese] {
        for occasion in [
            Occasion::Confirmation(answering),
            Occasion::Reminder(answering),
            Occasion::AskedAgain(answering),
        ] {
            let letter = letter(language, &facts, &occasion);
            let text = format!(
                "\n-----Original Message-----\nFrom: Broker\nSubject: {}\n\n{}",
                letter.subject, letter.text
            );
            let reply = IncomingMail { subject: format!("Re: {}", letter.subject), ..mail(&text) };
            assert_eq!(decide(&reply, &MEMBER), Decision::Approve, "{text}");
        }
    }
}

#[test]
fn no_text_makes_the_cutting_fail() {
    for piece in ["> ", "On ", "wrote:", "\n", "--", "From:", "：", "転送", "\u{feff}", "é"] {
        let text = piece.repeat(300);
        cut(&text);
        of(&text);
    }
}
