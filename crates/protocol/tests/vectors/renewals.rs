//! Epochs: a center's notice, a party's request for renewal, and the center's answer.
use crate::{
    case::Case,
    common::{NETWORK, NOW, rng},
    decisions::{ZERO, changed},
    network::{Made, kps},
};
use serde_json::json;
use warifu_protocol::{
    AtFault, CLOCK_SKEW, Reason,
    encode::sha256,
    enrolment::{
        encrypt_shares,
        renewal::{EpochNotice, Grant, REQUEST_LIFETIME, Renewal, RenewalRequest},
    },
    signer::Signer,
};
use warifu_types::{Identifier, Role};

pub const CENTER: AtFault = AtFault::Role(Role::Center);

pub fn cases() -> Vec<Case> {
    let made = kps();
    [notices(&made), requests(&made), answers(&made)].into_iter().flatten().collect()
}

/// The two centers' keys, the first before the second.
fn signers(made: &Made) -> (&dyn Signer, &dyn Signer) {
    let centers = &made.cast.net.centers;
    (&centers[0].1, &centers[1].1)
}

fn center(made: &Made) -> Identifier {
    made.cast.net.anchors.centers[0].center.clone()
}

/// The first center begins an epoch.
fn notice(made: &Made, epoch: u32) -> String {
    EpochNotice {
        iss: center(made),
        network: NETWORK.to_string(),
        epoch,
        grace_until: NOW.plus(3_600),
        iat: NOW.minus(10),
    }
    .sign(signers(made).0)
}

fn notices(made: &Made) -> Vec<Case> {
    let case = |name: &str, about: &str, token: String| {
        Case::new("epoch", name, about, ("kps", "holder"), json!({"token": token}))
    };
    use Reason::*;
    let wrongs = [
        (
            "issuer_no_center",
            "In the name of one who is no center of the network.",
            "iss",
            json!("domain:center9.example"),
            Untrusted,
            "iss",
        ),
        (
            "network_another",
            "For another network.",
            "network",
            json!("other.example"),
            WrongNetwork,
            "network",
        ),
        (
            "from_the_future",
            "Dated beyond the clocks' difference.",
            "iat",
            json!(NOW.0 + CLOCK_SKEW + 1),
            NotYetValid,
            "iat",
        ),
        ("epoch_back", "Back to an epoch that is over.", "epoch", json!(0), OldEpoch, "epoch"),
        ("epoch_negative", "An epoch below zero.", "epoch", json!(-1), Malformed, "epoch"),
        ("epoch_fraction", "An epoch and a half.", "epoch", json!(1.5), Malformed, "epoch"),
        (
            "field_unknown",
            "A claim that the format does not know.",
            "until",
            json!(1),
            Malformed,
            "until",
        ),
    ];
    let honest = notice(made, 2);
    let mut cases = changed(&honest, signers(made), &wrongs, (CENTER, "epoch"), &case);
    let centers = &made.cast.net.anchors.centers;
    let mut learnt = centers.clone();
    (learnt[0].epoch, learnt[0].grace_until) = (2, NOW.plus(3_600));
    cases.push(case("next", "The next epoch.", honest).accepted(json!({"centers": learnt})));
    let known = case("known", "Of the epoch that is pinned: changes nothing.", notice(made, 1));
    cases.push(known.accepted(json!({"centers": centers})));
    cases
}

fn requests(made: &Made) -> Vec<Case> {
    let holder = &made.cast.holder;
    let party = &holder.credential_token;
    let case = |name: &str, about: &str, token: String| {
        let input = json!({"token": token, "party": party});
        Case::new("renewal_request", name, about, ("kps", "center"), input)
    };
    let honest = RenewalRequest {
        iss: holder.id().clone(),
        aud: center(made),
        network: NETWORK.to_string(),
        credential: party.clone(),
        notices: vec![notice(made, 2)],
        iat: NOW,
        exp: NOW.plus(REQUEST_LIFETIME),
    }
    .sign(holder.signer.as_ref());
    use Reason::*;
    let wrongs = [
        (
            "issuer_another",
            "In another holder's name.",
            "iss",
            json!("mail:mallory@example.net"),
            WrongParty,
            "iss",
        ),
        (
            "audience_another",
            "To another center.",
            "aud",
            json!("domain:center2.example"),
            WrongParty,
            "aud",
        ),
        (
            "network_another",
            "Of another network.",
            "network",
            json!("other.example"),
            WrongNetwork,
            "network",
        ),
        ("notices_none", "Without a notice.", "notices", json!([]), BadValue, "notices"),
        (
            "notices_seventeen",
            "More notices than a network has centers.",
            "notices",
            json!(vec!["x"; 17]),
            BadValue,
            "notices",
        ),
        (
            "good_for_too_long",
            "Good for a second longer than a request may be.",
            "exp",
            json!(NOW.0 + REQUEST_LIFETIME + 1),
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
        (
            "field_unknown",
            "A claim that the format does not know.",
            "roles",
            json!(["center"]),
            Malformed,
            "roles",
        ),
    ];
    let other = made.terminal("other_holder");
    let signers = (holder.signer.as_ref(), other.signer.as_ref());
    let word = (AtFault::Sender, "renewal_request");
    let mut cases = changed(&honest, signers, &wrongs, word, &case);
    let accepted = json!({"sub": holder.id()});
    cases.push(case("good", "A holder's, to the first center.", honest).accepted(accepted));
    cases
}

fn answers(made: &Made) -> Vec<Case> {
    let holder = &made.cast.holder;
    let case = |name: &str, about: &str, grant: String, shares: &str| {
        let renewal = Renewal { grant, credential: None, shares: shares.to_string() };
        let input = json!({"renewal": renewal, "center": center(made)});
        Case::new("renewal", name, about, ("kps", "holder"), input)
    };
    let sealed = |from: usize, to: &Identifier| {
        let share = made.cast.net.centers[from].0.holder_share(0, holder.id());
        encrypt_shares(to, &holder.credential.hpke[0], &[share], &mut rng(31)).unwrap()
    };
    let grant = |shares: &str| {
        Grant {
            iss: center(made),
            network: NETWORK.to_string(),
            sub: holder.id().clone(),
            epoch: 1,
            shares: sha256(shares.as_bytes()),
        }
        .sign(signers(made).0)
    };
    let shares = sealed(0, holder.id());
    let honest = grant(&shares);
    use Reason::*;
    let wrongs = [
        (
            "grant_of_another_center",
            "In another center's name.",
            "iss",
            json!("domain:center2.example"),
            WrongParty,
            "iss",
        ),
        (
            "grant_for_another",
            "For another holder.",
            "sub",
            json!("mail:mallory@example.net"),
            WrongParty,
            "sub",
        ),
        (
            "grant_of_another_network",
            "Of another network.",
            "network",
            json!("other.example"),
            WrongNetwork,
            "network",
        ),
        ("grant_of_no_epoch", "Of the epoch before.", "epoch", json!(0), OldEpoch, "epoch"),
        ("grant_of_other_shares", "Of other shares.", "shares", json!(ZERO), Mismatch, "shares"),
        (
            "grant_with_a_time",
            "A claim that the format does not know.",
            "iat",
            json!(NOW.0),
            Malformed,
            "iat",
        ),
    ];
    let with_shares = |name: &str, about: &str, token| case(name, about, token, &shares);
    let word = (CENTER, "grant");
    let mut cases = changed(&honest, signers(made), &wrongs, word, &with_shares);
    let later =
        case("grant_of_an_old_epoch", "The center is one epoch further.", honest.clone(), &shares);
    cases.push(later.with(json!({"epoch": 2})).refused(OldEpoch, CENTER, "grant.epoch"));
    let foreign = sealed(1, holder.id());
    let to_other = sealed(0, made.terminal("other_holder").id());
    let spoilt = format!("{shares}A");
    for (name, about, grant, shares, reason, field) in [
        (
            "shares_of_another_center",
            "The second center's share, granted by the first.",
            grant(&foreign),
            &foreign,
            WrongParty,
            "shares",
        ),
        (
            "shares_to_another",
            "Encrypted for another holder.",
            grant(&to_other),
            &to_other,
            WrongParty,
            "shares.to",
        ),
        (
            "shares_altered",
            "A character more than was granted.",
            honest.clone(),
            &spoilt,
            Mismatch,
            "grant.shares",
        ),
    ] {
        cases.push(case(name, about, grant, shares).refused(reason, CENTER, field));
    }
    let share = made.cast.net.centers[0].0.holder_share(0, holder.id());
    let file = String::from_utf8(share.to_file().to_vec()).unwrap();
    let good = case("good", "The first center's share.", honest, &shares);
    cases.push(good.accepted(json!({"shares": [file]})));
    cases
}
