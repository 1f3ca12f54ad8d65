//! Telegrams and their answers, and the sessions that they travel in.
use crate::{
    bytes::Bytes,
    case::Case,
    common::{NETWORK, NOW, forge, rng},
    decisions::{ZERO, changed},
    network::{Made, kps},
    prepaid,
    renewals::CENTER,
};
use serde_json::{Value, json};
use warifu_protocol::{
    AtFault, CLOCK_SKEW, Reason,
    session::Session,
    telegram::{
        Funding, Instruction, KeyChange, Outcome, Paid, Person, Profile, Registration,
        TELEGRAM_LIFETIME, Telegram, TelegramAnswer, TopUp, TopUpState, identity, key_id,
        session::{Open, Opened, accept, open as open_session},
    },
    terminal::Terminal,
};
use warifu_types::{Currency, Digest, Money, Nonce};
use zeroize::Zeroizing;

const SENDER: AtFault = AtFault::Sender;

pub fn cases() -> Vec<Case> {
    let made = kps();
    let center = made.terminal("center");
    let answers = Answers { made: &made, center: &center };
    [telegrams(&made, &center), answers.cases(), opens(&center), openeds(&center)]
        .into_iter()
        .flatten()
        .collect()
}

fn yen(minor: u64) -> Money {
    Money::new(minor, Currency::JPY).unwrap()
}

pub fn person() -> Profile {
    Profile::Member(Person {
        name: "山田花子".into(),
        address: "東京都港区芝1-2-3".into(),
        born: "1990-02-28".into(),
    })
}

fn telegram(made: &Made, center: &Terminal, instruction: Instruction) -> String {
    let holder = &made.cast.holder;
    Telegram {
        iss: holder.id().clone(),
        aud: center.id().clone(),
        key: key_id(&holder.credential.key),
        jti: Nonce([8; 32]),
        seq: 3,
        instruction,
        iat: NOW,
        exp: NOW.plus(TELEGRAM_LIFETIME),
    }
    .sign(holder.signer.as_ref())
}

fn balance() -> Instruction {
    Instruction::Balance { card: "4111111111111111".into() }
}

fn telegrams(made: &Made, center: &Terminal) -> Vec<Case> {
    let holder = &made.cast.holder;
    let case = |name: &str, about: &str, token: String| {
        let input = json!({"token": token, "key": holder.credential.key});
        Case::new("telegram", name, about, ("kps", "center"), input)
    };
    let honest = telegram(made, center, balance());
    use Reason::*;
    let wrongs = [
        (
            "audience_another",
            "To another center.",
            "aud",
            json!("domain:center2.example"),
            WrongParty,
            "aud",
        ),
        ("key_another", "Names another key.", "key", json!("AAAAAAAAAAAA"), UnknownKey, "key"),
        (
            "good_for_too_long",
            "Good for a second longer than a telegram may wait.",
            "exp",
            json!(NOW.0 + TELEGRAM_LIFETIME + 1),
            BadValue,
            "exp",
        ),
        ("expired", "Past its end.", "exp", json!(NOW.0 - CLOCK_SKEW), Expired, "exp"),
        (
            "from_the_future",
            "Dated beyond the clocks' difference.",
            "iat",
            json!(NOW.0 + CLOCK_SKEW + 1),
            NotYetValid,
            "iat",
        ),
        ("number_negative", "A number below zero.", "seq", json!(-1), Malformed, "seq"),
        (
            "instruction_unknown",
            "An instruction that does not exist.",
            "instruction",
            json!({"withdraw": {"card": "4111111111111111"}}),
            Malformed,
            "instruction",
        ),
        (
            "instructions_two",
            "Two instructions.",
            "instruction",
            json!({"balance": {"card": "4111111111111111"}, "top_up_status": {"telegram": ZERO}}),
            Malformed,
            "instruction",
        ),
        (
            "amount_as_array",
            "The amount is an array of its values.",
            "instruction",
            json!({"top_up": {"amount": [10_000, "JPY"], "funding": {"transfer": {}}}}),
            Malformed,
            "instruction.top_up.amount",
        ),
        (
            "funding_unknown",
            "A way of paying in that does not exist.",
            "instruction",
            json!({"top_up": {"amount": yen(10_000), "funding": {"credit": {}}}}),
            Malformed,
            "instruction.top_up.funding",
        ),
        (
            "card_in_clear",
            "A claim that the format does not know.",
            "card",
            json!("4111111111111111"),
            Malformed,
            "card",
        ),
    ];
    let other = made.terminal("other_holder");
    let signers = (holder.signer.as_ref(), other.signer.as_ref());
    let mut cases = changed(&honest, signers, &wrongs, (SENDER, "telegram"), &case);
    for instruction in instructions() {
        let word = instruction.word();
        let token = telegram(made, center, instruction);
        let accepted = json!({"instruction": word, "seq": 3});
        cases.push(case(word, "A good telegram.", token).accepted(accepted));
    }
    cases
}

/// One of each that carries no order.
fn instructions() -> [Instruction; 5] {
    let top_up = TopUp { amount: yen(10_000), card: None, funding: Funding::Transfer {} };
    let registration = Registration {
        number: "0000000001".into(),
        code: Zeroizing::new("00000000000000000000".into()),
        terms: Digest([4; 32]),
        profile: person(),
        enrolment: "a.b.c".into(),
    };
    [
        balance(),
        Instruction::TopUp(Box::new(top_up)),
        Instruction::TopUpStatus { telegram: Nonce([7; 32]) },
        Instruction::Register(Box::new(registration)),
        Instruction::ChangeKey(Box::new(KeyChange { enrolment: "a.b.c".into() })),
    ]
}

struct Answers<'a> {
    made: &'a Made,
    center: &'a Terminal,
}

impl Answers<'_> {
    fn answer(&self, telegram: &str, outcome: Outcome) -> String {
        TelegramAnswer {
            iss: self.center.id().clone(),
            aud: self.made.cast.holder.id().clone(),
            telegram: identity(telegram),
            outcome,
            iat: NOW,
        }
        .sign(self.center.signer.as_ref())
    }

    fn cases(&self) -> Vec<Case> {
        let asked = telegram(self.made, self.center, balance());
        let case = |name: &str, about: &str, token: String| {
            let input = json!({
                "token": token, "center": self.center.credential_token, "telegram": asked,
            });
            Case::new("telegram_answer", name, about, ("kps", "holder"), input)
        };
        let honest = self.answer(&asked, Outcome::Balance(yen(8_020)));
        use Reason::*;
        let wrongs = [
            (
                "issuer_another",
                "In another center's name.",
                "iss",
                json!("domain:center2.example"),
                WrongParty,
                "iss",
            ),
            (
                "audience_another",
                "For another member.",
                "aud",
                json!("mail:mallory@example.net"),
                WrongParty,
                "aud",
            ),
            (
                "telegram_another",
                "Of another telegram.",
                "telegram",
                json!(ZERO),
                Mismatch,
                "telegram",
            ),
            (
                "outcome_unknown",
                "An outcome that does not exist.",
                "outcome",
                json!({"lost": {}}),
                Malformed,
                "outcome",
            ),
            (
                "balance_as_array",
                "The amount is an array of its values.",
                "outcome",
                json!({"balance": [8_020, "JPY"]}),
                Malformed,
                "outcome.balance",
            ),
            (
                "field_unknown",
                "A claim that the format does not know.",
                "exp",
                json!(1),
                Malformed,
                "exp",
            ),
        ];
        let signers = (self.center.signer.as_ref(), self.made.cast.merchant.signer.as_ref());
        let word = (CENTER, "telegram_answer");
        let mut cases = changed(&honest, signers, &wrongs, word, &case);
        let paid = Paid { order: Digest([7; 32]), transaction: "T-1".into(), balance: yen(8_020) };
        let issued = TopUpState::Issued { card: prepaid::card(self.made, self.center) };
        let refused = Outcome::Refused { reason: "balance_too_low".into(), field: None };
        for (name, about, outcome) in [
            ("balance", "What a card holds.", Outcome::Balance(yen(8_020))),
            ("paid", "A payment.", Outcome::Paid(paid)),
            ("issued", "A card.", Outcome::TopUp(issued)),
            ("refused", "A no.", refused),
        ] {
            let accepted = json!({"outcome": outcome});
            cases.push(case(name, about, self.answer(&asked, outcome)).accepted(accepted));
        }
        cases
    }
}

/// A session of a holder's terminal with a center, both sides of it.
struct Opening {
    open: Open,
    opened: Opened,
    asks: Session,
    answers: Session,
}

const ENCAPSULATION: [u8; 64] = [41; 64];
const NONCES: [u8; 64] = [42; 64];
const QUESTION: &[u8] = br#"{"join":{"kind":"member"}}"#;
const ANSWER: &[u8] = br#"{"problem":{"code":"busy"}}"#;

fn opening(center: &Terminal) -> Opening {
    let mut random = Bytes::new(&ENCAPSULATION);
    let (waiting, open) = open_session(NETWORK, &center.credential, &mut random).unwrap();
    assert!(random.is_empty());
    let (answers, opened) = accept(center, &open, &mut Bytes::new(&NONCES)).unwrap();
    Opening { asks: waiting.finish(&opened), answers, open, opened }
}

fn plain(text: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.to_vec())
}

/// The center hears a terminal.
fn opens(center: &Terminal) -> Vec<Case> {
    let Opening { open, opened, mut asks, .. } = opening(center);
    let said: Vec<String> = (0..2).map(|_| asks.ask(plain(QUESTION)).1).collect();
    let case = |name: &str, about: &str, open: &Open, messages: Vec<&String>| {
        let random = hex::encode(NONCES);
        let input = json!({"open": open, "center_random": random, "messages": messages});
        Case::new("telegram_session", name, about, ("kps", "center"), input)
    };
    let text = String::from_utf8(QUESTION.to_vec()).unwrap();
    let heard: Vec<Value> = (0..2).map(|seq| json!({"seq": seq, "text": text})).collect();
    let good = case("good", "Two messages in one session.", &open, said.iter().collect());
    let mut cases = vec![good.accepted(json!({"opened": opened, "heard": heard}))];
    let with = |change: &dyn Fn(&mut Open)| {
        let mut other = open.clone();
        change(&mut other);
        other
    };
    let stranger = crate::common::id("domain:center2.example");
    // The same encapsulated key, which leads to other keys under another info.
    let under_other_info = {
        let mut random = Bytes::new(&ENCAPSULATION);
        let (waiting, _) = open_session("other", &center.credential, &mut random).unwrap();
        waiting.finish(&opened).ask(plain(QUESTION)).1
    };
    let mut session = forge::header(&said[0]);
    session = session.replacen(&opened.session.to_string(), ZERO, 1);
    let elsewhere = said[0].split_once('.').unwrap().1;
    let elsewhere = format!("{}.{elsewhere}", warifu_protocol::encode::b64(session.as_bytes()));
    let cut = said[0][..said[0].len() - 1].to_string();
    use Reason::*;
    let first = vec![&said[0]];
    for (name, about, open, messages, reason, field) in [
        (
            "network_another",
            "In another network.",
            with(&|open| open.network = "other.example".into()),
            first.clone(),
            WrongNetwork,
            "open.network",
        ),
        (
            "center_another",
            "With another center.",
            with(&|open| open.center = stranger.clone()),
            first.clone(),
            WrongParty,
            "open.center",
        ),
        (
            "kid_unknown",
            "To a key that the center does not have.",
            with(&|open| open.kid = "AAAAAAAAAAAA".into()),
            first.clone(),
            UnknownKey,
            "open.kid",
        ),
        (
            "ek_not_base64",
            "The encapsulated key is not base64url.",
            with(&|open| open.ek = "+/==".into()),
            first.clone(),
            Malformed,
            "open.ek",
        ),
        (
            "ek_too_short",
            "The encapsulated key is cut off.",
            with(&|open| open.ek = "AAAA".into()),
            first.clone(),
            SealedWrong,
            "open.ek",
        ),
        (
            "info_of_another_network",
            "The key was encapsulated for another network: opens, and nothing is understood.",
            open.clone(),
            vec![&under_other_info],
            SealedWrong,
            "session",
        ),
        (
            "message_twice",
            "The same message comes again.",
            open.clone(),
            vec![&said[0], &said[0]],
            Replayed,
            "session.seq",
        ),
        (
            "message_of_another_session",
            "It names another session.",
            open.clone(),
            vec![&elsewhere],
            Mismatch,
            "session.sid",
        ),
        ("message_cut", "A character is missing.", open.clone(), vec![&cut], Malformed, "session"),
    ] {
        cases.push(case(name, about, &open, messages).refused(reason, SENDER, field));
    }
    cases
}

/// The terminal hears the center.
fn openeds(center: &Terminal) -> Vec<Case> {
    let Opening { open, opened, mut asks, answers } = opening(center);
    let asked = asks.ask(plain(QUESTION)).1;
    let answer = answers.answer(0, plain(ANSWER));
    let case = |name: &str, about: &str, opened: &Opened, message: &str| {
        let input = json!({
            "terminal_random": hex::encode(ENCAPSULATION), "center": center.credential_token,
            "opened": opened, "answers": [message],
        });
        Case::new("telegram_opened", name, about, ("kps", "holder"), input)
    };
    let heard = [String::from_utf8(ANSWER.to_vec()).unwrap()];
    let good = case("good", "The answer to the first message.", &opened, &answer);
    let mut cases = vec![good.accepted(json!({"open": open, "heard": heard}))];
    let later = answers.answer(1, plain(ANSWER));
    let foreign = {
        let (_, open) = open_session(NETWORK, &center.credential, &mut rng(43)).unwrap();
        let (answers, _) = accept(center, &open, &mut Bytes::new(&NONCES)).unwrap();
        answers.answer(0, plain(ANSWER))
    };
    let session = Opened { session: Nonce([0; 32]), ..opened.clone() };
    let nonce = Opened { nonce: Nonce([0; 32]), ..opened.clone() };
    use Reason::*;
    for (name, about, opened, message, reason, field) in [
        (
            "session_another",
            "It names another session.",
            &session,
            &answer,
            Mismatch,
            "session.sid",
        ),
        ("nonce_another", "The nonce was altered.", &nonce, &answer, SealedWrong, "session"),
        (
            "of_another_opening",
            "From another's session.",
            &opened,
            &foreign,
            SealedWrong,
            "session",
        ),
        ("of_another_question", "The next answer.", &opened, &later, Replayed, "session.seq"),
        ("reflected", "The question comes back.", &opened, &asked, SealedWrong, "session"),
    ] {
        cases.push(case(name, about, opened, message).refused(reason, SENDER, field));
    }
    cases
}
