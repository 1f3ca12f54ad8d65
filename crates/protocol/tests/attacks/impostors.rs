//! Parties that are not who they say: a merchant as issuer, a false merchant, holder, carrier.
use crate::{
    ISSUER, MERCHANT, Purchase, SENDER,
    common::{Cast, NETWORK, NOW, Net, id, rng},
    refused,
};
use std::sync::Arc;
use warifu_keydist::{KeyCache, KeyRing};
use warifu_protocol::{
    AtFault, Reason,
    authorization::{Authorization, Decision},
    credential::Credential,
    derive::{Context, Purpose},
    encode, jwe, meeting,
    part::{self, Expected, PartHeader},
    rule::Rule,
    sealed::{self, SealedOrder},
    signer::SigningKey,
    suite::Suite,
    terminal::Terminal,
};
use warifu_types::{Nonce, Role};

/// A terminal that lies about itself: it holds another's credential token.
fn disguised(own: Terminal, as_whom: &Terminal) -> Terminal {
    Terminal {
        credential: as_whom.credential.clone(),
        credential_token: as_whom.credential_token.clone(),
        ..own
    }
}

/// The holder means to meet `expected` in `role`; the impostor answers. What happens to the holder?
fn meets_impostor(
    cast: &Cast,
    impostor: &Terminal,
    role: Role,
    expected: Option<&Terminal>,
) -> warifu_protocol::ProtocolError {
    let (waiting, hello) =
        meeting::begin(&cast.holder, Role::Holder, role, None, None, &mut rng(1));
    // Not even the hello says more than who asks.
    assert!(!serde_json::to_string(&hello).unwrap().contains("4111"));
    let (_, challenge) = meeting::respond(impostor, &hello, NOW, &mut rng(2)).unwrap();
    let expected = expected.map(Terminal::id);
    waiting.finish(&cast.holder, &challenge, expected, NOW, &mut rng(3)).unwrap_err()
}

#[test]
fn a_merchant_that_answers_as_issuer() {
    let cast = Cast::new(Net::new());
    let (_, hello) =
        meeting::begin(&cast.holder, Role::Holder, Role::Issuer, None, None, &mut rng(1));
    // An honest terminal does not even try.
    let answer = meeting::respond(&cast.merchant, &hello, NOW, &mut rng(2)).map(|_| ());
    refused(answer, Reason::WrongParty, SENDER, "hello.to_role");
    // A dishonest one pretends to have the role; its credential does not say so.
    let mut merchant = cast.net.terminal("domain:shop.example", Role::Merchant, 2);
    let lie = Credential { roles: vec![Role::Issuer], ..(*merchant.credential).clone() };
    merchant.credential = Arc::new(lie);
    let error = meets_impostor(&cast, &merchant, Role::Issuer, None);
    refused(Err::<(), _>(error), Reason::WrongParty, SENDER, "credential.roles");
    // It shows the issuer's credential instead, and lacks the share.
    let merchant = cast.net.terminal("domain:shop.example", Role::Merchant, 2);
    let disguised = disguised(merchant, &cast.issuer);
    let error = meets_impostor(&cast, &disguised, Role::Issuer, Some(&cast.issuer));
    refused(Err::<(), _>(error), Reason::Impostor, SENDER, "challenge.proof");
}

#[test]
fn a_merchant_that_opens_the_issuers_part() {
    for net in [Net::kps(), Net::new()] {
        let purchase = Purchase::on(net);
        let merchant = &purchase.cast.merchant;
        let front = &merchant.credential;
        let result = sealed::open(merchant, purchase.bundle(), front, Role::Issuer, NOW);
        refused(result, Reason::WrongParty, SENDER, "order.parties.issuer");
        // Past the first check, the part itself names its recipient.
        let checked = sealed::check(merchant, purchase.bundle(), front, NOW).unwrap();
        let part = &purchase.bundle().parts[&Role::Issuer];
        let expected = Expected {
            holder: &checked.holder,
            order: &checked.claims.jti,
            form: &checked.form.hash,
            role: Role::Issuer,
            hash: checked.claims.parts[&Role::Issuer],
            floor: Suite::Kps,
        };
        let result = part::open_part(merchant, part, expected, NOW);
        refused(result, Reason::WrongParty, crate::HOLDER, "part.to");
    }
}

#[test]
fn a_merchant_that_tries_every_key_it_can_make_on_the_issuers_part() {
    for net in [Net::kps(), Net::new()] {
        let purchase = Purchase::on(net);
        let part = &purchase.bundle().parts[&Role::Issuer];
        let header: PartHeader =
            serde_json::from_slice(&crate::common::forge::piece(part, 0)).unwrap();
        let merchant = &purchase.cast.merchant;
        let pair = merchant.pair_key(&header.keys, &header.from, Some(&header.order)).unwrap();
        for purpose in [Purpose::Part, Purpose::PartPsk, Purpose::Session, Purpose::SessionPsk] {
            for (to, role) in [(&header.to, Role::Issuer), (merchant.id(), Role::Merchant)] {
                let context = Context {
                    network: NETWORK,
                    source: &header.keys,
                    suite: header.suite,
                    sender: (&header.from, Role::Holder),
                    recipient: (to, role),
                    about: &header.order.0,
                };
                let pieces = jwe::split(part, SENDER, "part").unwrap();
                let key = context.key(&pair, purpose);
                let result = jwe::decrypt(&pieces, &key, SENDER, "part");
                refused(result, Reason::SealedWrong, SENDER, "part");
            }
        }
    }
}

#[test]
fn a_merchant_that_forges_an_authorization() {
    let purchase = Purchase::on(Net::kps());
    let Cast { merchant, issuer, .. } = &purchase.cast;
    let order = purchase.bundle().identity().unwrap();
    let forged = Authorization {
        iss: issuer.id().clone(),
        aud: merchant.id().clone(),
        order,
        jti: Nonce([1; 32]),
        decision: Decision::Authorized,
        reason: None,
        transaction: None,
        iat: NOW,
        exp: NOW.plus(1000),
    };
    let token = forged.sign(merchant.signer.as_ref());
    let by = (Role::Issuer, &*issuer.credential);
    let result = Authorization::verify(&token, by, merchant.id(), &order, NOW);
    refused(result, Reason::BadSignature, ISSUER, "authorization");
    // The blame falls on the role that the authorizer has in this trade.
    let as_manager = (Role::CardManager, &*issuer.credential);
    let result = Authorization::verify(&token, as_manager, merchant.id(), &order, NOW);
    let manager = AtFault::Role(Role::CardManager);
    refused(result, Reason::BadSignature, manager, "authorization");
    // In its own name it is no issuer's.
    let own = Authorization { iss: merchant.id().clone(), ..forged };
    let token = own.sign(merchant.signer.as_ref());
    let result = Authorization::verify(&token, by, merchant.id(), &order, NOW);
    refused(result, Reason::BadSignature, ISSUER, "authorization");
}

#[test]
fn a_false_merchant_without_a_share() {
    let cast = Cast::new(Net::new());
    let mut impostor = cast.net.terminal("domain:shop.example", Role::Merchant, 66);
    impostor.credential_token = cast.merchant.credential_token.clone();
    impostor.ring = KeyRing::new(NETWORK, id("domain:shop.example"));
    let (_, hello) =
        meeting::begin(&cast.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
    let answer = meeting::respond(&impostor, &hello, NOW, &mut rng(2)).map(|_| ());
    refused(answer, Reason::MissingShare, warifu_protocol::AtFault::Own, "keys");
}

#[test]
fn a_false_merchant_with_a_credential_of_its_own_making() {
    let cast = Cast::new(Net::new());
    let mut impostor = cast.net.terminal("domain:shop.example", Role::Merchant, 66);
    let stranger = SigningKey::from_seed(&[66; 32]);
    impostor.credential_token = impostor.credential.sign(&stranger);
    let error = meets_impostor(&cast, &impostor, Role::Merchant, Some(&cast.merchant));
    refused(Err::<(), _>(error), Reason::BadSignature, SENDER, "credential");
    // By a center that nobody has pinned.
    let unknown =
        Credential { iss: id("domain:center9.example"), ..(*impostor.credential).clone() };
    impostor.credential_token = unknown.sign(&stranger);
    let error = meets_impostor(&cast, &impostor, Role::Merchant, Some(&cast.merchant));
    refused(Err::<(), _>(error), Reason::Untrusted, SENDER, "credential.iss");
}

#[test]
fn a_false_merchant_with_the_right_credential_and_a_wrong_share() {
    let cast = Cast::new(Net::new());
    let other = cast.net.terminal("domain:other-shop.example", Role::Merchant, 66);
    let impostor = disguised(other, &cast.merchant);
    let error = meets_impostor(&cast, &impostor, Role::Merchant, Some(&cast.merchant));
    refused(Err::<(), _>(error), Reason::Impostor, SENDER, "challenge.proof");
}

#[test]
fn another_true_merchant_than_the_one_that_is_meant() {
    let cast = Cast::new(Net::new());
    let other = cast.net.terminal("domain:other-shop.example", Role::Merchant, 66);
    let error = meets_impostor(&cast, &other, Role::Merchant, Some(&cast.merchant));
    refused(Err::<(), _>(error), Reason::Impostor, SENDER, "challenge.credential");
}

#[test]
fn a_form_of_a_false_merchant() {
    let cast = Cast::new(Net::kps());
    let token = cast.form(Rule::classic()).sign(&SigningKey::from_seed(&[66; 32]));
    let result = cast.holder.trust.form(&token, &cast.merchant.credential, NOW, MERCHANT);
    refused(result, Reason::BadSignature, MERCHANT, "form");
    // Another merchant's form, passed off as this one's.
    let other = cast.net.terminal("domain:other-shop.example", Role::Merchant, 66);
    let token = cast.form(Rule::classic()).sign(other.signer.as_ref());
    let result = cast.holder.trust.form(&token, &other.credential, NOW, MERCHANT);
    refused(result, Reason::WrongParty, MERCHANT, "form.iss");
}

#[test]
fn a_false_holder_in_a_meeting() {
    for net in [Net::kps(), Net::new()] {
        let cast = Cast::new(net);
        let mallory = cast.net.terminal("mail:mallory@example.net", Role::Holder, 66);
        let impostor = disguised(mallory, &cast.holder);
        let (waiting, hello) =
            meeting::begin(&impostor, Role::Holder, Role::Merchant, None, None, &mut rng(1));
        let (expect, challenge) =
            meeting::respond(&cast.merchant, &hello, NOW, &mut rng(2)).unwrap();
        // Her own checks would stop her, so she answers by guessing.
        let result = waiting.finish(&impostor, &challenge, None, NOW, &mut rng(3));
        refused(result, Reason::Impostor, SENDER, "challenge.proof");
        let guess = meeting::Confirm {
            session: challenge.session,
            ek: None,
            kid: None,
            proof: challenge.proof,
        };
        let result = expect.finish(&cast.merchant, &guess, NOW);
        refused(result, Reason::Impostor, SENDER, "confirm.proof");
    }
}

#[test]
fn a_false_holder_who_orders_in_anothers_name() {
    let purchase = Purchase::on(Net::kps());
    let cast = &purchase.cast;
    let mallory = cast.net.terminal("mail:mallory@example.net", Role::Holder, 66);
    // The order as it is, signed by her.
    let order =
        crate::common::forge::resigned(&purchase.bundle().order, mallory.signer.as_ref(), |_| {});
    let bundle = SealedOrder { order: order.clone(), ..purchase.bundle().clone() };
    refused(purchase.open(&bundle, Role::Issuer), Reason::BadSignature, SENDER, "order");
    // With her own credential beside it.
    let bundle = SealedOrder {
        order: order.clone(),
        credential: mallory.credential_token.clone(),
        ..purchase.bundle().clone()
    };
    refused(purchase.open(&bundle, Role::Issuer), Reason::WrongParty, SENDER, "holder");
    // And with her own name in clear.
    let bundle = SealedOrder { holder: mallory.id().clone(), ..bundle };
    let result = purchase.open(&bundle, Role::Issuer);
    refused(result, Reason::WrongParty, crate::HOLDER, "order.iss");
}

#[test]
fn a_holder_who_seals_with_a_share_that_is_not_hers() {
    // Mallory signs with the right key (she is the holder), but has no share of her own.
    let net = Net::kps();
    let other = net.terminal("mail:mallory@example.net", Role::Holder, 66);
    let mut cast = Cast::new(net);
    cast.holder.ring = other.ring;
    let sealed = cast.order(Rule::classic());
    let front = &cast.merchant.credential;
    for (terminal, role) in [(&cast.merchant, Role::Merchant), (&cast.issuer, Role::Issuer)] {
        let result = sealed::open(terminal, &sealed.bundle, front, role, NOW);
        refused(result, Reason::SealedWrong, crate::HOLDER, "part");
    }
}

#[test]
fn a_service_that_orders_as_a_holder() {
    let purchase = Purchase::on(Net::kps());
    let carrier = &purchase.cast.carrier;
    let bundle = SealedOrder {
        holder: carrier.id().clone(),
        credential: carrier.credential_token.clone(),
        ..purchase.bundle().clone()
    };
    refused(purchase.open(&bundle, Role::Issuer), Reason::WrongParty, SENDER, "holder");
}

#[test]
fn a_false_carrier() {
    for net in [Net::kps(), Net::new()] {
        let purchase = Purchase::on(net);
        let cast = &purchase.cast;
        let other = cast.net.terminal("domain:other-carrier.example", Role::Carrier, 66);
        let front = &cast.merchant.credential;
        // A true carrier that the order does not name.
        let result = sealed::open(&other, purchase.bundle(), front, Role::Carrier, NOW);
        refused(result, Reason::WrongParty, SENDER, "order.parties.carrier");
        // Under the named carrier's credential it lacks the share.
        let impostor = disguised(other, &cast.carrier);
        let result = sealed::open(&impostor, purchase.bundle(), front, Role::Carrier, NOW);
        let reason = if cast.net.suites.contains(&Suite::KpsHpke) {
            Reason::UnknownKey
        } else {
            Reason::SealedWrong
        };
        let field = if reason == Reason::UnknownKey { "part.kid" } else { "part" };
        refused(result, reason, crate::HOLDER, field);
        // And the merchant does not come into a session with it.
        let (waiting, hello) =
            meeting::begin(&cast.merchant, Role::Merchant, Role::Carrier, None, None, &mut rng(1));
        let (_, challenge) = meeting::respond(&impostor, &hello, NOW, &mut rng(2)).unwrap();
        let result =
            waiting.finish(&cast.merchant, &challenge, Some(cast.carrier.id()), NOW, &mut rng(3));
        refused(result, Reason::Impostor, SENDER, "challenge.proof");
        // With no share at all it cannot even try.
        let empty = KeyRing::new(NETWORK, cast.carrier.id().clone());
        let none = Terminal { ring: empty, cache: KeyCache::new(1), ..impostor };
        let result = meeting::respond(&none, &hello, NOW, &mut rng(2)).map(|_| ());
        refused(result, Reason::MissingShare, warifu_protocol::AtFault::Own, "keys");
    }
}

#[test]
fn a_delivery_receipt_of_a_false_carrier() {
    use warifu_protocol::delivery::{Delivery, DeliveryState};
    let cast = Cast::new(Net::kps());
    let order = encode::sha256(b"order");
    let receipt = Delivery {
        iss: cast.carrier.id().clone(),
        aud: cast.merchant.id().clone(),
        order,
        state: DeliveryState::Delivered,
        iat: NOW,
    };
    let carrier = warifu_protocol::AtFault::Role(Role::Carrier);
    let token = receipt.sign(cast.merchant.signer.as_ref());
    let result = Delivery::verify(&token, &cast.carrier.credential, cast.merchant.id(), &order);
    refused(result, Reason::BadSignature, carrier, "delivery");
}
