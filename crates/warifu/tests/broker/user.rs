//! A user of the broker: at its pages and API over HTTP, and with a mail program.

use crate::{http::attempt, people::Person, town::Town, until};
use serde_json::{Value, json};
use warifu_gateways::mail::Decoder;

/// An order, as its user knows it.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its id.
    pub id: String,
    /// Its number.
    pub number: String,
}

/// A member who is logged in.
pub struct User<'a> {
    pub town: &'a Town,
    pub person: Person,
    session: String,
}

/// A confirmation, as it came.
pub struct Letter {
    /// The mail.
    pub raw: String,
    /// Its text.
    pub text: String,
    /// Where a reply goes.
    pub reply_to: String,
    /// The page behind its link, below the broker's address.
    pub page: String,
}

/// Where an order goes: words that stand nowhere else.
pub const DESTINATION: &str = "Willow Lodge 41, Kannawa 柳荘四十一号";

impl<'a> User<'a> {
    /// Logs in with number and password (row C3).
    pub fn login(town: &'a Town, person: Person, member: &str) -> User<'a> {
        let body = json!({"member": member, "password": person.password}).to_string();
        let answer = until("the login", || {
            attempt(&town.url("broker"), "POST /v1/login", &[], body.as_bytes())
        });
        assert_eq!(answer.0, 200, "{}", String::from_utf8_lossy(&answer.2));
        let login: Value = serde_json::from_slice(&answer.2).unwrap();
        User { town, person, session: login["session"].as_str().unwrap().to_string() }
    }

    /// Asks the broker's API; none where it is not there.
    fn api(&self, head: &str, key: Option<&str>, body: &[u8]) -> Option<(u16, Value)> {
        let bearer = format!("Bearer {}", self.session);
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        let (status, _, body) = attempt(&self.town.url("broker"), head, &headers, body)?;
        Some((status, serde_json::from_slice(&body).unwrap()))
    }

    /// Places an order with a key of its own, again and again until the broker has answered.
    pub fn order(&self, provider: &str, key: &str) -> Order {
        let wish = json!({
            "service": format!("{}/N-1", self.town.providers[provider]), "quantity": 1,
            "destination": DESTINATION,
        });
        let body = wish.to_string();
        let (status, order) = until("the order", || {
            let answer = self.api("POST /v1/orders", Some(key), body.as_bytes())?;
            (answer.0 < 500).then_some(answer)
        });
        assert_eq!(status, 202, "{order}");
        let text = |name: &str| order[name].as_str().unwrap().to_string();
        Order { id: text("id"), number: text("number") }
    }

    /// The order as the broker shows it; none where it is not there.
    pub fn look(&self, order: &Order) -> Option<Value> {
        let (status, view) = self.api(&format!("GET /v1/orders/{}", order.id), None, b"")?;
        (status == 200).then_some(view)
    }

    /// How far the order is at the broker.
    pub fn state(&self, order: &Order) -> String {
        let view = until("the broker's answer", || self.look(order));
        view["state"].as_str().unwrap().to_string()
    }

    /// Waits until the order has come to a state; another end than this one is a fault.
    #[track_caller]
    pub fn wait_for(&self, order: &Order, state: &str) -> Value {
        let mut last = Value::Null;
        until(&format!("{state} of {}", order.number), || {
            last = self.look(order)?;
            let at = last["state"].as_str().unwrap();
            let over = ["closed", "refused", "cancelled", "expired", "declined"].contains(&at);
            assert!(at == state || !over, "{state}: {last}");
            (at == state).then_some(())
        });
        last
    }

    /// The confirmation of an order; none as long as it is not there.
    pub fn confirmation(&self, order: &Order) -> Option<Letter> {
        let id = format!("<{}-confirmation@", order.id);
        let is_it = |mail: &Vec<u8>| mail.windows(id.len()).any(|part| part == id.as_bytes());
        let raw = self.town.mail.mails(self.person.name).into_iter().find(is_it)?;
        let text = text_of(&raw);
        let raw = String::from_utf8(raw).unwrap();
        let at = text.find("/c/").unwrap();
        let page = text[at..].split(|c: char| c.is_whitespace()).next().unwrap().to_string();
        let reply_to = header(&raw, "Reply-To");
        let reply_to = reply_to.trim_matches(['<', '>']).to_string();
        Some(Letter { raw, text, reply_to, page })
    }

    /// Sends the confirmation back as it is, as a mail program does.
    pub fn reply(&self, letter: &Letter) {
        self.reply_as(letter, &self.person.mail(), &letter.reply_to);
    }

    /// As [`User::reply`], from somebody to an address.
    pub fn reply_as(&self, letter: &Letter, from: &str, to: &str) {
        let (id, subject) = (header(&letter.raw, "Message-ID"), header(&letter.raw, "Subject"));
        let quoted: String = letter.text.lines().map(|line| format!("> {line}\r\n")).collect();
        let mail = format!(
            "From: {from}\r\nTo: {to}\r\nSubject: Re: {subject}\r\nMessage-ID: <re.{}\r\n\
             In-Reply-To: {id}\r\nReferences: {id}\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
             On Sat, 21 Nov 2026 at 12:00, Orders <orders@mail.test> wrote:\r\n{quoted}",
            id.trim_start_matches('<')
        );
        self.town.mail.send(from, to, mail.as_bytes());
    }

    /// Presses a button on the page behind the mail's link; false where the broker is not there, or the
    /// page has no such button yet: the mail may be faster than the broker's own record of it.
    pub fn press(&self, letter: &Letter, decision: &str) -> bool {
        let broker = self.town.url("broker");
        let Some((200, _, page)) = attempt(&broker, &format!("GET {}", letter.page), &[], b"")
        else {
            return false;
        };
        let page = String::from_utf8(page).unwrap();
        if !page.contains(&format!("value=\"{decision}\"")) {
            return false;
        }
        let Some((_, rest)) = page.split_once("name=\"token\" value=\"") else { return false };
        let token = rest.split('"').next().unwrap();
        let form = format!("token={token}&decision={decision}");
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let pressed = attempt(&broker, &format!("POST {}", letter.page), &kind, form.as_bytes());
        pressed.is_some_and(|(status, ..)| status == 200)
    }
}

/// A header of a mail, unfolded.
pub fn header(mail: &str, name: &str) -> String {
    let head = mail.replace("\r\n", "\n");
    let head = head.split("\n\n").next().unwrap().replace("\n ", " ").replace("\n\t", " ");
    let find = |line: &str| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim().to_string())
    };
    head.lines().find_map(find).unwrap_or_else(|| panic!("no {name} in {head}"))
}

/// The text of a mail, as its reader sees it.
fn text_of(raw: &[u8]) -> String {
    let raw = raw.to_vec();
    let read = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(Decoder::new().decode(&raw, None)).unwrap().text
    };
    // On a thread of its own: the test may be within a runtime.
    std::thread::spawn(read).join().unwrap()
}
