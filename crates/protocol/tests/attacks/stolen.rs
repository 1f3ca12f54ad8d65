//! A stolen share: it reads what suite `kps` protects, and it cannot sign. Under `kps+hpke` it does
//! not read either.
use crate::{
    SENDER,
    common::{Cast, NETWORK, NOW, Net, rng},
    refused,
};
use std::sync::Arc;
use warifu_keydist::{KeyCache, KeyRing, Share};
use warifu_protocol::{
    Reason, hpke::HpkeSecret, meeting, rule::Rule, sealed, signer::SigningKey, terminal::Terminal,
};
use warifu_types::{FieldName, Role};
use zeroize::Zeroizing;

/// A thief who copied the shares of a party, and its credential, but neither its signature key nor
/// its HPKE keys.
fn thief(cast: &Cast, victim: &Terminal) -> Terminal {
    let mut ring = KeyRing::new(NETWORK, victim.id().clone());
    for share in victim.ring.shares() {
        ring.insert(Share::from_file(&share.to_file()).unwrap()).unwrap();
    }
    let stranger = cast.net.terminal("mail:mallory@example.net", Role::Holder, 66);
    Terminal {
        credential: victim.credential.clone(),
        credential_token: victim.credential_token.clone(),
        signer: Arc::new(SigningKey::from_seed(&[66; 32])),
        hpke: vec![HpkeSecret::from_seed([66; 32])],
        ring,
        cache: KeyCache::new(10),
        ..stranger
    }
}

#[test]
fn it_reads_the_parts_of_suite_kps() {
    // The documentation says so (SECURITY.md); here is the proof that it is honest.
    let cast = Cast::new(Net::kps());
    let sealed = cast.order(Rule::classic());
    let thief = thief(&cast, &cast.issuer);
    let front = &cast.merchant.credential;
    let opened = sealed::open(&thief, &sealed.bundle, front, Role::Issuer, NOW).unwrap();
    assert_eq!(opened.text(&FieldName::CARD_NUMBER), "4111111111111111");
}

#[test]
fn it_does_not_read_the_parts_of_suite_kps_hpke() {
    let cast = Cast::new(Net::new());
    let sealed = cast.order(Rule::classic());
    let thief = thief(&cast, &cast.issuer);
    let front = &cast.merchant.credential;
    let result = sealed::open(&thief, &sealed.bundle, front, Role::Issuer, NOW);
    refused(result, Reason::UnknownKey, crate::HOLDER, "part.kid");
    // The holder's share does not open them either, once they are sealed.
    let thief = self::thief(&cast, &cast.holder);
    let result = sealed::open(&thief, &sealed.bundle, front, Role::Issuer, NOW);
    refused(result, Reason::WrongParty, SENDER, "order.parties.issuer");
}

#[test]
fn it_cannot_sign_an_order() {
    for net in [Net::kps(), Net::new()] {
        let mut cast = Cast::new(net);
        cast.holder = thief(&cast, &cast.holder);
        let sealed = cast.order(Rule::classic());
        let front = &cast.merchant.credential;
        for (terminal, role) in [
            (&cast.merchant, Role::Merchant),
            (&cast.issuer, Role::Issuer),
            (&cast.carrier, Role::Carrier),
        ] {
            let result = sealed::open(terminal, &sealed.bundle, front, role, NOW);
            refused(result, Reason::BadSignature, SENDER, "order");
        }
    }
}

#[test]
fn it_does_not_answer_for_its_party_under_suite_kps_hpke() {
    let cast = Cast::new(Net::new());
    let thief = thief(&cast, &cast.merchant);
    let (waiting, hello) =
        meeting::begin(&cast.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
    let (expect, challenge) = meeting::respond(&thief, &hello, NOW, &mut rng(2)).unwrap();
    // The share is enough for the responder's proof, not for the session's keys.
    let (mut met, confirm) =
        waiting.finish(&cast.holder, &challenge, None, NOW, &mut rng(3)).unwrap();
    let (_, token) = met.session.ask(Zeroizing::new(b"4111111111111111".to_vec()));
    assert!(!token.contains("4111"));
    let result = expect.finish(&thief, &confirm, NOW);
    refused(result, Reason::Impostor, SENDER, "confirm.kid");
}

#[test]
fn a_thief_who_renames_its_hpke_key_learns_nothing() {
    // It answers with the victim's key id in the confirmation changed to its own.
    let cast = Cast::new(Net::new());
    let thief = thief(&cast, &cast.merchant);
    let (waiting, hello) =
        meeting::begin(&cast.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
    let (expect, challenge) = meeting::respond(&thief, &hello, NOW, &mut rng(2)).unwrap();
    let (_, mut confirm) =
        waiting.finish(&cast.holder, &challenge, None, NOW, &mut rng(3)).unwrap();
    confirm.kid = Some(thief.hpke[0].kid().to_string());
    let result = expect.finish(&thief, &confirm, NOW);
    refused(result, Reason::Impostor, SENDER, "confirm.proof");
}
