#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;
use encoding_rs::{EUC_JP, ISO_2022_JP, SHIFT_JIS, UTF_8};
use warifu_ports::mail::IncomingKind;

const TEXT: &str = "はい、承認します。";

async fn read(bytes: &[u8]) -> IncomingMail {
    Decoder::new().decode(bytes, None).await.unwrap()
}

/// A mail of Hanako's with more header lines, a content type and a body.
fn mail(more: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "From: =?utf-8?B?6Iqx5a2Q?= <hanako@example.jp>\r\nTo: <confirm+abc@broker.test>\r\n\
         Subject: Re: confirm\r\nMIME-Version: 1.0\r\n{more}Content-Type: {kind}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn japanese_is_read_under_right_wrong_and_missing_labels() {
    for charset in [UTF_8, ISO_2022_JP, SHIFT_JIS, EUC_JP] {
        let (body, _, _) = charset.encode(TEXT);
        let right = format!("text/plain; charset={}", charset.name());
        for kind in [
            &right[..],
            "text/plain",
            "text/plain; charset=us-ascii",
            "text/plain; charset=\"utf-8\"",
            "text/plain; charset=x-unknown",
        ] {
            let got = read(&mail("", kind, &body)).await;
            assert_eq!(got.text.trim(), TEXT, "{} as {kind}", charset.name());
        }
    }
}

#[tokio::test]
async fn transfer_encodings_are_undone_before_the_charset() {
    let quoted = "=82=CD=82=A2\r\n"; // はい in Shift_JIS
    let got = read(&mail(
        "Content-Transfer-Encoding: quoted-printable\r\n",
        "text/plain; charset=utf-8",
        quoted.as_bytes(),
    ))
    .await;
    assert_eq!(got.text.trim(), "はい");
    let base64 = "GyRCJE8kJBsoQg==\r\n"; // はい in ISO-2022-JP
    let got =
        read(&mail("Content-Transfer-Encoding: base64\r\n", "text/plain", base64.as_bytes())).await;
    assert_eq!(got.text.trim(), "はい");
}

#[tokio::test]
async fn a_subject_is_read_with_and_without_its_charset_named() {
    let named = b"From: a@b.test\r\nSubject: =?ISO-2022-JP?B?GyRCPjVHJxsoQg==?=\r\n\r\nx";
    assert_eq!(read(named).await.subject, "承認");
    for charset in [UTF_8, ISO_2022_JP, SHIFT_JIS] {
        let (subject, _, _) = charset.encode("注文を承認");
        let raw = [&b"From: a@b.test\r\nSubject: Re: "[..], &subject, b"\r\n\r\nx"].concat();
        assert_eq!(read(&raw).await.subject, "Re: 注文を承認", "{}", charset.name());
    }
}

#[tokio::test]
async fn html_becomes_text_with_its_quotations_marked() {
    let html = "<html><head><style>p{}</style></head><body><div>Yes</div><script>cancel</script>\
        <div class=gmail_quote><div class=gmail_attr>On Sat, 21 Nov 2026, Broker wrote:<br></div>\
        <blockquote><p>You have ordered</p><p>a <b>night</b></p></blockquote></div></body></html>";
    for kind in ["text/html; charset=utf-8", "text/html"] {
        let text = read(&mail("", kind, html.as_bytes())).await.text;
        let lines: Vec<&str> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let expected =
            ["Yes", "On Sat, 21 Nov 2026, Broker wrote:", "> You have ordered", ">", "> a night"];
        assert_eq!(lines, expected, "{kind}");
    }
    let japanese = format!("<p>{TEXT}</p>");
    let (body, _, _) = ISO_2022_JP.encode(&japanese);
    assert_eq!(read(&mail("", "text/html; charset=iso-2022-jp", &body)).await.text.trim(), TEXT);
}

#[tokio::test]
async fn of_two_texts_the_plain_one_is_read_unless_it_is_empty() {
    let both = |plain: &str| {
        let body = format!(
            "--b\r\nContent-Type: text/plain\r\n\r\n{plain}\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n--b--\r\n"
        );
        mail("", "multipart/alternative; boundary=b", body.as_bytes())
    };
    assert_eq!(read(&both("plain")).await.text.trim(), "plain");
    assert_eq!(read(&both(" ")).await.text.trim(), "html");
}

#[tokio::test]
async fn what_is_no_text_does_not_look_like_an_empty_reply() {
    let encrypted = "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\n\
        Content-Type: application/octet-stream\r\n\r\nx\r\n--b--\r\n";
    let picture = "--b\r\nContent-Type: text/plain\r\n\r\n\r\n--b\r\nContent-Type: image/png\r\n\
        Content-Disposition: attachment\r\n\r\nx\r\n--b--\r\n";
    for (kind, body) in [
        ("multipart/encrypted; boundary=b; protocol=\"application/pgp-encrypted\"", encrypted),
        ("multipart/mixed; boundary=b", picture),
        ("application/pkcs7-mime; smime-type=enveloped-data", "x"),
        ("image/png", "x"),
    ] {
        let text = read(&mail("", kind, body.as_bytes())).await.text;
        assert!(text.starts_with('['), "{kind}: {text:?}");
    }
    assert_eq!(
        read(&mail("", "text/plain", b"\r\n")).await.text.trim(),
        "",
        "an empty reply is empty"
    );
}

#[tokio::test]
async fn recipients_come_from_the_envelope_else_from_the_headers() {
    let more = "X-Original-To: confirm+abc@broker.test\r\nDelivered-To: broker@mail.test\r\nCc: Taro <taro@example.jp>\r\n";
    let bytes = mail(more, "text/plain", b"x");
    let recipients = read(&bytes).await.recipients;
    assert_eq!(recipients, ["confirm+abc@broker.test", "broker@mail.test", "taro@example.jp"]);
    let envelope =
        Envelope { sender: "a@b.test".into(), recipients: vec!["confirm+xyz@broker.test".into()] };
    let got = Decoder::new().decode(&bytes, Some(&envelope)).await.unwrap();
    assert_eq!(got.recipients, ["confirm+xyz@broker.test"]);
}

#[tokio::test]
async fn who_names_no_or_several_authors_has_none() {
    assert_eq!(read(&mail("", "text/plain", b"x")).await.from, "hanako@example.jp");
    for from in [
        "Subject: x\r\n",
        "From: a@b.test, c@d.test\r\n",
        "From: a@b.test\r\nFrom: c@d.test\r\n",
        "From: Group: a@b.test;\r\n",
        "From: nobody\r\n",
    ] {
        let got = read(format!("{from}To: x@y.test\r\n\r\nyes").as_bytes()).await;
        assert!(!got.from.contains('@'), "{from}: {}", got.from);
    }
}

#[tokio::test]
async fn machines_are_known_by_their_headers() {
    use IncomingKind::{Automatic, Bounce, Personal};
    let report = "multipart/report; report-type=delivery-status; boundary=b";
    for (more, kind, is) in [
        ("", "text/plain", Personal),
        ("Auto-Submitted: no\r\n", "text/plain", Personal),
        ("Precedence: first-class\r\n", "text/plain", Personal),
        ("Return-Path: <hanako@example.jp>\r\n", "text/plain", Personal),
        ("X-Autoreply: no\r\n", "text/plain", Personal),
        ("Auto-Submitted: auto-replied\r\n", "text/plain", Automatic),
        ("Auto-Submitted: auto-generated; x=y\r\n", "text/plain", Automatic),
        ("auto-submitted: Auto-Replied (vacation)\r\n", "text/plain", Automatic),
        ("Precedence: bulk\r\n", "text/plain", Automatic),
        ("Precedence: auto_reply\r\n", "text/plain", Automatic),
        ("X-Autoreply: yes\r\n", "text/plain", Automatic),
        ("X-Autorespond: x\r\n", "text/plain", Automatic),
        ("Return-Path: <>\r\n", "text/plain", Automatic),
        ("", "multipart/report; report-type=disposition-notification; boundary=b", Automatic),
        ("", report, Bounce),
        ("Auto-Submitted: auto-replied\r\n", report, Bounce),
        ("", "Multipart/Report; boundary=b", Bounce),
    ] {
        let got = read(&mail(more, kind, b"--b\r\n\r\nx\r\n--b--\r\n")).await;
        assert_eq!(got.kind, is, "{more}{kind}");
    }
    assert_eq!(read(b"From: MAILER-DAEMON@example.jp\r\n\r\nx").await.kind, Bounce);
    let null = Envelope { sender: String::new(), recipients: Vec::new() };
    let got = Decoder::new().decode(&mail("", "text/plain", b"x"), Some(&null)).await.unwrap();
    assert_eq!(got.kind, Automatic);
}

async fn checks(above: usize, more: &str) -> (SenderCheck, SenderCheck) {
    let server = ReceivingServer { authserv_id: "mx.broker.test".into(), received_above: above };
    let bytes = [more.as_bytes(), &mail("", "text/plain", b"x")].concat();
    let got = Decoder::new().with_server(server).decode(&bytes, None).await.unwrap();
    (got.dkim, got.spf)
}

#[tokio::test]
async fn what_the_own_server_noted_is_believed() {
    use SenderCheck::{Fail, None, Pass};
    for (results, expected) in [
        ("dkim=pass header.d=example.jp; spf=pass smtp.mailfrom=hanako@example.jp", (Pass, Pass)),
        ("dkim=pass (good) header.i=@example.jp header.s=x", (Pass, None)),
        ("dkim=fail header.d=example.jp", (Fail, None)),
        ("dkim=fail header.d=example.jp; dkim=pass header.d=example.jp", (Pass, None)),
        ("dkim=pass header.d=evil.test", (None, None)),
        ("dkim=pass header.d=jp", (None, None)),
        ("dkim=fail header.d=list.test", (None, None)),
        ("dkim=neutral header.d=example.jp; spf=softfail smtp.mailfrom=example.jp", (None, None)),
        ("dkim=none (dkim=pass header.d=example.jp)", (None, None)),
        ("dkim=none reason=\"x; dkim=pass header.d=example.jp\"", (None, None)),
        ("spf=pass smtp.mailfrom=evil.test", (None, None)),
        ("spf=fail smtp.mailfrom=evil.test", (None, Fail)),
        ("none", (None, None)),
    ] {
        let header =
            format!("Authentication-Results: mx.broker.test;\r\n {results}\r\nReceived: by mx\r\n");
        assert_eq!(checks(0, &header).await, expected, "{results}");
    }
    let spf = "Received-SPF: fail (mx: not so) client-ip=192.0.2.1;\r\nReceived: by mx\r\n";
    assert_eq!(checks(0, spf).await, (None, Fail));
    let spf = "Received-SPF: pass (mx) envelope-from=\"hanako@example.jp\"; receiver=mx;\r\n";
    assert_eq!(checks(0, spf).await, (None, Pass));
}

#[tokio::test]
async fn what_the_sender_could_have_noted_is_not_believed() {
    let none = (SenderCheck::None, SenderCheck::None);
    let own = "Authentication-Results: mx.broker.test; dkim=pass header.d=example.jp\r\n";
    let received = "Received: by mx.broker.test\r\n";
    assert_eq!(checks(0, &format!("{received}{own}")).await, none);
    assert_eq!(checks(1, &format!("{received}{received}{own}")).await, none);
    assert_ne!(checks(1, &format!("{received}{own}{received}")).await, none);
    let other = own.replace("mx.broker.test", "mx.evil.test");
    assert_eq!(checks(0, &other).await, none);
    let got = read(&[own.as_bytes(), &mail("", "text/plain", b"x")].concat()).await;
    assert_eq!((got.dkim, got.spf), none, "nobody is believed unless configured");
}

/// The example of RFC 8463, appendix A.
const SIGNED: &str = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : message-id : from : subject : date;\r\n bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\nFrom: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\nSubject: Is dinner ready?\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\nMessage-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\nHi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
const KEY: (&str, &str) = (
    "brisbane._domainkey.football.example.com",
    "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
);

async fn dkim(bytes: &str, keys: &[(&str, &str)]) -> SenderCheck {
    let decoder = Decoder::new().with_keys(DkimKeys::fixed(keys).unwrap());
    decoder.decode(bytes.as_bytes(), None).await.unwrap().dkim
}

#[tokio::test]
async fn a_signature_is_verified_with_the_domains_key() {
    assert_eq!(dkim(SIGNED, &[KEY]).await, SenderCheck::Pass);
    assert_eq!(dkim(&SIGNED.replace("hungry", "angry"), &[KEY]).await, SenderCheck::Fail);
    assert_eq!(dkim(&SIGNED.replace("joe@", "jim@"), &[KEY]).await, SenderCheck::Fail);
    assert_eq!(dkim(SIGNED, &[]).await, SenderCheck::Fail, "a domain without this key");
    let other = SIGNED.replace("joe@football.example.com", "joe@evil.test");
    assert_eq!(dkim(&other, &[KEY]).await, SenderCheck::None, "another domain's signature");
    let (_, unsigned) = SIGNED.split_once("From:").unwrap();
    assert_eq!(dkim(&format!("From:{unsigned}"), &[KEY]).await, SenderCheck::None);
    assert!(DkimKeys::fixed(&[("x", "no key")]).is_err());
}

#[tokio::test]
async fn bytes_that_are_no_mail_are_refused_and_none_make_it_fail() {
    for bytes in [&b""[..], b"\r\n", b"\r\n\r\nyes"] {
        let got = Decoder::new().decode(bytes, None).await;
        assert_eq!(got.unwrap_err(), MailError::Malformed("header"));
    }
    let whole = mail(
        "",
        "multipart/mixed; boundary=b",
        b"--b\r\nContent-Type: text/html\r\n\r\n<p>x\r\n--b--",
    );
    for cut in 0..whole.len() {
        let _ = Decoder::new().decode(&whole[..cut], None).await;
    }
}
