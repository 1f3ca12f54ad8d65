#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;
use async_trait::async_trait;
use std::sync::Mutex;
use tokio::io::{AsyncBufReadExt, BufReader};
use warifu_ports::mail::IncomingMail;

const ADDRESS: &str = "confirm+abcdefghijklmnop1234@broker.test";

/// Takes mail, or not.
#[derive(Default)]
struct Role {
    mails: Mutex<Vec<IncomingMail>>,
    refuses: Mutex<bool>,
}

#[async_trait]
impl MailIn for Role {
    async fn receive(&self, mail: IncomingMail) -> Result<(), MailError> {
        if *self.refuses.lock().unwrap() {
            return Err(MailError::NotTaken);
        }
        self.mails.lock().unwrap().push(mail);
        Ok(())
    }
}

struct Client {
    line: BufReader<TcpStream>,
    server: tokio::task::JoinHandle<()>,
    role: Arc<Role>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Client {
    async fn start(limits: Limits) -> Client {
        let replies = ReplyDomain { mailbox: "confirm".into(), domain: "broker.test".into() };
        let any = "127.0.0.1:0".parse().unwrap();
        let lmtp = Lmtp::bind(any, replies, Decoder::new(), limits).await.unwrap();
        let address = lmtp.address().unwrap();
        let role = Arc::new(Role::default());
        let server = tokio::spawn(lmtp.run(role.clone()));
        let line = BufReader::new(TcpStream::connect(address).await.unwrap());
        let mut client = Client { line, server, role };
        assert_eq!(client.answer().await, "220 Warifu LMTP ready");
        client
    }

    /// With the greeting done.
    async fn greeted(limits: Limits) -> Client {
        let mut client = Client::start(limits).await;
        client.put("LHLO mx.broker.test\r\n").await;
        for _ in 0..4 {
            assert!(client.answer().await.starts_with("250-"));
        }
        assert!(client.answer().await.starts_with("250 SIZE "));
        client
    }

    async fn put(&mut self, text: &str) {
        self.line.get_mut().write_all(text.as_bytes()).await.unwrap();
    }

    async fn answer(&mut self) -> String {
        let mut line = String::new();
        self.line.read_line(&mut line).await.unwrap();
        line.trim_end().to_string()
    }

    async fn ask(&mut self, text: &str) -> String {
        self.put(&format!("{text}\r\n")).await;
        self.answer().await
    }

    async fn envelope(&mut self) {
        assert!(self.ask("MAIL FROM:<hanako@example.jp>").await.starts_with("250"));
        assert!(self.ask(&format!("RCPT TO:<{ADDRESS}>")).await.starts_with("250"));
        assert!(self.ask("DATA").await.starts_with("354"));
    }

    fn mails(&self) -> Vec<IncomingMail> {
        self.role.mails.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_mail_is_taken_with_its_envelope() {
    let mut client = Client::greeted(Limits::default()).await;
    client.envelope().await;
    let answer =
        client.ask("From: hanako@example.jp\r\nTo: x@y.test\r\n\r\nyes\r\n..dot\r\n.").await;
    assert!(answer.starts_with("250 "), "{answer}");
    let mails = client.mails();
    assert_eq!(mails[0].recipients, [ADDRESS]);
    assert_eq!(mails[0].from, "hanako@example.jp");
    assert_eq!(mails[0].text.trim(), "yes\n.dot");
    assert!(client.ask("QUIT").await.starts_with("221"));
}

#[tokio::test]
async fn a_mail_that_the_role_does_not_take_comes_again() {
    let mut client = Client::greeted(Limits::default()).await;
    *client.role.refuses.lock().unwrap() = true;
    client.envelope().await;
    assert!(client.ask("From: a@b.test\r\n\r\nyes\r\n.").await.starts_with("451"));
    *client.role.refuses.lock().unwrap() = false;
    client.envelope().await;
    assert!(client.ask("From: a@b.test\r\n\r\nyes\r\n.").await.starts_with("250"));
    assert_eq!(client.mails().len(), 1);
}

#[tokio::test]
async fn every_recipient_is_answered_even_in_one_packet() {
    let mut client = Client::greeted(Limits { recipients: 2, ..Limits::default() }).await;
    let other = ADDRESS.replace("1234", "5678");
    client
        .put(&format!(
            "MAIL FROM:<> SIZE=100\r\nRCPT TO:<{ADDRESS}>\r\nRCPT TO:<postmaster@broker.test>\r\n\
             RCPT TO:<{other}>\r\nRCPT TO:<{ADDRESS}>\r\nDATA\r\n"
        ))
        .await;
    for code in ["250", "250", "550", "250", "452", "354"] {
        let answer = client.answer().await;
        assert!(answer.starts_with(code), "{answer}, not {code}");
    }
    client.put("From: MAILER-DAEMON@example.jp\r\n\r\ngone\r\n.\r\nNOOP\r\n").await;
    for code in ["250 2.0.0 Taken", "250 2.0.0 Taken", "250 2.0.0 OK"] {
        assert_eq!(client.answer().await, code);
    }
    let mails = client.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].recipients, [ADDRESS.to_string(), other]);
    assert_eq!(mails[0].kind, warifu_ports::mail::IncomingKind::Bounce);
}

#[tokio::test]
async fn what_is_out_of_order_or_out_of_bounds_is_refused() {
    let mut client = Client::start(Limits { mail_bytes: 200, ..Limits::default() }).await;
    for (command, code) in [
        ("MAIL FROM:<a@b.test>", "503"),
        ("EHLO mx", "500"),
        ("NONSENSE", "500"),
        ("LHLO mx", "250-"),
    ] {
        let answer = client.ask(command).await;
        assert!(answer.starts_with(code), "{command}: {answer}");
    }
    for _ in 0..4 {
        client.answer().await;
    }
    for (command, code) in [
        ("DATA", "503"),
        (&format!("RCPT TO:<{ADDRESS}>")[..], "503"),
        ("MAIL FROM:<a@b.test> SIZE=201", "552"),
        ("MAIL FROM:<a@b.test>", "250"),
        ("MAIL FROM:<a@b.test>", "503"),
        ("DATA", "503"),
        ("RCPT TO:<confirm@broker.test>", "550"),
        ("RCPT TO:<confirm+short@broker.test>", "550"),
        ("RCPT TO:<confirm+abcdefghijklmnop1234@evil.test>", "550"),
        ("AUTH PLAIN AAAA", "502"),
        ("RSET", "250"),
        ("VRFY a", "252"),
    ] {
        let answer = client.ask(command).await;
        assert!(answer.starts_with(code), "{command}: {answer}");
    }
    client.envelope().await;
    let large = format!("From: a@b.test\r\n\r\n{}\r\n.", "x\r\n".repeat(5_000));
    assert!(client.ask(&large).await.starts_with("552"));
    client.envelope().await;
    assert!(client.ask("\r\n.").await.starts_with("554"), "no header, no mail");
    assert!(client.mails().is_empty());
}

#[tokio::test]
async fn a_line_without_end_and_a_flood_of_errors_end_the_connection() {
    let mut client = Client::greeted(Limits::default()).await;
    client.put(&"x".repeat(10_000)).await;
    assert!(client.answer().await.starts_with("500"));
    let mut client = Client::greeted(Limits::default()).await;
    client.put(&"NONSENSE\r\n".repeat(30)).await;
    let mut last = String::new();
    loop {
        let answer = client.answer().await;
        if answer.is_empty() {
            break;
        }
        last = answer;
    }
    assert!(last.starts_with("421"), "{last}");
}

#[tokio::test]
async fn a_mail_that_is_cut_off_is_not_taken() {
    let mut client = Client::greeted(Limits::default()).await;
    client.envelope().await;
    client.put("From: hanako@example.jp\r\n\r\nyes\r\n").await;
    client.line.get_mut().shutdown().await.unwrap();
    assert_eq!(client.answer().await, "");
    assert!(client.mails().is_empty());
}

#[tokio::test]
async fn one_connection_too_many_is_turned_away_and_a_silent_one_ended() {
    let silence = Duration::from_millis(300);
    let mut client = Client::greeted(Limits { connections: 1, silence, ..Limits::default() }).await;
    let address = client.line.get_ref().peer_addr().unwrap();
    let mut second = BufReader::new(TcpStream::connect(address).await.unwrap());
    let mut line = String::new();
    second.read_line(&mut line).await.unwrap();
    assert!(line.starts_with("421"), "{line}");
    assert_eq!(client.answer().await, "", "ended without a word");
}
