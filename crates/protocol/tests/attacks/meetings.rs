//! Whoever sits between two parties that meet: replays, reflects and relays.
use crate::{
    SENDER,
    common::{Cast, NOW, Net, rng},
    refused,
};
use warifu_protocol::{
    Reason,
    meeting::{self, Challenge, Confirm, Hello, Met},
    session::Session,
    suite::Suite,
};
use warifu_types::{Digest, Role};
use zeroize::Zeroizing;

/// What went over the wire while two honest parties met, and both ends of it.
struct Meeting {
    hello: Hello,
    challenge: Challenge,
    confirm: Confirm,
    holder: Met,
    merchant: Met,
}

fn meet(cast: &Cast, seed: u8) -> Meeting {
    let begun = (Role::Holder, Role::Merchant, &mut rng(seed));
    let (waiting, hello) = meeting::begin(&cast.holder, begun.0, begun.1, None, None, begun.2);
    let (expect, challenge) =
        meeting::respond(&cast.merchant, &hello, NOW, &mut rng(seed + 1)).unwrap();
    let expected = Some(cast.merchant.id());
    let (holder, confirm) =
        waiting.finish(&cast.holder, &challenge, expected, NOW, &mut rng(seed + 2)).unwrap();
    let merchant = expect.finish(&cast.merchant, &confirm, NOW).unwrap();
    Meeting { hello, challenge, confirm, holder, merchant }
}

fn ask(session: &mut Session, text: &str) -> (u64, String) {
    session.ask(Zeroizing::new(text.into()))
}

fn nets() -> [Cast; 2] {
    [Cast::new(Net::kps()), Cast::new(Net::new())]
}

#[test]
fn a_question_heard_twice() {
    for cast in nets() {
        let mut meeting = meet(&cast, 1);
        let (_, token) = ask(&mut meeting.holder.session, "pay");
        meeting.merchant.session.hear(&token).unwrap();
        let again = meeting.merchant.session.hear(&token);
        refused(again, Reason::Replayed, SENDER, "session.seq");
    }
}

#[test]
fn a_question_from_another_session() {
    for cast in nets() {
        let mut first = meet(&cast, 1);
        let mut second = meet(&cast, 11);
        let (_, token) = ask(&mut first.holder.session, "pay");
        let result = second.merchant.session.hear(&token);
        refused(result, Reason::Mismatch, SENDER, "session.sid");
    }
}

#[test]
fn an_old_answer_to_a_new_question() {
    for cast in nets() {
        let mut meeting = meet(&cast, 1);
        let (first, _) = ask(&mut meeting.holder.session, "may I?");
        let (second, _) = ask(&mut meeting.holder.session, "may I now?");
        let yes = meeting.merchant.session.answer(first, Zeroizing::new(b"yes".to_vec()));
        assert_eq!(&**meeting.holder.session.hear_answer(first, &yes).unwrap(), b"yes");
        let result = meeting.holder.session.hear_answer(second, &yes);
        refused(result, Reason::Replayed, SENDER, "session.seq");
    }
}

#[test]
fn a_reflected_session_message() {
    for cast in nets() {
        let mut meeting = meet(&cast, 1);
        let (seq, token) = ask(&mut meeting.holder.session, "pay");
        let result = meeting.holder.session.hear(&token);
        refused(result, Reason::SealedWrong, SENDER, "session");
        let result = meeting.holder.session.hear_answer(seq, &token);
        refused(result, Reason::SealedWrong, SENDER, "session");
    }
}

#[test]
fn a_forged_message_does_not_move_the_window() {
    for cast in nets() {
        let mut meeting = meet(&cast, 1);
        let (_, honest) = ask(&mut meeting.holder.session, "pay");
        let far = String::from_utf8(crate::common::forge::piece(&honest, 0))
            .unwrap()
            .replace(r#""seq":0"#, r#""seq":18446744073709551615"#);
        let rest = honest.split_once('.').unwrap().1;
        let forged = format!("{}.{rest}", warifu_protocol::encode::b64(far.as_bytes()));
        let result = meeting.merchant.session.hear(&forged);
        refused(result, Reason::SealedWrong, SENDER, "session");
        assert_eq!(&**meeting.merchant.session.hear(&honest).unwrap().1, b"pay");
    }
}

#[test]
fn every_byte_of_a_session_message() {
    let cast = Cast::new(Net::kps());
    let mut meeting = meet(&cast, 1);
    let (_, honest) = ask(&mut meeting.holder.session, "pay 1980 JPY");
    for place in 0..honest.len() {
        for bit in 0..7 {
            let mut bytes = honest.as_bytes().to_vec();
            bytes[place] ^= 1 << bit;
            let changed = String::from_utf8(bytes).unwrap();
            let error = meeting.merchant.session.hear(&changed).unwrap_err();
            assert_eq!(error.at_fault, SENDER);
            assert!(error.field.starts_with("session"), "{error}");
        }
    }
    assert!(meeting.merchant.session.hear(&honest).is_ok(), "nothing was changed by all that");
}

#[test]
fn a_hello_replayed() {
    for cast in nets() {
        let old = meet(&cast, 1);
        // The merchant answers an old hello with fresh nonces; the old confirmation does not fit.
        let (expect, challenge) =
            meeting::respond(&cast.merchant, &old.hello, NOW, &mut rng(40)).unwrap();
        refused(
            expect.finish(&cast.merchant, &old.confirm, NOW),
            Reason::Impostor,
            SENDER,
            "confirm.session",
        );
        let (expect, _) = meeting::respond(&cast.merchant, &old.hello, NOW, &mut rng(40)).unwrap();
        let fitted = Confirm { session: challenge.session, ..old.confirm };
        let result = expect.finish(&cast.merchant, &fitted, NOW);
        refused(result, Reason::Impostor, SENDER, "confirm.proof");
    }
}

#[test]
fn an_old_challenge_to_a_new_hello() {
    for cast in nets() {
        let old = meet(&cast, 1);
        let (waiting, _) =
            meeting::begin(&cast.holder, Role::Holder, Role::Merchant, None, None, &mut rng(30));
        let result = waiting.finish(&cast.holder, &old.challenge, None, NOW, &mut rng(31));
        refused(result, Reason::Impostor, SENDER, "challenge.proof");
    }
}

#[test]
fn a_confirmation_that_comes_late() {
    let cast = Cast::new(Net::kps());
    let (waiting, hello) =
        meeting::begin(&cast.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
    let (expect, challenge) = meeting::respond(&cast.merchant, &hello, NOW, &mut rng(2)).unwrap();
    let (_, confirm) = waiting.finish(&cast.holder, &challenge, None, NOW, &mut rng(3)).unwrap();
    let late = NOW.plus(meeting::CONFIRM_WITHIN + 1);
    let result = expect.finish(&cast.merchant, &confirm, late);
    refused(result, Reason::Expired, SENDER, "confirm");
}

#[test]
fn the_responders_own_proof_sent_back() {
    let cast = Cast::new(Net::kps());
    let (_, hello) =
        meeting::begin(&cast.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
    let (expect, challenge) = meeting::respond(&cast.merchant, &hello, NOW, &mut rng(2)).unwrap();
    let reflected =
        Confirm { session: challenge.session, ek: None, kid: None, proof: challenge.proof };
    let result = expect.finish(&cast.merchant, &reflected, NOW);
    refused(result, Reason::Impostor, SENDER, "confirm.proof");
}

#[test]
fn a_hello_sent_back_to_its_sender() {
    for cast in nets() {
        let (_, hello) =
            meeting::begin(&cast.merchant, Role::Merchant, Role::Merchant, None, None, &mut rng(1));
        let result = meeting::respond(&cast.merchant, &hello, NOW, &mut rng(2)).map(|_| ());
        refused(result, Reason::Impostor, SENDER, "hello.credential");
    }
}

#[test]
fn a_challenge_with_the_initiators_own_credential() {
    let cast = Cast::new(Net::kps());
    let (waiting, hello) =
        meeting::begin(&cast.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
    let (_, mut challenge) = meeting::respond(&cast.merchant, &hello, NOW, &mut rng(2)).unwrap();
    challenge.credential = cast.holder.credential_token.clone();
    let result = waiting.finish(&cast.holder, &challenge, None, NOW, &mut rng(3));
    refused(result, Reason::Impostor, SENDER, "challenge.credential");
}

#[test]
fn a_relayed_challenge_gives_the_relay_nothing() {
    for cast in nets() {
        // Mallory has shares of her own, and passes everything on unchanged.
        let mut meeting = meet(&cast, 1);
        let mallory = cast.net.terminal("domain:mallory.example", Role::Merchant, 66);
        let (_, token) = ask(&mut meeting.holder.session, "card 4111111111111111");
        // The two honest parties are in session with each other, by name, not with her.
        assert_eq!(meeting.holder.peer.sub, *cast.merchant.id());
        assert_eq!(meeting.merchant.peer.sub, *cast.holder.id());
        assert_eq!(&**meeting.merchant.session.hear(&token).unwrap().1, b"card 4111111111111111");
        // With all that she saw, she cannot stand in for the merchant.
        let disguised = warifu_protocol::terminal::Terminal {
            credential: cast.merchant.credential.clone(),
            credential_token: cast.merchant.credential_token.clone(),
            ..mallory
        };
        let (expect, _) = meeting::respond(&disguised, &meeting.hello, NOW, &mut rng(2)).unwrap();
        let result = expect.finish(&disguised, &meeting.confirm, NOW);
        refused(result, Reason::Impostor, SENDER, "confirm.proof");
        assert!(!serde_json::to_string(&meeting.challenge).unwrap().contains("4111"));
    }
}

#[test]
fn a_challenge_relayed_from_another_party() {
    for cast in nets() {
        // The holder means the merchant; Mallory relays to another shop that she would rather have.
        let other = cast.net.terminal("domain:other-shop.example", Role::Merchant, 66);
        let (waiting, hello) =
            meeting::begin(&cast.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
        let (_, challenge) = meeting::respond(&other, &hello, NOW, &mut rng(2)).unwrap();
        let expected = Some(cast.merchant.id());
        let result = waiting.finish(&cast.holder, &challenge, expected, NOW, &mut rng(3));
        refused(result, Reason::Impostor, SENDER, "challenge.credential");
    }
}

#[test]
fn a_challenge_relayed_under_the_relays_own_name() {
    for cast in nets() {
        // Mallory, a true merchant, relays the merchant's challenge as if it were hers.
        let mallory = cast.net.terminal("domain:mallory.example", Role::Merchant, 66);
        let (waiting, hello) =
            meeting::begin(&cast.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
        let (_, mut challenge) =
            meeting::respond(&cast.merchant, &hello, NOW, &mut rng(2)).unwrap();
        challenge.credential = mallory.credential_token.clone();
        let expected = Some(mallory.id());
        let result = waiting.finish(&cast.holder, &challenge, expected, NOW, &mut rng(3));
        refused(result, Reason::Impostor, SENDER, "challenge.proof");
    }
}

#[test]
fn each_item_of_the_meeting_altered() {
    for cast in nets() {
        let altered: [fn(&mut Hello); 4] = [
            |hello| hello.nonce.0[0] ^= 1,
            |hello| hello.form = Some(Digest([1; 32])),
            |hello| hello.trade = Some(warifu_types::OrderId([1; 32])),
            |hello| hello.role = Role::Holder,
        ];
        for (number, alter) in altered.into_iter().enumerate() {
            let (waiting, hello) =
                meeting::begin(&cast.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
            let mut on_the_way = hello.clone();
            alter(&mut on_the_way);
            let (_, challenge) =
                meeting::respond(&cast.merchant, &on_the_way, NOW, &mut rng(2)).unwrap();
            let result = waiting.finish(&cast.holder, &challenge, None, NOW, &mut rng(3));
            if number < 3 {
                refused(result, Reason::Impostor, SENDER, "challenge.proof");
            } else {
                assert!(result.is_ok(), "the same role again changes nothing");
            }
        }
        let altered: [fn(&mut Challenge); 3] = [
            |challenge| challenge.session.0[0] ^= 1,
            |challenge| challenge.nonce.0[0] ^= 1,
            |challenge| challenge.proof.0[0] ^= 1,
        ];
        for alter in altered {
            let (waiting, hello) =
                meeting::begin(&cast.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
            let (_, mut challenge) =
                meeting::respond(&cast.merchant, &hello, NOW, &mut rng(2)).unwrap();
            alter(&mut challenge);
            let result = waiting.finish(&cast.holder, &challenge, None, NOW, &mut rng(3));
            refused(result, Reason::Impostor, SENDER, "challenge.proof");
        }
    }
}

#[test]
fn an_encapsulated_key_altered_or_taken_away() {
    let cast = Cast::new(Net::new());
    let altered: [fn(&mut Confirm); 4] = [
        |confirm| confirm.ek = None,
        |confirm| confirm.kid = None,
        |confirm| (confirm.ek, confirm.kid) = (None, None),
        |confirm| {
            let ek = confirm.ek.take().unwrap();
            confirm.ek = Some(format!("A{}", &ek[1..]));
        },
    ];
    for alter in altered {
        let (waiting, hello) =
            meeting::begin(&cast.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
        let (expect, challenge) =
            meeting::respond(&cast.merchant, &hello, NOW, &mut rng(2)).unwrap();
        assert_eq!(challenge.suite, Suite::KpsHpke);
        let (_, mut confirm) =
            waiting.finish(&cast.holder, &challenge, None, NOW, &mut rng(3)).unwrap();
        alter(&mut confirm);
        let result = expect.finish(&cast.merchant, &confirm, NOW);
        refused(result, Reason::Impostor, SENDER, "confirm.proof");
    }
}

#[test]
fn a_hello_from_another_network() {
    let cast = Cast::new(Net::kps());
    let (_, mut hello) =
        meeting::begin(&cast.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
    hello.network = "other.example".into();
    let result = meeting::respond(&cast.merchant, &hello, NOW, &mut rng(2)).map(|_| ());
    refused(result, Reason::WrongNetwork, SENDER, "hello.network");
}

#[test]
fn a_role_that_the_credential_does_not_give() {
    let cast = Cast::new(Net::kps());
    let (_, mut hello) =
        meeting::begin(&cast.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
    hello.role = Role::Issuer;
    let result = meeting::respond(&cast.merchant, &hello, NOW, &mut rng(2)).map(|_| ());
    refused(result, Reason::WrongParty, SENDER, "credential.roles");
}
