//! Telegrams between a holder and the network's first center, as Warifu writes them: the session that
//! they travel in, the telegram, its answer, and a prepaid card.

use crate::{
    common::{NETWORK, NOW, rng},
    trade::Trade,
};
use serde_json::{Value, json};
use warifu_protocol::{
    AtFault,
    encode::{b64, to_json, unb64},
    hpke::{Binding, decapsulate},
    jws::TokenType,
    prepaid::{PREPAID_CARD, PrepaidCard},
    telegram::{
        Funding, Instruction, Outcome, TELEGRAM, TELEGRAM_ANSWER, Telegram, TelegramAnswer, TopUp,
        TopUpState, identity, key_id, session,
    },
    terminal::Terminal,
};
use warifu_types::{Currency, Money, Nonce, Role};
use zeroize::Zeroizing;

/// The center as a party, with the key that everyone has pinned.
fn center(trade: &Trade) -> Terminal {
    trade.cast.net.terminal("domain:center1.example", Role::Center, 101)
}

/// Telegram, card and answer, for the list of signed messages.
pub fn push(trade: &mut Trade) {
    let center = center(trade);
    let member = trade.cast.holder.credential.clone();
    let loaded = Money::new(10_000, Currency::JPY).unwrap();
    let top_up = TopUp { amount: loaded, card: None, funding: Funding::PayIn {} };
    let telegram = Telegram {
        iss: member.sub.clone(),
        aud: center.id().clone(),
        key: key_id(&member.key),
        jti: Nonce([8; 32]),
        seq: 3,
        instruction: Instruction::TopUp(Box::new(top_up)),
        iat: NOW,
        exp: NOW.plus(86_400),
    };
    let token = telegram.sign(trade.signer(Role::Holder).as_ref());
    let telegram = trade.push::<Telegram>(TELEGRAM, Role::Holder, "telegram", token);
    let card = PrepaidCard {
        iss: center.id().clone(),
        network: NETWORK.to_string(),
        sub: member.sub.clone(),
        number: "4111111111111111".into(),
        expiry: "2030-12".into(),
        loaded,
        serial: 1,
        iat: NOW,
        exp: NOW.plus(86_400),
    };
    let by_center = center.signer.as_ref();
    let token = card.sign(by_center);
    let card = trade.push::<PrepaidCard>(PREPAID_CARD, Role::Center, "prepaid card", token);
    let answer = TelegramAnswer {
        iss: center.id().clone(),
        aud: member.sub.clone(),
        telegram: identity(&telegram),
        outcome: Outcome::TopUp(TopUpState::Issued { card }),
        iat: NOW,
    };
    let (kind, name): (TokenType, _) = (TELEGRAM_ANSWER, "telegram answer");
    trade.push::<TelegramAnswer>(kind, Role::Center, name, answer.sign(by_center));
}

/// The session in which they travel, with the center's secrets, and the root that they lead to.
pub fn session(trade: &Trade) -> Value {
    let center = center(trade);
    let (waiting, open) = session::open(NETWORK, &center.credential, &mut rng(51)).unwrap();
    let (answers, opened) = session::accept(&center, &open, &mut rng(52)).unwrap();
    let mut asks = waiting.finish(&opened);
    let plain = |value: Value| Zeroizing::new(to_json(&value));
    let question = asks.ask(plain(json!({"telegram": trade.token("telegram")}))).1;
    let answer = json!({"ok": {"answer": trade.token("telegram answer")}});
    let answer = answers.answer(0, plain(answer));
    let info: Vec<u8> = ["warifu/1 telegram session", NETWORK, center.id().as_str()]
        .iter()
        .flat_map(|item| [&(item.len() as u16).to_be_bytes()[..], item.as_bytes()].concat())
        .collect();
    let binding = Binding { psk: None, info: &info };
    let ek = unb64(&open.ek, AtFault::Own, "ek").unwrap();
    let root = decapsulate(&center.hpke[0], &ek, &binding, AtFault::Own, "ek").unwrap();
    json!({
        "open": open, "opened": opened, "question": question, "answer": answer,
        "hpke_seed": b64(center.hpke[0].seed()), "root": b64(&*root),
    })
}

/// The peers have found the two messages in the session.
pub fn check(trade: &Trade, answer: &Value, peer: &str) {
    let said = json!([
        {"telegram": trade.token("telegram")},
        {"ok": {"answer": trade.token("telegram answer")}},
    ]);
    assert_eq!(answer["telegram_session"], said, "{peer}");
}
