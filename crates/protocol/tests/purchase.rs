//! The sealed order among its parties: who opens what.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]
mod common;

use common::{Cast, NOW, Net, rng};
use warifu_protocol::{
    meeting,
    rule::Rule,
    sealed::{self, OpenedOrder},
    terminal::Terminal,
};
use warifu_types::{FieldName, Role};
use zeroize::Zeroizing;

fn opened(cast: &Cast, terminal: &Terminal, role: Role, rule: Rule) -> OpenedOrder {
    let sealed = cast.order(rule);
    sealed::open(terminal, &sealed.bundle, &cast.merchant.credential, role, NOW).unwrap()
}

#[test]
fn each_party_sees_its_own_fields() {
    for net in [Net::new(), Net::kps()] {
        let cast = Cast::new(net);
        for rule in [Rule::classic(), Rule::minimal()] {
            for (terminal, role) in [
                (&cast.merchant, Role::Merchant),
                (&cast.issuer, Role::Issuer),
                (&cast.carrier, Role::Carrier),
            ] {
                let order = opened(&cast, terminal, role, rule.clone());
                let mut expected: Vec<_> = rule.part(role).to_vec();
                expected.sort();
                assert_eq!(order.fields.keys().cloned().collect::<Vec<_>>(), expected);
                let card_sealed = order.sealed_fields().contains(&&FieldName::CARD_NUMBER);
                assert_eq!(card_sealed, role != Role::Issuer);
            }
        }
    }
}

#[test]
fn a_pair_meets_and_talks() {
    for net in [Net::new(), Net::kps()] {
        let cast = Cast::new(net);
        let (waiting, hello) =
            meeting::begin(&cast.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
        let (expect, challenge) =
            meeting::respond(&cast.merchant, &hello, NOW, &mut rng(2)).unwrap();
        let (mut asks, confirm) = waiting
            .finish(&cast.holder, &challenge, Some(cast.merchant.id()), NOW, &mut rng(3))
            .unwrap();
        let mut answers = expect.finish(&cast.merchant, &confirm, NOW).unwrap();
        let (seq, message) = asks.session.ask(Zeroizing::new(b"two teas".to_vec()));
        let (heard_seq, heard) = answers.session.hear(&message).unwrap();
        assert_eq!((heard_seq, heard.as_slice()), (seq, &b"two teas"[..]));
        assert!(answers.session.hear(&message).is_err(), "replay");
        let answer = answers.session.answer(seq, Zeroizing::new(b"1980 JPY".to_vec()));
        assert_eq!(asks.session.hear_answer(seq, &answer).unwrap().as_slice(), b"1980 JPY");
        assert!(answers.session.hear(&answer).is_err(), "reflected");
    }
}
