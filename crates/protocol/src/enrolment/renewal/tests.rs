use super::*;
use crate::{
    ChaCha20Rng, SeedableRng, credential::Class, enrolment::encrypt_shares, signer::SigningKey,
    suite::Suite,
};
use warifu_keydist::{CenterMatrices, CenterSeed, Thresholds};

const NOW: UnixTime = UnixTime(1_700_000_000);
const CENTER: AtFault = AtFault::Role(Role::Center);

fn id(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

fn signer(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

fn pinned(number: u8, epoch: u32) -> PinnedCenter {
    PinnedCenter {
        center: id(&format!("domain:center{number}.example")),
        key: signer(number).verifying_key(),
        epoch,
        grace_until: UnixTime(0),
    }
}

fn anchors() -> Anchors {
    Anchors { network: "town".into(), centers: vec![pinned(1, 3), pinned(2, 1)] }
}

fn notice(number: u8, epoch: u32) -> EpochNotice {
    EpochNotice {
        iss: pinned(number, 0).center,
        network: "town".into(),
        epoch,
        grace_until: NOW.plus(60),
        iat: NOW,
    }
}

fn learnt(token: String) -> Result<Anchors> {
    learn(&anchors(), &[token], NOW, CENTER)
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, at_fault: AtFault, reason: Reason, field: &str) {
    let error = result.unwrap_err();
    assert_eq!((error.at_fault, error.reason, error.field.as_ref()), (at_fault, reason, field));
}

#[test]
fn a_later_epoch_is_learnt_with_its_grace() {
    let both = [notice(2, 2).sign(&signer(2)), notice(1, 5).sign(&signer(1))];
    let learnt = learn(&anchors(), &both, NOW, CENTER).unwrap();
    let shown: Vec<_> = learnt.centers.iter().map(|c| (c.epoch, c.grace_until)).collect();
    assert_eq!(shown, [(5, NOW.plus(60)), (2, NOW.plus(60))]);
    let known = learn(&anchors(), &[notice(1, 3).sign(&signer(1))], NOW, CENTER).unwrap();
    assert_eq!(known, anchors(), "the epoch that is known changes nothing, its grace included");
}

#[test]
fn bad_notices_are_refused() {
    let foreign = EpochNotice { network: "city".into(), ..notice(1, 4) };
    let early = EpochNotice { iat: NOW.plus(1000), ..notice(1, 4) };
    refused(learnt(notice(1, 2).sign(&signer(1))), CENTER, Reason::OldEpoch, "epoch.epoch");
    refused(learnt(notice(1, 4).sign(&signer(2))), CENTER, Reason::BadSignature, "epoch");
    refused(learnt(notice(3, 4).sign(&signer(3))), CENTER, Reason::Untrusted, "epoch.iss");
    refused(learnt(foreign.sign(&signer(1))), CENTER, Reason::WrongNetwork, "epoch.network");
    refused(learnt(early.sign(&signer(1))), CENTER, Reason::NotYetValid, "epoch.iat");
    refused(learnt("x".into()), CENTER, Reason::Malformed, "epoch");
}

#[test]
fn an_epoch_is_over_when_its_grace_is() {
    let mut anchors = anchors();
    anchors.centers[0].grace_until = NOW;
    let of = |epoch| CenterEpoch { center: anchors.centers[0].center.clone(), epoch };
    let over = |epoch, now| is_over(&anchors, &of(epoch), now);
    assert!(!over(2, NOW.minus(1)) && over(2, NOW));
    assert!(over(1, UnixTime(1)), "two epochs back there is no grace");
    assert!(!over(3, NOW) && !over(4, NOW));
}

fn request() -> RenewalRequest {
    RenewalRequest {
        iss: id("mail:hanako@example.jp"),
        aud: pinned(1, 0).center,
        network: "town".into(),
        credential: "x".into(),
        notices: vec!["x".into()],
        iat: NOW,
        exp: NOW.plus(REQUEST_LIFETIME),
    }
}

#[test]
fn a_request_is_the_partys_own_and_for_this_center() {
    let (party, key) = (id("mail:hanako@example.jp"), signer(9).verifying_key());
    let center = pinned(1, 0).center;
    let asked = |request: &RenewalRequest, by: u8, now| {
        let token = request.sign(&signer(by));
        RenewalRequest::verify(&token, (&party, &key), ("town", &center), now)
    };
    assert_eq!(asked(&request(), 9, NOW).unwrap(), request());
    type Change = fn(&mut RenewalRequest);
    let changes: [(Change, Reason, &str); 6] = [
        (|r| r.iss = id("mail:x@example.jp"), Reason::WrongParty, "renewal_request.iss"),
        (|r| r.aud = pinned(2, 0).center, Reason::WrongParty, "renewal_request.aud"),
        (|r| r.network = "city".into(), Reason::WrongNetwork, "renewal_request.network"),
        (|r| r.notices.clear(), Reason::BadValue, "renewal_request.notices"),
        (|r| r.notices = vec!["x".into(); 17], Reason::BadValue, "renewal_request.notices"),
        (|r| r.exp = NOW.plus(301), Reason::BadValue, "renewal_request.exp"),
    ];
    for (change, reason, field) in changes {
        let mut changed = request();
        change(&mut changed);
        refused(asked(&changed, 9, NOW), AtFault::Sender, reason, field);
    }
    let late = NOW.plus(REQUEST_LIFETIME + crate::CLOCK_SKEW);
    refused(asked(&request(), 8, NOW), AtFault::Sender, Reason::BadSignature, "renewal_request");
    refused(asked(&request(), 9, late), AtFault::Sender, Reason::Expired, "renewal_request.exp");
}

fn share(epoch: u32, owner: &str) -> Share {
    let center = CenterEpoch { center: pinned(1, 0).center, epoch };
    let seed = CenterSeed::from_bytes([1; 32]);
    CenterMatrices::new(seed, "town", center, Thresholds::new(4, 3).unwrap())
        .holder_share(0, &id(owner))
}

fn granted(share: &Share, change: impl Fn(&mut Grant), by: u8) -> Renewal {
    let hanako = id("mail:hanako@example.jp");
    let key = HpkeSecret::from_seed([5; 32]).public();
    let mut rng = ChaCha20Rng::from_seed([6; 32]);
    let shares = encrypt_shares(&hanako, &key, std::slice::from_ref(share), &mut rng).unwrap();
    let mut grant = Grant {
        iss: pinned(1, 0).center,
        network: "town".into(),
        sub: hanako,
        epoch: 3,
        shares: sha256(shares.as_bytes()),
    };
    change(&mut grant);
    Renewal { grant: grant.sign(&signer(by)), credential: None, shares }
}

#[test]
fn a_grant_is_the_centers_word_on_these_very_shares() {
    let keys = [HpkeSecret::from_seed([5; 32])];
    let open = |renewal: &Renewal| {
        renewal.open("town", &pinned(1, 3), &id("mail:hanako@example.jp"), &keys).map(|_| ())
    };
    let good = share(3, "mail:hanako@example.jp");
    open(&granted(&good, |_| {}, 1)).unwrap();
    type Change = fn(&mut Grant);
    let changes: [(Change, Reason, &str); 5] = [
        (|g| g.iss = pinned(2, 0).center, Reason::WrongParty, "grant.iss"),
        (|g| g.network = "city".into(), Reason::WrongNetwork, "grant.network"),
        (|g| g.sub = id("mail:x@example.jp"), Reason::WrongParty, "grant.sub"),
        (|g| g.epoch = 2, Reason::OldEpoch, "grant.epoch"),
        (|g| g.shares = Digest([0; 32]), Reason::Mismatch, "grant.shares"),
    ];
    for (change, reason, field) in changes {
        refused(open(&granted(&good, change, 1)), CENTER, reason, field);
    }
    refused(open(&granted(&good, |_| {}, 2)), CENTER, Reason::BadSignature, "grant");
    let older = share(2, "mail:hanako@example.jp");
    refused(open(&granted(&older, |_| {}, 1)), CENTER, Reason::WrongParty, "shares");
    let another = share(3, "mail:x@example.jp");
    refused(open(&granted(&another, |_| {}, 1)), CENTER, Reason::WrongParty, "shares");
}

#[test]
fn a_credential_is_due_in_the_last_tenth_of_its_life() {
    let credential = Credential {
        iss: pinned(1, 0).center,
        network: "town".into(),
        sub: id("mail:hanako@example.jp"),
        class: Class::Holder {},
        roles: vec![Role::Holder],
        key: signer(9).verifying_key(),
        hpke: Vec::new(),
        suites: vec![Suite::Kps],
        epochs: Vec::new(),
        url: None,
        iat: NOW,
        exp: NOW.plus(1000),
    };
    assert!(!is_due(&credential, NOW.plus(899)) && is_due(&credential, NOW.plus(900)));
}
