//! Mail through a real Postfix and a real Dovecot (row C5).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod cutting;
mod role;

use cutting::Cutting;
use encoding_rs::{ISO_2022_JP, SHIFT_JIS};
use role::{Role, eventually};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use warifu_gateways::mail::{
    Access, Decoder, Done, Limits, Lmtp, Login, Mailbox, MailboxSettings, ReceivingServer,
    ReplyDomain, Roots, Submission, Tls,
};
use warifu_ports::mail::{IncomingKind, MailError, MailOut, OutgoingMail, SenderCheck};
use warifu_testkit::mail::{MailServers, PASSWORD, ServerCertificate};
use zeroize::Zeroizing;

const TOKEN: &str = "confirm+abcdefghijklmnop1234@reply.test";

fn plain(port: u16) -> Access {
    Access { host: "127.0.0.1".into(), port, tls: Tls::None, login: None }
}

fn login(user: &str) -> Option<Login> {
    Some(Login::new(user, Zeroizing::new(PASSWORD.to_string())))
}

fn confirmation(to: &str, reply_to: &str) -> OutgoingMail {
    OutgoingMail {
        id: "order-1.confirm".into(),
        to: to.into(),
        reply_to: Some(reply_to.into()),
        language: "ja".into(),
        subject: "ご注文の確認のお願い (A-1001)".into(),
        text: "下記のご注文を承りました。\n.\n..\n内容：宿\n".into(),
        html: Some("<p>下記のご注文を承りました。</p>".into()),
    }
}

/// Quick settings for the mailbox of a user.
fn settings(port: u16, user: &str) -> MailboxSettings {
    let access = Access { login: login(user), ..plain(port) };
    MailboxSettings {
        poll: Duration::from_secs(2),
        first_pause: Duration::from_millis(50),
        longest_pause: Duration::from_millis(500),
        attempts: 3,
        ..MailboxSettings::new(access)
    }
}

fn reading(settings: MailboxSettings, role: &Arc<Role>) -> JoinHandle<()> {
    let mailbox = Mailbox::new(settings, Decoder::new()).unwrap();
    let role = role.clone();
    tokio::spawn(async move { mailbox.run(role).await })
}

/// An LMTP receiver for `reply.test`.
async fn lmtp(role: &Arc<Role>) -> (SocketAddr, JoinHandle<()>) {
    let replies = ReplyDomain { mailbox: "confirm".into(), domain: "reply.test".into() };
    let server = ReceivingServer { authserv_id: "mx.broker.test".into(), received_above: 0 };
    let decoder = Decoder::new().with_server(server);
    let any = "127.0.0.1:0".parse().unwrap();
    let lmtp = Lmtp::bind(any, replies, decoder, Limits::default()).await.unwrap();
    (lmtp.address().unwrap(), tokio::spawn(lmtp.run(role.clone())))
}

fn submission(servers: &MailServers) -> Submission {
    Submission::new(&plain(servers.smtp_port()), "割符 <orders@mail.test>").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_goes_out_by_smtp_and_is_read_by_imap() {
    let servers = MailServers::start(&[], None);
    submission(&servers).send(&confirmation("hanako@mail.test", TOKEN)).await.unwrap();
    servers.wait_for_mails("hanako", 1);
    let role = Arc::new(Role::default());
    let reading = reading(settings(servers.imap_port(), "hanako"), &role);
    role.wait_for(1).await;
    let mail = role.mails().remove(0);
    assert_eq!(mail.subject, "ご注文の確認のお願い (A-1001)");
    assert_eq!(mail.text.trim(), "下記のご注文を承りました。\n.\n..\n内容：宿");
    assert_eq!(mail.from, "orders@mail.test");
    assert!(mail.recipients.contains(&"hanako@mail.test".to_string()), "{:?}", mail.recipients);
    assert_eq!(mail.kind, IncomingKind::Automatic, "our own mail says so");
    eventually(|| servers.mails("hanako").is_empty(), "a mail that was taken is deleted").await;

    // One that arrives while the reader waits, in the charset of old programs.
    let (body, _, _) = ISO_2022_JP.encode("はい、承認します。");
    let head = "From: <taro@mail.test>\r\nTo: <hanako@mail.test>\r\nSubject: Re: x\r\nContent-Type: text/plain; charset=ISO-2022-JP\r\n\r\n";
    servers.send("taro@mail.test", "hanako@mail.test", &[head.as_bytes(), &body].concat());
    role.wait_for(2).await;
    let mail = role.mails().remove(1);
    assert_eq!(mail.text.trim(), "はい、承認します。");
    assert_eq!(mail.kind, IncomingKind::Personal);
    reading.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_comes_through_postfix_by_lmtp_and_waits_there_until_it_is_taken() {
    let role = Arc::new(Role::default());
    let (address, receiving) = lmtp(&role).await;
    let servers = MailServers::start(&[("reply.test", address)], None);
    role.refuse(true);
    let (body, _, _) = SHIFT_JIS.encode("キャンセル");
    let head = "From: Hanako <hanako@mail.test>\r\nTo: <x@reply.test>\r\nSubject: Re: x\r\nAuthentication-Results: mx.broker.test; dkim=pass header.d=mail.test\r\nContent-Type: text/plain; charset=Shift_JIS\r\n\r\n";
    servers.send("hanako@mail.test", TOKEN, &[head.as_bytes(), &body].concat());
    role.wait_for_refusals(2).await;
    assert!(role.mails().is_empty());
    role.refuse(false);
    role.wait_for(1).await;
    let mail = role.mails().remove(0);
    assert_eq!(mail.recipients, [TOKEN]);
    assert_eq!(mail.text.trim(), "キャンセル");
    assert_eq!(mail.dkim, SenderCheck::None, "the sender has written that itself");

    // An address that looks like none is refused, and Postfix tells the sender.
    servers.send(
        "hanako@mail.test",
        "confirm+guess@reply.test",
        b"From: hanako@mail.test\r\n\r\nyes\r\n",
    );
    let report = servers.wait_for_mails("hanako", 1).remove(0);
    let report = Decoder::new().decode(&report, None).await.unwrap();
    assert_eq!(report.kind, IncomingKind::Bounce);
    assert_eq!(role.mails().len(), 1);
    receiving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_to_nobody_comes_back_to_its_token_as_a_report() {
    let role = Arc::new(Role::default());
    let (address, receiving) = lmtp(&role).await;
    let servers = MailServers::start(&[("reply.test", address)], None);
    let lost = confirmation("hanako@mail.test", TOKEN);
    let refused =
        submission(&servers).send(&OutgoingMail { to: "nobody@mail.test".into(), ..lost }).await;
    // Postfix knows its own users: it says so at once.
    assert_eq!(refused, Err(MailError::Refused(550)));
    servers.send(TOKEN, "confirm+x@reply.test", b"From: orders@mail.test\r\n\r\nx\r\n");
    role.wait_for(1).await;
    let report = role.mails().remove(0);
    assert_eq!(
        (report.kind, &report.recipients[..]),
        (IncomingKind::Bounce, &[TOKEN.to_string()][..])
    );
    receiving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_postfix_a_mail_waits_and_nothing_is_lost() {
    let mut servers = MailServers::start(&[], None);
    let submission = submission(&servers);
    let mail = confirmation("hanako@mail.test", TOKEN);
    servers.stop_postfix();
    for _ in 0..2 {
        assert!(matches!(submission.send(&mail).await, Err(MailError::Unreachable(_))));
    }
    servers.start_postfix();
    submission.send(&mail).await.unwrap();
    let got = servers.wait_for_mails("hanako", 1).remove(0);
    assert!(String::from_utf8_lossy(&got).contains("order-1.confirm@mail.test"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_in_a_mail_or_after_it_means_that_it_is_read_again() {
    let servers = MailServers::start(&[], None);
    let long =
        format!("From: taro@mail.test\r\nSubject: long\r\n\r\n{}", "0123456789\r\n".repeat(20_000));
    servers.send("taro@mail.test", "broker@mail.test", long.as_bytes());
    servers.wait_for_mails("broker", 1);
    // The first connection ends within the mail, the second as soon as the role has taken it.
    let proxy = Cutting::start(servers.imap_port(), 100_000).await;
    let role = Arc::new(Role::default());
    let cut = proxy.clone();
    role.when_taken(move |nth| {
        if nth == 0 {
            cut.cut_now()
        }
    });
    let reading = reading(settings(proxy.port(), "broker"), &role);
    role.wait_for(2).await;
    let mails = role.mails();
    assert_eq!(mails[0].digest, mails[1].digest, "the same mail, known by its digest");
    assert_eq!(mails[0].text.lines().count(), 20_000);
    assert!(proxy.connections() >= 3, "{}", proxy.connections());
    eventually(|| servers.mails("broker").is_empty(), "taken and deleted").await;
    assert_eq!(role.mails().len(), 2);
    reading.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_never_taken_or_too_large_is_set_aside_and_blocks_nobody() {
    let servers = MailServers::start(&[], None);
    let role = Arc::new(Role::default());
    role.refuse_subject("bad");
    let large =
        format!("From: a@mail.test\r\nSubject: large\r\n\r\n{}", "0123456789\r\n".repeat(1_000));
    for mail in [
        "From: a@mail.test\r\nSubject: bad\r\n\r\nx",
        &large,
        "From: a@mail.test\r\nSubject: good\r\n\r\nx",
    ] {
        servers.send("a@mail.test", "broker@mail.test", mail.as_bytes());
    }
    servers.wait_for_mails("broker", 3);
    let settings = MailboxSettings {
        mail_bytes: 5_000,
        done: Done::MoveTo("Done".into()),
        ..settings(servers.imap_port(), "broker")
    };
    let reading = reading(settings, &role);
    role.wait_for(1).await;
    let folder = |name: &str| servers.mails(&format!("broker/.{name}"));
    eventually(|| folder("Warifu-Unread").len() == 2, "two are set aside").await;
    eventually(|| folder("Done").len() == 1, "the good one is done").await;
    eventually(|| servers.mails("broker").len() == 3, "none is lost, none is there twice").await;
    assert_eq!(role.mails().remove(0).subject, "good");
    reading.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tls_mail_goes_out_and_in_under_a_login() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
    let certificate =
        ServerCertificate { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() };
    let servers = MailServers::start(&[], Some(&certificate));
    let roots = Roots::Only(vec![made.cert.der().clone()]);
    let access =
        |port, tls, user| Access { host: "localhost".into(), port, tls, login: login(user) };

    let out = access(servers.submission_port(), Tls::StartTls(roots.clone()), "broker");
    let mail = confirmation("hanako@mail.test", TOKEN);
    Submission::new(&out, "orders@mail.test").unwrap().send(&mail).await.unwrap();
    let stranger = Access { tls: Tls::StartTls(Roots::System), ..out.clone() };
    let refused = Submission::new(&stranger, "orders@mail.test").unwrap().send(&mail).await;
    assert!(matches!(refused, Err(MailError::Unreachable(_))), "an unknown certificate");
    let wrong = Login::new("broker", Zeroizing::new("wrong-4711".to_string()));
    let wrong = Access { login: Some(wrong), ..out };
    let refused = Submission::new(&wrong, "orders@mail.test").unwrap().send(&mail).await;
    assert!(
        matches!(&refused, Err(MailError::Unreachable(_))),
        "{refused:?}: not the mail's fault"
    );
    assert!(!format!("{refused:?}").contains("4711"));
    servers.wait_for_mails("hanako", 1);

    let role = Arc::new(Role::default());
    let implicit = access(servers.imaps_port(), Tls::Implicit(roots.clone()), "hanako");
    let by_imaps = reading(MailboxSettings { access: implicit, ..settings(0, "hanako") }, &role);
    role.wait_for(1).await;
    by_imaps.abort();
    servers.send("a@mail.test", "taro@mail.test", b"From: a@mail.test\r\n\r\nx\r\n");
    let starttls = access(servers.imap_port(), Tls::StartTls(roots), "taro");
    let by_starttls = reading(MailboxSettings { access: starttls, ..settings(0, "taro") }, &role);
    role.wait_for(2).await;
    by_starttls.abort();
}
